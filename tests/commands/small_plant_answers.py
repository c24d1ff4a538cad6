"""What the small plant answers: the few calls of Slack, Entra, Azure ML, blobs, Azure DevOps and IoT Hub that Spotter's
clients make for deployments."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from tests.commands.small_plant import MODEL, Build, Device, Plant, reaches

HUB, BLOBS, ENTRA, ARM, DEVOPS, SLACK = (
    f"{name}.small.test" for name in ("hub", "files.blob", "entra", "arm", "devops", "slack")
)
PROJECT, PIPELINE = "/org/Line/_apis", 7


class Asked(NamedTuple):
    """`found` are the named parts of the path."""

    url: str
    found: Mapping[str, str]
    body: bytes


class Page(NamedTuple):
    """Rows of a query of IoT Hub, of which there are more."""

    rows: list[Any]
    following: str


Answer = tuple[int, Any]
Handler = Callable[[Plant, Asked], Answer]
ROUTES: list[tuple[str, re.Pattern[str], str, Handler]] = []


class LostAnswer(Exception):
    """It was done, but whoever asked does not hear of it."""


def answer(plant: Plant, method: str, url: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and content. Raises LostAnswer."""
    path = urlsplit(url).path
    routes = [(route, route[1].fullmatch(path)) for route in ROUTES if route[0] == method]
    (_, _, service, handler), found = next((route, match) for route, match in routes if match)
    plant.asked[service] += 1
    if service in plant.down:
        return 503, {"Retry-After": "60"}, b'{"message": "Come back later."}'
    status, told = handler(plant, Asked(url, found.groupdict(), body))
    changes_something = method in ("PATCH", "DELETE") or handler is _queue
    if plant.loses_answers and status < 300 and changes_something:
        plant.loses_answers -= 1
        raise LostAnswer
    headers = {"Content-Type": "application/json"}
    if isinstance(told, Page):
        headers["x-ms-continuation"], told = told.following, told.rows
    content = told if isinstance(told, str) else json.dumps(told)
    return status, headers, content.encode()


def on(method: str, path: str, service: str = "") -> Callable[[Handler], Handler]:
    def attach(handler: Handler) -> Handler:
        ROUTES.append((method, re.compile(path), service, handler))
        return handler

    return attach


@on("GET", "/metadata/endpoints")
def _clouds(plant: Plant, asked: Asked) -> Answer:
    about = {"authentication": {"loginEndpoint": f"https://{ENTRA}"}, "suffixes": {"storage": "small.test"}}
    return 200, {"name": "small", "portal": "https://a.b.c", "resourceManager": f"https://{ARM}", **about}


@on("GET", "/msi/token")
def _token(plant: Plant, asked: Asked) -> Answer:
    return 200, {"access_token": "t", "expires_on": "4000000000", "resource": "r", "token_type": "Bearer"}


@on("POST", "/api/usergroups.users.list", "slack")
def _members(plant: Plant, asked: Asked) -> Answer:
    group = parse_qs(asked.body.decode()).get("usergroup", [""])[0]
    return 200, {"ok": True, "users": plant.groups.get(group, [])}


@on("POST", "/api/users.info", "slack")
def _account(plant: Plant, asked: Asked) -> Answer:
    return 200, {"ok": True, "user": {"deleted": False}}


@on("GET", "/api/chat.getPermalink", "slack")
@on("POST", "/api/chat.getPermalink", "slack")
def _address(plant: Plant, asked: Asked) -> Answer:
    told = parse_qs(urlsplit(asked.url).query) or parse_qs(asked.body.decode())
    return 200, {"ok": True, "permalink": f"https://slack.test/{told['channel'][0]}/{told['message_ts'][0]}"}


@on("GET", r"/subscriptions/.*/models/(?P<name>[^/]+)/versions/(?P<version>\d+)", "azure")
def _version(plant: Plant, asked: Asked) -> Answer:
    name, version = asked.found["name"], int(asked.found["version"])
    if name != MODEL or version not in plant.models:
        return 404, {"error": {"code": "UserError", "message": "There is no such model."}}
    about = {"modelUri": uri_of(name, version), "tags": plant.models[version]}
    return 200, {"name": str(version), "properties": about}


@on("GET", r"/models", "azure")
def _files(plant: Plant, asked: Asked) -> Answer:
    prefix = unquote(asked.url.partition("prefix=")[2].partition("&")[0])
    version = int(prefix.strip("/").rpartition("-")[2])
    about = f"<Content-Length>9</Content-Length><Etag>{plant.etags[version]}</Etag>"
    blob = f"<Blob><Name>{prefix}model.onnx</Name><Properties>{about}</Properties></Blob>"
    return 200, f"<EnumerationResults><Blobs>{blob}</Blobs><NextMarker /></EnumerationResults>"


@on("GET", f"{PROJECT}/pipelines", "devops")
def _pipelines(plant: Plant, asked: Asked) -> Answer:
    return 200, {"value": [{"id": PIPELINE, "name": "spotter-edge", "folder": "\\"}]}


@on("GET", f"{PROJECT}/pipelines/{PIPELINE}", "devops")
def _pipeline(plant: Plant, asked: Asked) -> Answer:
    return 200, {"id": PIPELINE, "name": "spotter-edge", "folder": "\\", "configuration": {}}


@on("POST", f"{PROJECT}/pipelines/{PIPELINE}/runs", "devops")
def _queue(plant: Plant, asked: Asked) -> Answer:
    wish = json.loads(asked.body)
    ref = wish["resources"]["repositories"]["self"]["refName"]
    made = plant.queue(wish["templateParameters"], by_spotter=True, branch=ref)
    plant.when_queued(made)
    return 200, {"id": made.id, "name": str(made.id), "templateParameters": made.parameters}


@on("GET", f"{PROJECT}/build/builds", "devops")
def _builds(plant: Plant, asked: Asked) -> Answer:
    wanted = parse_qs(urlsplit(asked.url).query).get("buildIds", [""])[0].split(",")
    found = [build for build in reversed(plant.builds) if wanted == [""] or str(build.id) in wanted]
    return 200, {"value": [_told(build) for build in found]}


@on("GET", rf"{PROJECT}/build/builds/(?P<id>\d+)", "devops")
def _build(plant: Plant, asked: Asked) -> Answer:
    found = plant.build(asked.found["id"])
    return (200, _told(found)) if found else (404, {"message": "There is no such build."})


@on("PATCH", rf"{PROJECT}/build/builds/(?P<id>\d+)", "devops")
def _cancel(plant: Plant, asked: Asked) -> Answer:
    found = plant.build(asked.found["id"])
    if found is None or found.status == "completed":
        return 400, {"message": "The build has ended."}
    found.status = "cancelling"
    return 200, _told(found)


@on("GET", rf"{PROJECT}/build/builds/\d+/timeline", "devops")
def _timeline(plant: Plant, asked: Asked) -> Answer:
    return 200, {"records": []}


def uri_of(name: str, version: int) -> str:
    return f"https://{BLOBS}/models/{name}-{version}"


def _told(build: Build) -> dict[str, Any]:
    return {
        "id": build.id,
        "buildNumber": str(build.id),
        "status": build.status,
        "result": build.result,
        "definition": {"id": PIPELINE},
        "sourceBranch": build.branch,
        "queueTime": build.queued_at.isoformat(),
        "templateParameters": build.parameters,
    }


@on("GET", "/configurations", "hub")
def _configurations(plant: Plant, asked: Asked) -> Answer:
    return 200, list(plant.configurations.values())


@on("GET", "/configurations/(?P<id>[^/]+)", "hub")
def _configuration(plant: Plant, asked: Asked) -> Answer:
    found = plant.configurations.get(asked.found["id"])
    return (200, found) if found else (404, {"Message": "ErrorCode:ConfigurationNotFound;it is not there"})


@on("DELETE", "/configurations/(?P<id>[^/]+)", "hub")
def _withdraw(plant: Plant, asked: Asked) -> Answer:
    plant.configurations.pop(asked.found["id"], None)
    plant.obey()
    return 204, ""


@on("POST", "/devices/query", "hub")
def _twins(plant: Plant, asked: Asked) -> Answer:
    if "devices.modules" in json.loads(asked.body)["query"]:
        return 200, [row for device in plant.devices for row in modules(plant, device)]
    return 200, [twin(device) for device in plant.devices]


def twin(device: Device) -> dict[str, Any]:
    state = "Disconnected" if device.is_silent else "Connected"
    tags = {"target": device.target, "ring": device.ring}
    return {"deviceId": device.id, "connectionState": state, "tags": tags}


def modules(plant: Plant, device: Device) -> Iterator[dict[str, Any]]:
    applied = {
        name: {"status": "Applied"} for name, each in plant.configurations.items() if reaches(each, device)
    }
    status = "running" if device.is_well else "backoff"
    ordered = {"detector": {"settings": {"image": device.order}}} if device.order else {}
    run = {"detector": {"settings": {"image": device.runs}, "runtimeStatus": status}} if device.runs else {}
    desired = {"modules": ordered, "$version": device.version}
    reported = {"modules": run, "lastDesiredVersion": device.taken, "lastDesiredStatus": {"code": 200}}
    agent = {"properties": {"desired": desired, "reported": reported}, "configurations": applied}
    yield {"deviceId": device.id, "moduleId": "$edgeAgent", **agent}
    name, version = device.model
    says = {"modelName": name, "modelVersion": version, "health": "ok"} if name else {}
    yield {"deviceId": device.id, "moduleId": "detector", "properties": {"reported": says}}
