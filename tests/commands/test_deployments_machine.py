"""Thousands of steps of people, clocks, power cuts and changes: nothing is shipped without the approvals in force then.

The rooms, the store and the clients are the real ones, in `one_thread`; what they ask is `small_plant`.
"""

import sys
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from structlog.testing import capture_logs

from commands.deploy.checks import verdict
from commands.deploy.command import DeployArgs, ask, deploy
from commands.deploy.decide import ReasonArgs, approve, overridden, rejected, withdraw
from commands.deploy.follow import follow_deployments
from commands.deploy.rollback import roll_back_now
from commands.kit.command import Asked
from commands.kit.errors import UserError
from commands.kit.people import Person
from infra.http.errors import AzureError
from storage import audit
from tests.commands.deployments_judge import OUTCOMES, Judge, Request
from tests.commands.one_thread import PowerCut, Seat, seat
from tests.commands.small_plant import APPROVERS, LINES, MEMBERS, MODEL, TROUBLES, Build, Happening, Plant
from tests.commands.small_policy import BOSS, CHANGING, changed, usual_policy

STEPS = 10_000
PEOPLE = TRAINER, ANA, BEN, CLEO, *_ = [Person(who, who) for who in ("UTRAINER", *MEMBERS, BOSS, "UOUT")]
CHANGES: list[Happening] = [*TROUBLES, *[("policy", what) for what in CHANGING]]
VERSION, LINE, WHICH = st.sampled_from([2, 2, 1, 3]), st.sampled_from(LINES), st.integers(0, 3)
CUTS = st.sampled_from([0] * 30 + list(range(2, 150)))
SELDOM, SOMETIMES = st.sampled_from([False] * 4 + [True]), st.sampled_from([None] * len(CHANGES) + CHANGES)


class Deployments(RuleBasedStateMachine):
    """A step is one thing that people, the clock, the world or Spotter do, and after each it is judged."""

    seat: Seat
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.clock, self.power = self.seat.clock, self.seat.power
        self.plant = Plant(self.clock.now)
        self.seat.empties(self.plant)
        self.judge = Judge(self.plant, self.seat.eyes, usual_policy())
        self.plant.when_queued = self.judge.sees_queued
        self.clicks = 0
        self.starts()

    def starts(self) -> None:
        """Spotter, with nothing but what is stored, and the policy as it is now."""
        self.services = self.seat.starts(self.judge.policy)

    def _does(self, work: Callable[[], object]) -> bool:
        """Whether it was taken; a refusal is an answer, and a power cut starts Spotter anew."""
        taken, self.power.may_be_cut = True, True
        try:
            work()
        except (UserError, AzureError):
            taken = False
        except PowerCut:
            taken = False
            self.starts()
        self.power.may_be_cut = False
        self.judge.looks()
        self._has_happened()
        return taken

    def _has_happened(self) -> None:
        type(self).steps += 1
        assert not self.judge.wrongs, self.judge.wrongs

    # --- people

    def _asked(self, person: Person) -> Asked:
        self.clicks += 1
        return Asked(person, "C0LINE", f"click:{self.clicks}")

    def _one(self, which: int) -> Request | None:
        """The newest open one first, then the others."""
        newest = sorted(self.judge.requests(), key=lambda one: not one.is_open)[:4]
        return newest[which % len(newest)] if newest else None

    @rule(who=st.sampled_from([TRAINER, TRAINER, ANA]), version=VERSION, line=LINE, again=SELDOM)
    def asks(self, who: Person, version: int, line: str, again: bool) -> None:
        if not again and any(one.target == line and one.is_open for one in self.judge.requests()):
            return
        args = DeployArgs(f"{MODEL}:{version}", line, "it is better")

        def work() -> None:
            for check in deploy.checks:
                check(args, self.services)
            ask(args, self._asked(who), self.services)

        self._does(work)

    @rule(who=st.sampled_from(PEOPLE), which=WHICH, verb=st.sampled_from(["approve", "approve", "override"]))
    def decides(self, who: Person, which: int, verb: str) -> None:
        if (one := self._one(which)) is None:
            return
        could = who.id in self.plant.groups[APPROVERS] and "slack" not in self.plant.down
        could |= verb == "override" and who.id in self.judge.policy.targets[one.target].override
        reason, asked = ReasonArgs(one.id, "a trial"), self._asked(who)
        acts = {
            "approve": lambda: approve(one.id, asked, self.services),
            "override": lambda: overridden(reason, asked, self.services),
            "reject": lambda: rejected(reason, asked, self.services),
        }
        if self._does(acts[verb]):
            self.judge.hears(who.id, verb, one, could=could)

    @rule(which=st.integers(0, 1))
    def people_agree(self, which: int) -> None:
        self.follows()
        self.decides(ANA, which, "override")
        self.decides(ANA, which, "approve")
        self.decides(BEN, which, "approve")

    @rule(who=st.sampled_from(PEOPLE), which=WHICH, how=st.sampled_from(["reject", "withdraw", "roll back"]))
    def wants_to_end_it(self, who: Person, which: int, how: str) -> None:
        if (one := self._one(which)) is None:
            return
        if how == "reject":
            self.decides(who, which, how)
        else:
            act = withdraw if how == "withdraw" else roll_back_now
            self._does(lambda: act(one.id, self._asked(who), self.services))

    # --- time, followers, agents

    @rule(minutes=st.sampled_from([0.1, 0.1, 1, 1, 1, 6, 60, 25 * 60]))
    def time_passes(self, minutes: float) -> None:
        self.clock.time += timedelta(minutes=minutes)
        self._has_happened()

    @rule()
    def follows(self) -> None:
        if any(one.is_open for one in self.judge.requests()):
            self._does(lambda: follow_deployments(self.services))

    @rule(agents_are_free=st.booleans())
    def everything_goes_on(self, agents_are_free: bool) -> None:
        if agents_are_free:
            self.agents_work()
        self.follows()
        self.time_passes(1)
        self.follows()

    @rule(version=VERSION, line=LINE, passes=st.integers(0, 7), change=SOMETIMES, cut=st.none() | CUTS)
    def a_rollout_goes_on(
        self, version: int, line: str, passes: int, change: Happening | None, cut: int | None
    ) -> None:
        """As far as it goes; with a change between the approvals and the shipping, or a power cut after them."""
        self.all_is_well_again()
        self.asks(TRAINER, version, line, again=True)
        self.people_agree(0)
        if change:
            self.the_world_changes(change)
        if cut is not None:
            self.power_will_be_cut(cut)
        self.follows()
        for nth in range(passes):
            self.everything_goes_on(agents_are_free=nth % 2 == 1)

    @rule()
    def agents_work(self) -> None:
        for build in self.plant.builds:
            if build.status == "cancelling":
                build.status, build.result = "completed", "canceled"
            elif build.status == "notStarted":
                self._runs(build)

    def _runs(self, build: Build) -> None:
        """As the edge pipeline does, which asks first."""
        build.status, build.result = "completed", "failed"
        told: list[bool] = []
        self._does(lambda: told.append(verdict(build.id, self.services)[0]))
        if told == [True]:
            self.judge.sees_shipped(build)
            self.plant.ship(build)

    @rule(which=WHICH, version=st.sampled_from([2, 3]), ring=st.sampled_from(["canary", "all"]))
    def somebody_queues_by_hand(self, which: int, version: int, ring: str) -> None:
        """With whatever they saw in another run's parameters."""
        one = self._one(which)
        correlation, line = (f"{one.request_id}-{ring}", one.target) if one else ("none", "line-1")
        given = {"modelName": MODEL, "modelVersion": str(version), "target": line}
        self.plant.queue({**given, "ring": ring, "correlationId": correlation}, by_spotter=False)
        self._has_happened()

    # --- the world changes

    @rule(what=st.sampled_from(CHANGES))
    def the_world_changes(self, what: Happening) -> None:
        name, *given = what
        if name == "policy":
            self.judge.policy = changed(self.judge.policy, *given)
            self.starts()  # which is when Spotter reads it
        else:
            getattr(self.plant, name)(*given)
        self._has_happened()

    @rule()
    def all_is_well_again(self) -> None:
        self.power.lasts()
        self.plant.recover()
        self._has_happened()

    @rule(at=CUTS)
    def power_will_be_cut(self, at: int) -> None:
        """Before or after one of the next effects outside or commits; at 0, right after the next change outside."""
        self.power.left, self.power.after, self.power.with_answer = at // 2, at % 2 == 1, at == 0
        self.plant.loses_answers = int(at == 0)
        self._has_happened()

    def teardown(self) -> None:
        """With everything well again each rollout comes to its end."""
        self.all_is_well_again()
        self.judge.policy = usual_policy()
        self.starts()
        passes = 0
        while any(one.is_under_way for one in self.judge.requests()):
            self.everything_goes_on(agents_are_free=True)
            passes += 1
            assert passes < 60, "a rollout never ends"
        with self.services.store.read() as tx:
            assert audit.verify(tx) is None
            told = Counter(row.subject for row in audit.rows(tx) if row.action in OUTCOMES)
        assert max(told.values(), default=0) <= 1, "a request has two outcomes"


@pytest.mark.soak
def test_nothing_ships_without_the_approvals_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    some = settings(max_examples=10, stateful_step_count=50)
    with capture_logs(), seat(tmp_path, monkeypatch) as Deployments.seat:
        while Deployments.steps < STEPS:
            run_state_machine_as_test(Deployments, settings=some)
    with capsys.disabled():
        sys.stdout.write(f"\n{Deployments.steps} steps: nothing shipped without the approvals in force.\n")
