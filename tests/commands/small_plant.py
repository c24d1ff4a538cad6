"""Everything outside that deployments need, small and quick: approvers, models, builds, and devices that obey at once.

It is for thousands of steps in seconds; how the real ones misbehave is for the twins of the sandbox.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from infra.provision.edge.deployment import layered
from infra.provision.edge.shipment import read

MODEL = "Cap_Model"
FIGURES = {1: 0.62, 2: 0.80, 3: 0.41}
APPROVERS, MEMBERS = "S0APPROVERS", ("UANA", "UBEN", "UCLEO")
LINES = ("line-1", "line-2")
Happening = tuple[Any, ...]
"""The name of a method, and what it is given."""
TROUBLES: list[Happening] = [
    *[("member_comes_or_goes", who) for who in MEMBERS],
    *[(how, version) for version in (2, 3) for how in ("tags_change", "files_change", "model_goes")],
    *[
        ("device_changes", which, how)
        for which in (0, 1, 2)
        for how in ("breaks", "falls silent", "recovers")
    ],
    *[("service_comes_or_goes", which) for which in ("slack", "azure", "devops", "hub")],
    *[("answer_gets_lost",)] * 4,
]
VARIABLES = {
    "MODEL_NAME": "modelName",
    "MODEL_VERSION": "modelVersion",
    "TARGET": "target",
    "RING": "ring",
    "CORRELATION_ID": "correlationId",
}


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


def tags_of(figure: float) -> dict[str, str]:
    return {"Mean Average Precision": str(figure), "Precision": "1.0", "Recall": "1.0", "Dataset": "caps"}


def _models() -> dict[int, dict[str, str]]:
    return {version: tags_of(figure) for version, figure in FIGURES.items()}


def _devices() -> list[Device]:
    return [Device(f"{line}-{ring}", line, ring) for line in LINES for ring in ("canary", "rest")]


@dataclass
class Plant:
    """The state of the world. Changed by a test between requests, read and changed by requests."""

    now: Callable[[], datetime]
    when_queued: Callable[[Build], None] = lambda build: None
    """Told of each run that Spotter starts, before it is answered."""
    groups: dict[str, list[str]] = field(default_factory=lambda: {APPROVERS: [*MEMBERS]})
    models: dict[int, dict[str, str]] = field(default_factory=_models)
    """Tags of the registered versions."""
    etags: dict[int, int] = field(default_factory=lambda: dict.fromkeys(FIGURES, 1))
    """Of the versions' files."""
    devices: list[Device] = field(default_factory=_devices)
    builds: list[Build] = field(default_factory=list)
    configurations: dict[str, dict[str, Any]] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)
    """Services that answer nothing but 503: slack, azure, devops, hub."""
    asked: Counter[str] = field(default_factory=Counter)
    """How often each service was asked something."""
    loses_answers: int = 0
    """How many of the next requests that change something are done, but not answered."""

    def obey(self) -> None:
        """The hub writes twins and devices follow them."""
        for device in self.devices:
            mine = [each for each in self.configurations.values() if reaches(each, device)]
            winner = max(mine, key=lambda each: int(each["priority"]), default=None)
            image = image_of(winner) if winner else ""
            if image != device.order:
                device.order, device.version = image, device.version + 1
            if device.is_silent:
                continue
            device.taken, device.runs = device.version, image
            if winner and device.is_well:
                device.model = (winner["labels"]["model"], winner["labels"]["version"])

    def build(self, number: str) -> Build | None:
        return next((each for each in self.builds if str(each.id) == number), None)

    def queue(
        self, parameters: dict[str, str], *, by_spotter: bool, branch: str = "refs/heads/main"
    ) -> Build:
        made = Build(1000 + len(self.builds), parameters, self.now(), by_spotter, branch)
        self.builds.append(made)
        return made

    def ship(self, build: Build) -> None:
        """As the edge pipeline does after its check, with the project's own code."""
        given = {variable: build.parameters[name] for variable, name in VARIABLES.items()}
        image = f"registry.test/detector@sha256:{build.id:064x}"
        body = layered(read({**given, "BUILD_BUILDID": str(build.id)}), image)
        self.configurations[body["id"]] = {**json.loads(json.dumps(body)), "etag": f"e{build.id}"}
        self.obey()
        build.result = "succeeded"

    # --- trouble

    def member_comes_or_goes(self, who: str) -> None:
        members = self.groups[APPROVERS]
        members.remove(who) if who in members else members.append(who)

    def tags_change(self, version: int) -> None:
        """Or are again what they were, or are there again."""
        usual = tags_of(FIGURES[version])
        self.models[version] = tags_of(0.9) if self.models.get(version) == usual else usual

    def files_change(self, version: int) -> None:
        self.etags[version] += 1

    def model_goes(self, version: int) -> None:
        self.models.pop(version, None)

    def device_changes(self, which: int, how: str) -> None:
        device = self.devices[which]
        device.is_broken, device.is_silent = how == "breaks", how == "falls silent"
        device.fits = device.runs
        self.obey()

    def service_comes_or_goes(self, service: str) -> None:
        self.down = set() if self.down else {service}

    def answer_gets_lost(self) -> None:
        self.loses_answers = 1

    def recover(self) -> None:
        """All but what was shipped is as it was at first."""
        self.down, self.loses_answers = set(), 0
        self.groups, self.models = {APPROVERS: [*MEMBERS]}, _models()
        for device in self.devices:
            device.is_broken = device.is_silent = False
        self.obey()


def reaches(configuration: Mapping[str, Any], device: Device) -> bool:
    labels = configuration["labels"]
    return labels["target"] == device.target and labels["ring"] in ("all", device.ring)


def image_of(configuration: Mapping[str, Any]) -> str:
    modules = configuration["content"]["modulesContent"]["$edgeAgent"]
    return str(modules["properties.desired.modules.detector"]["settings"]["image"])
