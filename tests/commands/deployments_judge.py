"""What must hold of deployments, judged by what people were seen to do and by the world, not by Spotter's judgement."""

import json
import sqlite3
from collections import Counter
from typing import Any, NamedTuple

from commands.kit.policy import Gates, Policy
from storage import deployments
from tests.commands.small_plant import APPROVERS, MODEL, Build, Plant

NEXT = {
    "preparing": {"waiting", "expired", "withdrawn", "superseded", "stale"},
    "waiting": {"approved", "rejected", "expired", "withdrawn", "superseded", "stale"},
    "approved": {"shipping", "rejected", "stale", "withdrawn"},
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


class Request(NamedTuple):
    """A deployment, as far as somebody who acts or judges needs it."""

    id: str
    request_id: str
    target: str
    model_version: int
    state: str
    requested_by: str
    approvals_needed: int
    evidence: str
    rings: str

    @property
    def is_open(self) -> bool:
        return self.state in deployments.OPEN

    @property
    def is_under_way(self) -> bool:
        return self.state in deployments.UNDER_WAY


class Judge:
    """`policy` is what is in force now."""

    def __init__(self, plant: Plant, eyes: sqlite3.Connection, policy: Policy) -> None:
        self.plant, self.policy, self._eyes = plant, policy, eyes
        self.wrongs: list[str] = []
        self._said: dict[str, dict[str, set[str]]] = {}
        self._states: dict[str, str] = {}
        self._files: dict[str, int] = {}
        self._followed: set[tuple[str, str]] = set()
        self._shipments: Counter[str] = Counter()

    def requests(self) -> list[Request]:
        """Newest first."""
        columns = ", ".join(Request._fields)
        query = f"SELECT {columns} FROM deployments ORDER BY requested_at DESC, rowid DESC"  # noqa: S608  constants
        return [Request(*found) for found in self._eyes.execute(query)]

    def hears(self, who: str, verb: str, about: Request, *, could: bool) -> None:
        """Somebody's decision was taken; `could` is whether they might decide at that moment."""
        self._note(about.id, verb, who)
        if not could:
            self.wrongs.append(f"{who} could {verb} {about.id} without being one who may")
        if who == about.requested_by:
            self.wrongs.append(f"{who} could {verb} what {who} had asked for")

    def looks(self) -> None:
        """After each thing that Spotter did."""
        now = self.requests()
        moving = Counter(one.target for one in now if one.is_under_way)
        if max(moving.values(), default=0) > 1:
            self.wrongs.append("two rollouts move on a target")
        for one in now:
            before = self._states.get(one.id, one.state)
            if before != one.state and one.state not in _reachable(before):
                self.wrongs.append(f"{one.id} went from {before} to {one.state}")
            self._states[one.id] = one.state
            if one.state == "waiting":
                self._files.setdefault(one.id, self.plant.etags[one.model_version])
            if one.is_under_way:
                self._sees_followed(one)
        # a click that a power cut left unanswered may have counted
        for decided in self._eyes.execute("SELECT deployment_id, verdict, person FROM decisions"):
            self._note(*decided)
        under_way = (each for each in self.plant.builds if each.by_spotter and each.result != "failed")
        queued = Counter(each.parameters["correlationId"] for each in under_way)
        if max(queued.values(), default=0) > 1:
            self.wrongs.append("a ring was queued twice")

    def _sees_followed(self, one: Request) -> None:
        """A ring on whose devices Spotter begins to wait has the files that were approved."""
        for ring in json.loads(one.rings or "null") or []:
            if ring.get("applied_at") and (one.id, ring["name"]) not in self._followed:
                self._followed.add((one.id, ring["name"]))
                if self.plant.etags[one.model_version] != self._files[one.id]:
                    self.wrongs.append(
                        f"{one.id} {ring['name']} was followed with files that nobody approved"
                    )

    def sees_queued(self, build: Build) -> None:
        self._judge(build, "queued")

    def sees_shipped(self, build: Build) -> None:
        self._judge(build, "shipped")
        key = build.parameters["correlationId"]
        self._shipments[key] += 1
        if self._shipments[key] > 1:
            self.wrongs.append(f"{key} was shipped twice")

    def _judge(self, build: Build, done: str) -> None:
        key, _, ring = build.parameters["correlationId"].rpartition("-")
        one = next((each for each in self.requests() if each.request_id == key), None)
        problems = self._problems(one, build, ring, done) if one else ["nobody asked for it"]
        self.wrongs += [f"{one.id if one else key} {ring} was {done} although: {each}" for each in problems]

    def _problems(self, one: Request, build: Build, ring: str, done: str) -> list[str]:
        target, said = self.policy.targets[one.target], self._said.get(one.id, {})
        evidence: dict[str, Any] = json.loads(one.evidence)
        members = set(self.plant.groups[APPROVERS])
        by_override = (said.get("override", set()) & set(target.override)) - {one.requested_by}
        in_favour = said.get("approve", set()) | said.get("override", set())
        standing = (in_favour & members) - {one.requested_by}
        version = one.model_version
        wanted = {"modelName": MODEL, "modelVersion": str(version), "target": one.target, "ring": ring}
        figure = evidence["candidate"]["mean_average_precision"]
        unmet = _unmet(evidence, target.gates)
        shown = {gate["name"].partition(" ")[0] for gate in evidence["gates"] if gate["verdict"] != "passed"}
        problems = {
            "no approvals": len(standing) < max(target.approvals, one.approvals_needed),
            "rejected": bool(said.get("reject")),
            "gates": bool(unmet) and not (by_override and unmet <= shown),
            "another state": one.state != "shipping",
            "other parameters": {name: build.parameters[name] for name in wanted} != wanted,
            "tags": self.plant.models.get(version, {}).get("Mean Average Precision") != str(figure),
            "files": self.plant.etags[version] != self._files[one.id],
            "rings": list(target.rings) != evidence["rings"],
            "down": bool(self.plant.down & {"slack", "azure"}),
            "a canary": ring != evidence["rings"][0] and self._has_ill_canary(one),
            "frozen": done == "queued" and bool(target.freeze),
        }
        return [problem for problem, holds in problems.items() if holds]

    def _has_ill_canary(self, one: Request) -> bool:
        """Whether one is away, broken, or runs something else at this moment."""
        model = (MODEL, str(one.model_version))
        canaries = [each for each in self.plant.devices if (each.target, each.ring) == (one.target, "canary")]
        return any(each.is_silent or not each.is_well or each.model != model for each in canaries)

    def _note(self, deployment: str, verdict: str, person: str) -> None:
        self._said.setdefault(deployment, {}).setdefault(verdict, set()).add(person)


def _unmet(evidence: dict[str, Any], gates: Gates) -> set[str]:
    """The gates in force now that the figures do not reach; all versions of the small plant are measured alike."""
    ours, there = evidence["candidate"]["mean_average_precision"], evidence["incumbent"]
    theirs = there["mean_average_precision"] if there else 0.0
    unmet = {"mAP"} if ours < (gates.mean_average_precision or 0.0) else set()
    return unmet if theirs is not None and ours >= theirs - gates.worse_by else {*unmet, "Against"}


def _reachable(state: str) -> set[str]:
    """In several steps, for a follower may take them before anybody looks."""
    found: set[str] = set()
    for following in NEXT.get(state, set()):
        found |= {following} | _reachable(following)
    return found
