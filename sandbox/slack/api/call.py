"""One call to the Web API: its arguments, whatever way they came, and what its token may do."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

from ..limits import Tier
from ..refusal import Json, Refused, invalid_arguments, missing_field
from ..state import Slack

TokenKind = Literal["bot", "app", "any"]


@dataclass
class Call:
    name: str
    args: Json
    token: str
    scopes: tuple[str, ...] = ()
    warnings: list[str] = field(default_factory=list)

    def text(self, name: str, default: str = "") -> str:
        value = self.args.get(name)
        if value is None:
            return default
        if isinstance(value, (dict, list)):
            raise invalid_arguments(f"must provide a string [json-pointer:/{name}]")
        return str(value)

    def need(self, name: str) -> str:
        value = self.text(name)
        if not value:
            raise missing_field(name)
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self.args.get(name)
        return default if value is None else str(value).lower() in ("true", "1")

    def number(self, name: str, default: int, least: int, most: int) -> int:
        value = self.args.get(name)
        if value in (None, ""):
            return default
        try:
            number = int(str(value))
        except ValueError:
            raise invalid_arguments(f"must be an integer [json-pointer:/{name}]") from None
        if not least <= number <= most:
            raise Refused("invalid_limit" if name == "limit" else "invalid_arguments")
        return number

    def structure(self, name: str, otherwise: str = "invalid_arguments") -> Any:
        """An object or list, also when a form carries it as JSON text; None when it was left out."""
        value = self.args.get(name)
        if value in (None, ""):
            return None
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise Refused(otherwise) from None

    def require(self, *any_of: str) -> None:
        """:raises Refused: `missing_scope` with what is needed and what the token has"""
        if not set(any_of) & set(self.scopes):
            raise Refused("missing_scope", needed=any_of[0], provided=",".join(self.scopes))


@dataclass(frozen=True)
class Method:
    """How to answer a method; `scope` is needed before anything else is looked at."""

    answer: Callable[[Slack, Call], Json]
    scope: str | tuple[str, ...] = ()
    tier: Tier = Tier.THREE
    holder: TokenKind = "bot"

    @property
    def any_of(self) -> tuple[str, ...]:
        return (self.scope,) if isinstance(self.scope, str) else self.scope


async def read_arguments(request: web.Request) -> Json:
    """Query, form or JSON arguments; an empty JSON body counts as none.

    :raises Refused: `invalid_json`, `json_not_object` or `invalid_post_type`
    """
    args: Json = dict(request.query)
    kind = request.content_type
    if not request.body_exists or not await request.read():
        return args
    if kind == "application/json":
        try:
            body = json.loads(await request.text())
        except ValueError:
            raise Refused("invalid_json") from None
        if not isinstance(body, dict):
            raise Refused("json_not_object")
        return args | body
    if kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return args | dict(await request.post())
    raise Refused("invalid_post_type")
