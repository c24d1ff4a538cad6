"""Resources as Azure DevOps declares them: one declaration makes the route and its line in the OPTIONS answer."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import unquote

from aiohttp import web
from multidict import CIMultiDict

from sandbox.devops.errors import devops_error, invalid
from sandbox.devops.identities import Identity

Item = TypeVar("Item")
NEWEST = (7, 2)
CONTINUATION = "x-ms-continuationtoken"


@dataclass
class Call:
    """One request: who asks, the values of the route, and its query with names in any case."""

    request: web.Request
    caller: Identity
    values: Mapping[str, str]

    @cached_property
    def query(self) -> CIMultiDict[str]:
        return CIMultiDict(self.request.query)

    def number(self, name: str) -> int:
        """A whole number of the route, as ids of pipelines and builds are."""
        try:
            return int(self.values[name])
        except ValueError:
            raise invalid(f"The value '{self.values[name]}' is not valid for {name}.") from None

    def whole(self, name: str, otherwise: int) -> int:
        """A whole number ≥ 0 of the query."""
        text = self.query.get(name, str(otherwise))
        if not text.isdigit():
            message = f"A potentially dangerous or invalid value '{text}' was given for {name}."
            raise devops_error(400, "VssPropertyValidationException", message)
        return int(text)

    def listed(self, name: str) -> list[str]:
        """The comma-separated values of a query parameter; empty where it is not given."""
        return [text.strip() for text in self.query.get(name, "").split(",") if text.strip()]

    async def json(self) -> Any:
        try:
            return json.loads(await self.request.read() or b"null")
        except ValueError:
            raise invalid("The request body is not valid JSON.") from None

    async def body(self) -> dict[str, Any]:
        body = await self.json()
        if not isinstance(body, dict):
            raise devops_error(400, "ArgumentNullException", "Value cannot be null.")
        return body


Work = Callable[[Call], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Resource:
    """`version` is the number after `-preview.`; a resource that is not `released` is to be asked for as a preview.

    One without `id` is served but not among the locations, as its id is not published. Parts of `template` in
    braces are optional where the path ends with them, and `{project}` at its start.
    """

    id: str
    area: str
    name: str
    template: str
    work: Mapping[str, Work]
    version: int = 1
    released: bool = True
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", _pattern(self.template))

    def location(self) -> dict[str, Any]:
        newest = ".".join(map(str, NEWEST))
        return {
            "id": self.id,
            "area": self.area,
            "resourceName": self.name,
            "routeTemplate": self.template,
            "resourceVersion": self.version,
            "minVersion": "1.0",
            "maxVersion": newest,
            "releasedVersion": "7.1" if self.released else "0.0",
        }

    @property
    def literals(self) -> int:
        return sum(not part.startswith("{") for part in self.template.split("/"))


def _pattern(template: str) -> re.Pattern[str]:
    parts = template.split("/")
    last = max(place for place, part in enumerate(parts) if not part.startswith("{"))
    pattern = ""
    for place, part in enumerate(parts):
        if part.startswith("{*"):
            pattern += f"(?:/(?P<{part[2:-1]}>.+))?"
        elif part.startswith("{") and (place > last or place == 0):
            pattern += f"(?:/(?P<{part[1:-1]}>[^/]+))?"
        elif part.startswith("{"):
            pattern += f"/(?P<{part[1:-1]}>[^/]+)"
        else:
            pattern += "/" + re.escape(part)
    return re.compile(pattern + "/?", re.IGNORECASE)


class Router:
    """Finds resources by path, whatever its case; the one with the most fixed parts wins."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        self.resources = sorted(resources, key=lambda resource: -resource.literals)

    def find(self, path: str) -> tuple[Resource, dict[str, str]] | None:
        """`path` is below the organisation, still percent-encoded."""
        for resource in self.resources:
            if match := resource.pattern.fullmatch(path):
                return resource, {key: unquote(value) for key, value in match.groupdict().items() if value}
        return None


_VERSION = re.compile(r"(\d+)\.(\d+)(-preview(\.(\d+))?)?")


def check_api_version(request: web.Request, resource: Resource) -> None:
    """The version travels in the Accept header or in the query; changes must name one."""
    accept = re.search(r"api-version=([^;,\s]+)", request.headers.get("Accept", ""))
    given = request.query.get("api-version") or (accept[1] if accept else "")
    if not given:
        if request.method in ("GET", "OPTIONS"):
            return
        message = (
            f'No api-version was supplied for the "{request.method}" request. The version must be supplied either '
            'as part of the Accept header (e.g. "application/json; api-version=1.0") or as a query parameter '
            '(e.g. "?api-version=1.0").'
        )
        raise devops_error(400, "VssVersionNotSpecifiedException", message)
    match = _VERSION.fullmatch(given)
    if match is None or (int(match[1]), int(match[2])) > NEWEST:
        message = f"The requested REST API version of {given} is out of range for this server."
        raise devops_error(400, "VssVersionOutOfRangeException", message)
    if not match[3] and not resource.released:
        message = (
            f'The requested version "{given}" of the resource is under preview. The -preview flag must be supplied '
            f'in the api-version for such requests. For example: "{given}-preview"'
        )
        raise devops_error(400, "VssInvalidPreviewVersionException", message)
    if match[5] and int(match[5]) > resource.version:
        message = f'The requested resource version of "{given}" is out of range: "{resource.version}" is the newest.'
        raise devops_error(400, "VssResourceVersionOutOfRangeException", message)


def collection(items: Sequence[Any], token: str | None = None) -> web.Response:
    headers = {CONTINUATION: token} if token else None
    return web.json_response({"count": len(items), "value": list(items)}, headers=headers)


def paged(
    call: Call, items: Sequence[Item], key: Callable[[Item], Any], *, size: int
) -> tuple[Sequence[Item], str | None]:
    """One page and the token of the next one; tokens name the first item of the page."""
    token = call.query.get("continuationToken")
    size = call.whole("$top", size) or size
    if token:
        start = next((place for place, item in enumerate(items) if str(key(item)) == token), None)
        if start is None:
            raise devops_error(400, "InvalidContinuationTokenException", f"The token '{token}' is not valid.")
        items = items[start:]
    following = str(key(items[size])) if len(items) > size else None
    return items[:size], following
