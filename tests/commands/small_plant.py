"""Everything outside that deployments need, small and quick: one server that speaks the few calls of Slack, Entra,
Azure ML, blobs, Azure DevOps and IoT Hub that Spotter's clients make, and devices that obey at once.

It is for thousands of steps in seconds; how the real ones misbehave is for the twins of the sandbox.
"""

import json
import re
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import trustme

HUB, BLOBS = "plant.azure-devices.net", "files.blob.small.test"
PROJECT, PIPELINE = "/org/Line/_apis", 7
OUTAGE = (503, {"Retry-After": "60"}, {"message": "Come back later."})
Answer = tuple[int, Any] | tuple[int, dict[str, str], Any]


@dataclass
class Build:
    id: int
    parameters: dict[str, str]
    queued_at: datetime
    by_spotter: bool
    branch: str = "refs/heads/main"
    status: str = "notStarted"
    result: str = "none"


@dataclass
class Device:
    id: str
    target: str
    ring: str
    order: str = ""
    version: int = 1
    taken: int = 1
    runs: str = ""
    model: tuple[str, str] = ("", "")
    is_broken: bool = False
    is_silent: bool = False
    fits: str = ""
    """The image that a broken device can still run."""

    @property
    def is_well(self) -> bool:
        return not self.is_broken or self.runs == self.fits


@dataclass
class Plant:
    """The state of the world. Changed by a test between requests, read and changed by requests."""

    now: Callable[[], datetime]
    groups: dict[str, list[str]] = field(default_factory=dict)
    models: dict[tuple[str, int], dict[str, str]] = field(default_factory=dict)
    """Tags of the registered versions."""
    etags: dict[tuple[str, int], int] = field(default_factory=dict)
    builds: list[Build] = field(default_factory=list)
    configurations: dict[str, dict[str, Any]] = field(default_factory=dict)
    devices: list[Device] = field(default_factory=list)
    down: set[str] = field(default_factory=set)
    """Services that answer nothing but 503: slack, azure, devops, hub."""
    loses_answers: int = 0
    """How many of the next requests that change something are done, but not answered."""
    when_queued: Callable[[Build], None] = lambda build: None

    def obey(self) -> None:
        """The hub writes twins and devices follow them."""
        for device in self.devices:
            mine = [each for each in self.configurations.values() if self.reaches(each, device)]
            winner = max(mine, key=lambda each: int(each["priority"]), default=None)
            image = image_of(winner) if winner else ""
            if image != device.order:
                device.order, device.version = image, device.version + 1
            if device.is_silent:
                continue
            device.taken, device.runs = device.version, image
            if winner and device.is_well:
                device.model = (winner["labels"]["model"], winner["labels"]["version"])

    @staticmethod
    def reaches(configuration: Mapping[str, Any], device: Device) -> bool:
        labels = configuration["labels"]
        return labels["target"] == device.target and labels["ring"] in ("all", device.ring)

    def build(self, number: str) -> Build | None:
        return next((each for each in self.builds if str(each.id) == number), None)

    def queue(
        self, parameters: dict[str, str], *, by_spotter: bool, branch: str = "refs/heads/main"
    ) -> Build:
        made = Build(1000 + len(self.builds), parameters, self.now(), by_spotter, branch)
        self.builds.append(made)
        return made


def image_of(configuration: Mapping[str, Any]) -> str:
    modules = configuration["content"]["modulesContent"]["$edgeAgent"]
    return str(modules["properties.desired.modules.detector"]["settings"]["image"])


@dataclass(frozen=True)
class Request:
    """`found` are the named parts of the path; `port` is the server's own."""

    target: str
    found: Mapping[str, str]
    body: bytes
    port: int


Handler = Callable[[Plant, Request], Answer]
ROUTES: list[tuple[str, re.Pattern[str], Handler]] = []


def on(method: str, path: str) -> Callable[[Handler], Handler]:
    def attach(handler: Handler) -> Handler:
        ROUTES.append((method, re.compile(path), handler))
        return handler

    return attach


@on("GET", "/metadata/endpoints")
def _clouds(plant: Plant, asked: Request) -> Answer:
    here = f"http://127.0.0.1:{asked.port}"
    about = {
        "authentication": {"loginEndpoint": "https://login.small.test"},
        "suffixes": {"storage": "small.test"},
    }
    return 200, {"name": "small", "portal": "https://a.b.c", "resourceManager": here, **about}


@on("GET", "/msi/token")
def _token(plant: Plant, asked: Request) -> Answer:
    return 200, {"access_token": "t", "expires_on": "4000000000", "resource": "r", "token_type": "Bearer"}


@on("POST", "/api/usergroups.users.list")
def _members(plant: Plant, asked: Request) -> Answer:
    if "slack" in plant.down:
        return OUTAGE
    group = parse_qs(asked.body.decode()).get("usergroup", [""])[0]
    return 200, {"ok": True, "users": plant.groups.get(group, [])}


@on("GET", r"/subscriptions/.*/models/(?P<name>[^/]+)/versions/(?P<version>\d+)")
def _version(plant: Plant, asked: Request) -> Answer:
    if "azure" in plant.down:
        return OUTAGE
    name, version = asked.found["name"], asked.found["version"]
    if (name, int(version)) not in plant.models:
        return 404, {"error": {"code": "UserError", "message": "There is no such model."}}
    uri, tags = uri_of(name, int(version)), plant.models[name, int(version)]
    return 200, {"name": version, "properties": {"modelUri": uri, "tags": tags}}


@on("GET", r"/models")
def _files(plant: Plant, asked: Request) -> Answer:
    if "azure" in plant.down:
        return OUTAGE
    prefix = unquote(asked.target.partition("prefix=")[2].partition("&")[0])
    name, version = prefix.strip("/").rsplit("-", 1)
    etag = plant.etags[name, int(version)]
    blob = f"<Blob><Name>{prefix}model.onnx</Name><Properties><Content-Length>9</Content-Length>"
    listed = f"<Blobs>{blob}<Etag>{etag}</Etag></Properties></Blob></Blobs>"
    return 200, f"<EnumerationResults>{listed}<NextMarker /></EnumerationResults>"


@on("GET", f"{PROJECT}/pipelines")
def _pipelines(plant: Plant, asked: Request) -> Answer:
    if "devops" in plant.down:
        return OUTAGE
    return 200, {"value": [{"id": PIPELINE, "name": "spotter-edge", "folder": "\\"}]}


@on("GET", f"{PROJECT}/pipelines/{PIPELINE}")
def _pipeline(plant: Plant, asked: Request) -> Answer:
    return 200, {"id": PIPELINE, "name": "spotter-edge", "folder": "\\", "configuration": {}}


@on("POST", f"{PROJECT}/pipelines/{PIPELINE}/runs")
def _queue(plant: Plant, asked: Request) -> Answer:
    wish = json.loads(asked.body)
    ref = wish["resources"]["repositories"]["self"]["refName"]
    made = plant.queue(wish["templateParameters"], by_spotter=True, branch=ref)
    plant.when_queued(made)
    return 200, {"id": made.id, "name": str(made.id), "templateParameters": made.parameters}


@on("GET", f"{PROJECT}/build/builds")
def _builds(plant: Plant, asked: Request) -> Answer:
    if "devops" in plant.down:
        return OUTAGE
    return 200, {"value": [_told(build) for build in reversed(plant.builds)]}


@on("GET", rf"{PROJECT}/build/builds/(?P<id>\d+)")
def _build(plant: Plant, asked: Request) -> Answer:
    if "devops" in plant.down:
        return OUTAGE
    found = plant.build(asked.found["id"])
    return (200, _told(found)) if found else (404, {"message": "There is no such build."})


@on("PATCH", rf"{PROJECT}/build/builds/(?P<id>\d+)")
def _cancel(plant: Plant, asked: Request) -> Answer:
    found = plant.build(asked.found["id"])
    if found is None or found.status == "completed":
        return 400, {"message": "The build has ended."}
    found.status = "cancelling"
    return 200, _told(found)


@on("GET", rf"{PROJECT}/build/builds/\d+/timeline")
def _timeline(plant: Plant, asked: Request) -> Answer:
    return 200, {"records": []}


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


@on("GET", "/configurations")
def _configurations(plant: Plant, asked: Request) -> Answer:
    return OUTAGE if "hub" in plant.down else (200, list(plant.configurations.values()))


@on("GET", "/configurations/(?P<id>[^/]+)")
def _configuration(plant: Plant, asked: Request) -> Answer:
    found = plant.configurations.get(asked.found["id"])
    return (200, found) if found else (404, {"Message": "ErrorCode:ConfigurationNotFound;it is not there"})


@on("DELETE", "/configurations/(?P<id>[^/]+)")
def _withdraw(plant: Plant, asked: Request) -> Answer:
    plant.configurations.pop(asked.found["id"], None)
    plant.obey()
    return 204, ""


@on("POST", "/devices/query")
def _twins(plant: Plant, asked: Request) -> Answer:
    if "hub" in plant.down:
        return OUTAGE
    if "devices.modules" in json.loads(asked.body)["query"]:
        return 200, [row for device in plant.devices for row in _modules(plant, device)]
    tags = [{"target": device.target, "ring": device.ring} for device in plant.devices]
    return 200, [{"deviceId": d.id, "tags": t} for d, t in zip(plant.devices, tags, strict=True)]


def _modules(plant: Plant, device: Device) -> Iterator[dict[str, Any]]:
    applied = {
        name: {"status": "Applied"} for name, c in plant.configurations.items() if plant.reaches(c, device)
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


def uri_of(name: str, version: int) -> str:
    return f"https://{BLOBS}/models/{name}-{version}"


class Exchanges(socketserver.StreamRequestHandler):
    """One connection: plain HTTP, or after CONNECT what goes through the tunnel, with TLS."""

    server: "Server"
    disable_nagle_algorithm = True

    def handle(self) -> None:
        with suppress(OSError):
            while self._exchange():
                pass

    def _exchange(self) -> bool:
        start = self.rfile.readline().decode("latin-1")
        headers = dict(line.lower().split(": ", 1) for line in iter(self._line, ""))
        if not start:
            return False
        method, target, _ = start.split(" ", 2)
        if method == "CONNECT":
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
            self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", 0)
            return True
        body = self.rfile.read(int(headers.get("content-length", 0)))
        status, more, told = self.server.answer(method, target, body)
        if self.server.plant.loses_answers and status < 300 and _changes_something(method, target):
            self.server.plant.loses_answers -= 1
            return False
        content = (told if isinstance(told, str) else json.dumps(told)).encode()
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(content)}", "Content-Type: application/json"]
        lines += [f"{name}: {value}" for name, value in more.items()]
        self.wfile.write("\r\n".join(lines).encode() + b"\r\n\r\n" + content)
        return headers.get("connection") != "close"

    def _line(self) -> str:
        return self.rfile.readline().decode("latin-1").strip()


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, plant: Plant, tls: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), Exchanges)
        self.plant = plant
        self.tls = tls
        self.port = self.server_address[1]

    def answer(self, method: str, target: str, body: bytes) -> tuple[int, dict[str, str], Any]:
        path = urlsplit(target).path
        for verb, pattern, handler in ROUTES:
            if verb == method and (match := pattern.fullmatch(path)):
                answer = handler(self.plant, Request(target, match.groupdict(), body, self.port))
                return answer if len(answer) == 3 else (answer[0], {}, answer[1])
        return 404, {}, {"message": f"{method} {path} is not spoken here."}


def _changes_something(method: str, target: str) -> bool:
    return method in ("PATCH", "DELETE") or (method == "POST" and target.startswith(PROJECT))


@contextmanager
def serving(plant: Plant, folder: Path) -> Iterator[dict[str, str]]:
    """The environment that leads clients there."""
    authority = trustme.CA()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(HUB, BLOBS).configure_cert(tls)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    server = Server(plant, tls)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    here = f"http://127.0.0.1:{server.port}"
    try:
        yield {
            "ARM_CLOUD_METADATA_URL": f"{here}/metadata/endpoints",
            "AZUREML_CURRENT_CLOUD": "small",
            "IDENTITY_ENDPOINT": f"{here}/msi/token",
            "IDENTITY_HEADER": "h",
            "AZURE_DEVOPS_EXT_PAT": "p",
            "REQUESTS_CA_BUNDLE": str(folder / "ca.pem"),
            "ALL_PROXY": here,
            "NO_PROXY": "localhost,127.0.0.1",
            "SLACK_API_URL": f"{here}/api/",
            "AZURE_DEVOPS_ORG_URL": f"{here}/org",
        }
    finally:
        server.shutdown()
        server.server_close()
