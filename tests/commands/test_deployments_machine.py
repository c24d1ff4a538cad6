"""Thousands of steps of people, clocks, crashes and changes: nothing is shipped without the approvals in force then.

The rooms, the store and the clients are the real ones; what they ask is `small_plant`.
"""

import json
import os
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests
import structlog
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from slack_sdk import WebClient
from sqlalchemy import event

from commands.deploy.checks import verdict
from commands.deploy.command import DeployArgs, ask, deploy
from commands.deploy.decide import ReasonArgs, approve, overridden, rejected, withdraw
from commands.deploy.follow import follow_deployments
from commands.deploy.rollback import roll_back_now
from commands.kit.clock import Clock
from commands.kit.command import Asked
from commands.kit.errors import UserError
from commands.kit.health import Health
from commands.kit.people import Directory, Person
from commands.kit.policy import Gates, Policy, Roles, Target
from commands.kit.services import Services
from infra.azureml.connection import WorkspaceId
from infra.azureml.workspace import Workspace
from infra.devops.connection import Place
from infra.devops.project import Project
from infra.http.errors import AzureError
from infra.iothub.hub import Hub
from infra.provision.edge.deployment import layered
from infra.provision.edge.shipment import read
from storage import audit, catalog, deployments, migrate
from storage.catalog import ModelRow
from storage.database import Store
from storage.tables import metadata
from tests.commands.small_plant import HUB, Build, Device, Plant, serving, uri_of

STEPS, LONG = 10_000, 100
MODEL = "Cap_Model"
FIGURES = {1: 0.62, 2: 0.80, 3: 0.41}
TRAINER, ANA, BEN, CLEO, OUTSIDER = (
    Person(f"U{name}", name) for name in ("TRAINER", "ANA", "BEN", "CLEO", "OUT")
)
PEOPLE = [TRAINER, ANA, BEN, CLEO, OUTSIDER]
APPROVERS = "S0APPROVERS"
LINES = ("line-1", "line-2")
NEXT = {
    "preparing": {"waiting", "expired", "withdrawn", "superseded", "stale"},
    "waiting": {"approved", "rejected", "expired", "withdrawn", "superseded", "stale"},
    "approved": {"shipping", "stale", "withdrawn"},
    "shipping": {"shipped", "rolling_back"},
    "shipped": {"rolling_back"},
    "rolling_back": {"rolled_back", "failed"},
}
OUTCOMES = {
    "deploy.reject",
    "deploy.expired",
    "deploy.withdraw",
    "deploy.superseded",
    "deploy.stale",
    "deploy.ship",
}
UNFROZEN: list[str] = []
SELDOM = st.integers(0, 4).map(lambda drawn: drawn == 4)
NONE = st.none()
CHANGES = st.one_of(
    st.tuples(st.just("group_changes"), st.sampled_from([ANA, BEN, CLEO]), NONE),
    st.tuples(st.just("model_changes"), st.sampled_from([2, 3]), st.sampled_from(["tags", "files", "gone"])),
    st.tuples(st.just("policy_changes"), st.sampled_from(["approvals", "frozen", "rings", "override"]), NONE),
    st.tuples(
        st.just("device_changes"), st.integers(0, 3), st.sampled_from(["breaks", "falls silent", "recovers"])
    ),
    st.tuples(st.just("service_comes_or_goes"), st.sampled_from(["slack", "azure", "devops", "hub"]), NONE),
)


class PowerCut(BaseException):
    """The process dies here."""


class MovedClock(Clock):
    def __init__(self) -> None:
        self.time = datetime.now(UTC)

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class Cuts:
    """Counts what leaves the process and what is committed, and cuts the power at the one that was chosen."""

    def __init__(self) -> None:
        self.left = 0
        self.after = False
        self.may_come = False

    def passing(self) -> bool:
        """Whether this is the one."""
        self.left -= self.may_come
        return self.may_come and self.left == 0


class Row(NamedTuple):
    """A request, as far as somebody who acts or looks needs it."""

    id: str
    request_id: str
    target: str
    model_version: int
    state: str
    requested_by: str

    @property
    def is_open(self) -> bool:
        return self.state in deployments.OPEN


@dataclass(frozen=True)
class Seat:
    """What outlives a power cut: the world, the store's file, and connections, which hold no state."""

    plant: Plant
    clock: MovedClock
    cuts: Cuts
    store: Store
    eyes: sqlite3.Connection
    services: Services


class Deployments(RuleBasedStateMachine):
    seat: Seat
    taken = 0

    def __init__(self) -> None:
        super().__init__()
        self.plant, self.clock, self.cuts = self.seat.plant, self.seat.clock, self.seat.cuts
        self.store = self.seat.store
        self.policy = _policy()
        _empty(self.store)
        self.clock.time = datetime.now(UTC)
        self.plant.groups = {APPROVERS: [ANA.id, BEN.id, CLEO.id]}
        self.plant.models = {(MODEL, version): _tags(figure) for version, figure in FIGURES.items()}
        self.plant.etags = dict.fromkeys(self.plant.models, 1)
        self.plant.builds, self.plant.configurations, self.plant.down = [], {}, set()
        self.plant.loses_answers = 0
        self.plant.devices = [
            Device(f"{line}-cam-{n}", line, "canary" if n == 1 else "rest") for line in LINES for n in (1, 2)
        ]
        self.plant.when_queued = self._judge_queued
        self.cuts.left, self.cuts.may_come = 0, False
        self.services = self._born()
        self.clicks = 0
        self.states: dict[str, str] = {}
        self.said: dict[str, dict[str, set[str]]] = {}
        self.files: dict[str, int] = {}
        self.wrongs: list[str] = []
        self.shipments: Counter[tuple[str, str]] = Counter()

    def _born(self) -> Services:
        """What a new process has: nothing but what is stored."""
        client = WebClient(token="t", base_url=os.environ["SLACK_API_URL"], retry_handlers=[])
        people = Directory(client, self.policy.roles, self.clock)
        return replace(self.seat.services, policy=self.policy, people=people, health=Health(self.clock))

    # --- people

    def _does(self, work: Callable[[], object]) -> bool:
        """Whether it was taken; a refusal is an answer, and a power cut starts Spotter anew."""
        self.cuts.may_come = True
        try:
            work()
        except (UserError, AzureError):
            return False
        except PowerCut:
            self.services = self._born()
            return False
        finally:
            self.cuts.may_come = False
            self._look()
        return True

    def _asked(self, person: Person) -> Asked:
        self.clicks += 1
        return Asked(person, "C0LINE", f"click:{self.clicks}")

    def _all(self) -> list[Row]:
        """Oldest first. Seen past SQLAlchemy, for this is looked at after every step."""
        query = f"SELECT {', '.join(Row._fields)} FROM deployments ORDER BY requested_at"  # noqa: S608  constants
        return [Row(*found) for found in self.seat.eyes.execute(query)]

    def _one(self, which: int) -> Row | None:
        """Open ones first, then the newest of the others."""
        newest = sorted(self._all(), key=lambda one: one.is_open)[-4:]
        return newest[which % len(newest)] if newest else None

    @rule(
        who=st.sampled_from([TRAINER, TRAINER, ANA]),
        version=st.sampled_from([1, 2, 2, 3]),
        line=st.sampled_from(LINES),
        again=SELDOM,
    )
    def asks(self, who: Person, version: int, line: str, again: bool) -> None:
        if not again and any(one.target == line and one.is_open for one in self._all()):
            return
        args = DeployArgs(f"{MODEL}:{version}", line, "it is better")

        def work() -> None:
            for check in deploy.checks:
                check(args, self.services)
            ask(args, self._asked(who), self.services)

        self._does(work)

    @rule(who=st.sampled_from(PEOPLE), which=st.integers(0, 3))
    def approves(self, who: Person, which: int) -> None:
        self._decides(who, which, "approve", lambda one, asked: approve(one.id, asked, self.services))

    @rule(
        version=st.sampled_from([1, 2, 2, 3]),
        line=st.sampled_from(LINES),
        passes=st.integers(0, 5),
        change=st.none() | CHANGES,
        cut=st.integers(0, 40),
        really=SELDOM,
    )
    def a_rollout_goes_on(
        self,
        version: int,
        line: str,
        passes: int,
        change: tuple[str, Any, Any] | None,
        cut: int,
        really: bool,
    ) -> None:
        """As far as it goes; with a change between the approvals and the shipping, or a power cut after them."""
        if not really:
            return
        self.asks(TRAINER, version, line, again=True)
        self.people_agree(0)
        if change:
            self.the_world_changes(change)
        self.cuts.left = cut
        self.follows()
        for _ in range(passes):
            self.everything_goes_on()

    @rule(which=st.integers(0, 1))
    def people_agree(self, which: int) -> None:
        self.follows()
        self.overrides(ANA, which)
        self.approves(ANA, which)
        self.approves(BEN, which)

    @rule(who=st.sampled_from([ANA, BEN, CLEO]), which=st.integers(0, 3))
    def overrides(self, who: Person, which: int) -> None:
        self._decides(
            who,
            which,
            "override",
            lambda one, asked: overridden(ReasonArgs(one.id, "a trial"), asked, self.services),
        )

    @rule(who=st.sampled_from(PEOPLE), which=st.integers(0, 3), really=SELDOM)
    def rejects(self, who: Person, which: int, really: bool) -> None:
        if not really:
            return
        self._decides(
            who, which, "reject", lambda one, asked: rejected(ReasonArgs(one.id, "no"), asked, self.services)
        )

    def _decides(self, who: Person, which: int, verb: str, act: Callable[[Row, Asked], object]) -> None:
        one = self._one(which)
        if one is None:
            return
        may_now = who.id in self.plant.groups[APPROVERS] and "slack" not in self.plant.down
        if self._does(lambda: act(one, self._asked(who))):
            self.said.setdefault(one.id, {}).setdefault(verb, set()).add(who.id)
            if not may_now and not (verb == "override" and who == ANA):
                self.wrongs.append(f"{who.name} could {verb} {one.id} without being an approver")
            if who.id == one.requested_by:
                self.wrongs.append(f"{who.name} could {verb} what {who.name} had asked for")

    @rule(who=st.sampled_from(PEOPLE), which=st.integers(0, 3), really=SELDOM)
    def withdraws(self, who: Person, which: int, really: bool) -> None:
        if really and (one := self._one(which)):
            self._does(lambda: withdraw(one.id, self._asked(who), self.services))

    @rule(which=st.integers(0, 3), really=SELDOM)
    def rolls_back(self, which: int, really: bool) -> None:
        if really and (one := self._one(which)):
            self._does(lambda: roll_back_now(one.id, self._asked(TRAINER), self.services))

    # --- time, followers, agents

    @rule(minutes=st.sampled_from([0.1, 0.1, 1, 1, 1, 6, 60, 25 * 60]))
    def time_passes(self, minutes: float) -> None:
        self.clock.time += timedelta(minutes=minutes)

    @rule()
    def follows(self) -> None:
        self._does(lambda: follow_deployments(self.services))

    @rule()
    def everything_goes_on(self) -> None:
        self.agents_work()
        self.follows()
        self.time_passes(1)
        self.follows()

    @rule()
    def agents_work(self) -> None:
        for build in self.plant.builds:
            if build.status == "cancelling":
                build.status, build.result = "completed", "canceled"
            elif build.status == "notStarted":
                self._runs(build)

    @rule(which=st.integers(0, 3), version=st.sampled_from([2, 3]), ring=st.sampled_from(["canary", "all"]))
    def somebody_queues_by_hand(self, which: int, version: int, ring: str) -> None:
        """With whatever they saw in another run's parameters."""
        one = self._one(which)
        correlation = f"{one.request_id}-{ring}" if one else "none"
        given = {"modelName": MODEL, "modelVersion": str(version), "target": one.target if one else "line-1"}
        self.plant.queue({**given, "ring": ring, "correlationId": correlation}, by_spotter=False)

    def _runs(self, build: Build) -> None:
        """As the edge pipeline does: asks, then makes the deployment with the project's own code."""
        build.status, build.result = "completed", "failed"
        told: list[bool] = []
        self._does(lambda: told.append(verdict(build.id, self.services)[0]))
        if told != [True]:
            return
        self._judge(build, "shipped")
        given = build.parameters
        shipment = read(
            {
                "MODEL_NAME": given["modelName"],
                "MODEL_VERSION": given["modelVersion"],
                "TARGET": given["target"],
                "RING": given["ring"],
                "CORRELATION_ID": given["correlationId"],
                "BUILD_BUILDID": str(build.id),
            }
        )
        self.shipments[shipment.key, shipment.ring] += 1
        body = layered(shipment, f"registry.test/detector@sha256:{build.id:064x}")
        self.plant.configurations[body["id"]] = {**json.loads(json.dumps(body)), "etag": f"e{build.id}"}
        self.plant.obey()
        build.result = "succeeded"

    # --- the world changes

    @rule(what=CHANGES)
    def the_world_changes(self, what: tuple[str, Any, Any]) -> None:
        getattr(self, what[0])(*what[1:])

    def group_changes(self, who: Person, _: None) -> None:
        members = self.plant.groups[APPROVERS]
        members.remove(who.id) if who.id in members else members.append(who.id)

    def model_changes(self, version: int, how: str) -> None:
        key = (MODEL, version)
        if key not in self.plant.models:
            self.plant.models[key] = _tags(FIGURES[version])
        elif how == "tags":
            now = float(self.plant.models[key]["Mean Average Precision"])
            self.plant.models[key] = _tags(FIGURES[version] if now == 0.9 else 0.9)
        elif how == "files":
            self.plant.etags[key] += 1
        else:
            del self.plant.models[key]

    def policy_changes(self, change: str, _: None) -> None:
        """Spotter reads its policy when it starts."""
        line = self.policy.targets["line-1"]
        always = ["mon 00:00 - mon 00:00", "2020-01-01 - 2099-01-01"]
        changes: dict[str, dict[str, Any]] = {
            "approvals": {"approvals": 3 if line.approvals == 2 else 2},
            "frozen": {"freeze": UNFROZEN if line.freeze else always},
            "rings": {"rings": ["all"] if len(line.rings) == 2 else ["canary", "all"]},
            "override": {"override": [] if line.override else [ANA.id]},
        }
        targets = {**self.policy.targets, "line-1": line.model_copy(update=changes[change])}
        self.policy = self.policy.model_copy(update={"targets": targets})
        self.services = self._born()

    def device_changes(self, which: int, what: str) -> None:
        device = self.plant.devices[which]
        device.is_broken, device.is_silent = what == "breaks", what == "falls silent"
        device.fits = device.runs
        self.plant.obey()

    def service_comes_or_goes(self, service: str, _: None) -> None:
        self.plant.down = set() if self.plant.down else {service}

    @rule()
    def all_is_well_again(self) -> None:
        self.plant.down, self.plant.loses_answers = set(), 0
        self.plant.groups[APPROVERS] = [ANA.id, BEN.id, CLEO.id]
        self.plant.models = {(MODEL, version): _tags(figure) for version, figure in FIGURES.items()}
        for device in self.plant.devices:
            device.is_broken = device.is_silent = False
        self.plant.obey()

    @rule()
    def an_answer_gets_lost(self) -> None:
        self.plant.loses_answers = 1

    @rule(at=st.integers(1, 60), after=st.booleans())
    def power_will_be_cut(self, at: int, after: bool) -> None:
        """At one of the next effects outside, or commits."""
        self.cuts.left, self.cuts.after = at, after

    # --- what must hold

    def _judge_queued(self, build: Build) -> None:
        self._judge(build, "queued")

    def _judge(self, build: Build, done: str) -> None:
        """By what people were seen to do and what the world is now, not by Spotter's own judgement."""
        key, _, ring = build.parameters["correlationId"].rpartition("-")
        with self.store.read() as tx:
            one = deployments.by_request(tx, key)
        assert one is not None
        name = f"{one.id} {ring} was {done}"
        target, said = self.policy.targets[one.target], self.said.get(one.id, {})
        members = set(self.plant.groups[APPROVERS])
        by_override = said.get("override", set()) & set(target.override)
        standing = ((said.get("approve", set()) & members) | by_override) - {one.requested_by}
        evidence = one.evidence or {}
        wanted = {
            "modelName": MODEL,
            "modelVersion": str(one.model_version),
            "target": one.target,
            "ring": ring,
        }
        tags = self.plant.models.get((MODEL, one.model_version), {})
        figure = evidence["candidate"]["mean_average_precision"]
        problems = {
            "no approvals": len(standing) < max(target.approvals, one.approvals_needed),
            "rejected": bool(said.get("reject")),
            "gates": any(gate["verdict"] != "passed" for gate in evidence["gates"]) and not by_override,
            "another state": one.state != "shipping",
            "other parameters": {k: build.parameters[k] for k in wanted} != wanted,
            "tags": tags.get("Mean Average Precision") != str(figure),
            "files": self.plant.etags[MODEL, one.model_version] != self.files[one.id],
            "rings": list(target.rings) != evidence["rings"],
            "down": bool(self.plant.down & {"slack", "azure"}),
            "frozen": done == "queued" and bool(target.freeze),
        }
        self.wrongs += [f"{name} although: {problem}" for problem, holds in problems.items() if holds]

    @invariant()
    def nothing_is_wrong(self) -> None:
        type(self).taken += 1
        assert not self.wrongs, self.wrongs
        queued = Counter(b.parameters["correlationId"] for b in self.plant.builds if b.by_spotter)
        assert max(queued.values(), default=0) <= 1, "a ring was queued twice"
        assert max(self.shipments.values(), default=0) <= 1, "a ring was shipped twice"

    def _look(self) -> None:
        """After each thing that Spotter did."""
        now = self._all()
        moving = Counter(one.target for one in now if one.state in deployments.UNDER_WAY)
        if max(moving.values(), default=0) > 1:
            self.wrongs.append("two rollouts move on a target")
        for one in now:
            before = self.states.get(one.id)
            if before != one.state:
                if before is not None and one.state not in _reachable(before):
                    self.wrongs.append(f"{one.id} went from {before} to {one.state}")
                self.states[one.id] = one.state
            if one.state == "waiting" and one.id not in self.files:
                self.files[one.id] = self.plant.etags[MODEL, one.model_version]
        # a click that a power cut left unanswered may have counted
        for name, said, person in self.seat.eyes.execute(
            "SELECT deployment_id, verdict, person FROM decisions"
        ):
            self.said.setdefault(name, {}).setdefault(said, set()).add(person)

    def teardown(self) -> None:
        self._heal()
        with self.store.read() as tx:
            assert audit.verify(tx) is None
            told = Counter((row.subject, row.action) for row in audit.rows(tx))
        ends = Counter(
            subject for (subject, action), n in told.items() if action in OUTCOMES for _ in range(n)
        )
        assert max(ends.values(), default=0) <= 1, "a request has two outcomes"
        assert all(one.state not in deployments.UNDER_WAY for one in self._all()), "a rollout never ends"

    def _heal(self) -> None:
        """With everything well again each rollout comes to its end."""
        self.all_is_well_again()
        self.policy = _policy()
        self.services = self._born()
        for _ in range(30):
            if not any(one.state in deployments.UNDER_WAY for one in self._all()):
                return
            self.agents_work()
            self.follows()
            self.nothing_is_wrong()
            self.clock.time += timedelta(minutes=2)


def _reachable(state: str) -> set[str]:
    """In several steps, for a follower may take them before anybody looks."""
    found: set[str] = set()
    for following in NEXT.get(state, set()):
        found |= {following} | _reachable(following)
    return found


def _policy() -> Policy:
    return Policy(
        roles=Roles(deploy="everyone", approve=[APPROVERS]), targets={line: _target() for line in LINES}
    )


def _target() -> Target:
    return Target(
        channel="C0LINE",
        approvals=2,
        override=[ANA.id],
        bake_minutes=1,
        deadline_minutes=5,
        gates=Gates(mean_average_precision=0.5),
    )


def _tags(figure: float) -> dict[str, str]:
    return {"Mean Average Precision": str(figure), "Precision": "1.0", "Recall": "1.0", "Dataset": "caps"}


def _empty(store: Store) -> None:
    with store.write() as tx:
        for table in reversed(metadata.sorted_tables):
            tx.execute(table.delete())
        for version, figure in FIGURES.items():
            catalog.add_model(tx, _row(version, figure))


def _row(version: int, figure: float) -> ModelRow:
    return ModelRow(
        name=MODEL,
        version=version,
        created_at=None,
        created_by="Line engineer",
        mean_average_precision=figure,
        precision=1.0,
        recall=1.0,
        tags=_tags(figure),
        uri=uri_of(MODEL, version),
        run_id=None,
        announced=True,
        seen_at=datetime.now(UTC),
    )


@contextmanager
def _seat(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Seat]:
    clock, cuts = MovedClock(), Cuts()
    plant = Plant(now=clock.now)
    with serving(plant, folder) as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        file = folder / "spotter.db"
        store = Store(f"sqlite:///{file}")
        migrate.upgrade(store)
        devops = Project.connect(Place(environment["AZURE_DEVOPS_ORG_URL"], "Line"))
        services = Services(
            store=store,
            policy=Policy(),
            clock=clock,
            people=Directory(WebClient(), Roles(), clock),
            health=Health(clock),
            azure=Workspace.connect(WorkspaceId("s", "g", "w")),
            devops=devops,
            hub=Hub.connect(HUB),
            wake=lambda name: None,
            commands=(),
        )
        _cut_power(store, cuts, monkeypatch)
        monkeypatch.setattr(time, "sleep", clock.sleep)
        eyes = sqlite3.connect(file)
        yield Seat(plant, clock, cuts, store, eyes, services)
        eyes.close()
        store.close()


def _cut_power(store: Store, cuts: Cuts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the process reaches out: HTTP of all Azure clients, and commits."""
    send = requests.Session.send

    def cut_send(
        session: requests.Session, request: requests.PreparedRequest, **how: Any
    ) -> requests.Response:
        is_now = cuts.passing()
        if is_now and not cuts.after:
            raise PowerCut
        answer = send(session, request, **how)
        if is_now:
            raise PowerCut
        return answer

    def cut_commit(_connection: object) -> None:
        if cuts.passing():
            raise PowerCut

    monkeypatch.setattr(requests.Session, "send", cut_send)
    event.listen(store.engine, "commit", cut_commit)


@pytest.mark.soak
def test_nothing_ships_without_the_approvals_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
    with _seat(tmp_path, monkeypatch) as seat:
        Deployments.seat, Deployments.taken = seat, 0
        try:
            run_state_machine_as_test(
                Deployments,
                settings=settings(
                    max_examples=STEPS // LONG,
                    stateful_step_count=LONG,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            structlog.reset_defaults()
    assert Deployments.taken >= STEPS
