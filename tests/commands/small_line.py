"""A line of the small plant with one approver, on which tests ship models, and what its cards say."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from commands.deploy.checks import verdict
from commands.deploy.command import DeployArgs, ask
from commands.deploy.decide import approve
from commands.deploy.follow import follow_deployments
from commands.deploy.rollback import roll_back_now
from commands.kit.command import Asked
from commands.kit.people import Person
from commands.kit.policy import Gates, Policy, Target
from commands.kit.services import Services
from infra.http.errors import AzureError
from storage import deployments, messages
from storage.deployments import Deployment
from tests.commands.one_thread import MovedClock, seat
from tests.commands.small_plant import MODEL, Build, Plant

LINE = "line-1"
TRAINER, ANA = Person("UTRAINER", "trainer"), Person("UANA", "approver")


@dataclass
class Line:
    """A line with a canary and another device, its only approver, and agents that run what is queued."""

    plant: Plant
    clock: MovedClock
    services: Services
    asked: list[str] = field(default_factory=list)

    def wants(self, version: int) -> str:
        """The id of a request that waits for approval."""
        key = f"click:{len(self.asked)}"
        self.clock.sleep(1)
        ask(DeployArgs(f"{MODEL}:{version}", LINE, "better"), Asked(TRAINER, "C0LINE", key), self.services)
        with self.services.store.read() as tx:
            (new,) = (one for one in deployments.in_states(tx, ["preparing"]) if one.id not in self.asked)
        self.asked.append(new.id)
        self.follows()
        return new.id

    def agrees(self, name: str) -> str:
        approve(name, Asked(ANA, "C0LINE", f"{name}:yes"), self.services)
        return name

    def follows(self, times: int = 1, seconds: float = 0) -> None:
        for _ in range(times):
            self.clock.sleep(seconds)
            with suppress(AzureError):
                follow_deployments(self.services)

    def until(self, name: str, state: str) -> None:
        """Agents work and time passes until a request is there."""
        for _ in range(40):
            if self.one(name).state == state:
                return
            self.agents_work()
            self.follows(seconds=20)
        pytest.fail(f"{self.one(name).state}, not {state}: {self.card(name)}")

    def ships(self, version: int) -> str:
        name = self.agrees(self.wants(version))
        self.until(name, "shipped")
        return name

    def rolls_back(self, name: str) -> None:
        roll_back_now(name, Asked(TRAINER, "C0LINE", f"back:{name}"), self.services)

    def agents_work(self) -> None:
        for build in self.plant.builds:
            if build.status == "cancelling":
                build.status, build.result = "completed", "canceled"
            elif build.status == "notStarted":
                self._run(build)

    def _run(self, build: Build) -> None:
        build.status, build.result = "completed", "failed"
        if verdict(build.id, self.services)[0]:
            self.plant.ship(build)

    def one(self, name: str) -> Deployment:
        with self.services.store.read() as tx:
            found = deployments.get(tx, name)
        assert found is not None
        return found

    def card(self, name: str, below: str = "") -> str:
        """All words of a request's card, or of what is said below it."""
        with self.services.store.read() as tx:
            shown = messages.get(tx, f"deploy:{name}{below}")
        return "\n".join(_words(shown.wanted)) if shown else ""

    def offers_a_rollback(self, name: str) -> bool:
        return "Roll back" in self.card(name).splitlines()

    def changes(self, **changed: Any) -> None:
        """The policy of the line, as after a restart."""
        line = self.services.policy.targets[LINE].model_copy(update=changed)
        self.services.policy.targets[LINE] = line


def _words(told: Any) -> Iterator[str]:
    if isinstance(told, str):
        yield told
    elif isinstance(told, dict):
        for name, part in told.items():
            if name in ("text", "blocks", "elements", "rows", "title", "confirm"):
                yield from _words(part)
    elif isinstance(told, list):
        for part in told:
            yield from _words(part)


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    fixed = {"bake_minutes": 1, "deadline_minutes": 5, "gates": Gates(worse_by=1)}
    target = Target(channel="C0LINE", approvers=[ANA.id], approvals=1, **fixed)
    with seat(tmp_path, monkeypatch) as there:
        plant = Plant(there.clock.now)
        there.empties(plant)
        yield Line(plant, there.clock, there.starts(Policy(targets={LINE: target})))
