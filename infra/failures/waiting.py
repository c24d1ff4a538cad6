"""Why a job does not run yet: the first of an ordered row of questions that has an answer."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache

from infra.azureml.clusters import Cluster, Node, Usage, usage_of
from infra.azureml.jobs import TERMINAL, Job
from infra.azureml.runs import Run
from infra.failures.explain import Elsewhere, Explanation, explain, shortened

NODE_STARTS_WITHIN = timedelta(minutes=15)
IMAGE_IS_READY_WITHIN = timedelta(minutes=60)
HEARTBEAT_RETURNS_WITHIN = timedelta(minutes=30)
CANCELS_WITHIN = timedelta(minutes=15)
FEW_MINUTES = 15
NAMES_SHOWN = 3
_CODE = re.compile(r"^[A-Za-z]+: ")


@dataclass(frozen=True)
class Waiting:
    """Why something waits. `normal` where nobody needs to do anything; texts may hold outside words.

    `held_by` are the runs that hold the nodes which it waits for; `elsewhere` tells whether another cluster would help,
    or only one with other machines."""

    sentence: str
    remedy: str | None = None
    normal: bool = False
    held_by: tuple[str, ...] = ()
    elsewhere: Elsewhere = ""


@dataclass(frozen=True)
class Situation:
    """All that is known of a job that waits. None is for what could not be read.

    `run` is the run that waits, at best the deepest one; `cluster_gone` tells that Azure has no such cluster;
    `names` gives people's names for runs that hold nodes, `own` the runs that belong to this job.
    """

    job: Job
    now: datetime
    run: Run | None = None
    cluster: Cluster | None = None
    cluster_gone: bool = False
    nodes: Sequence[Node] | None = None
    usages: Sequence[Usage] | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    own: frozenset[str] = frozenset()

    @property
    def status(self) -> str:
        return self.run.status if self.run else self.job.status

    @property
    def age(self) -> timedelta:
        since = (self.run.created_at if self.run else None) or self.job.created_at
        return self.now - since if since else timedelta()

    @property
    def usage(self) -> Usage | None:
        """What the quota says of the cluster's machine family."""
        if not self.cluster or not self.usages:
            return None
        return usage_of(self.cluster, self.usages)


def why_waiting(situation: Situation) -> Waiting | None:
    """The reason in a sentence, or None for a job that has ended or runs.

    Azure's own words are quoted as well where it gives any that are not understood.
    """
    if situation.job.status in TERMINAL or situation.status in (*TERMINAL, "Running", "Finalizing"):
        return None
    answer = next(
        (_placed(answer, question) for question in _QUESTIONS if (answer := question(situation))), None
    )
    said = _explained_before(situation.run.queueing) if situation.run and situation.run.queueing else None
    if said is None or said.is_known:
        return answer or _otherwise(situation)
    quoted = f"Azure says: {_CODE.sub('', said.raw)}"
    if answer is None:
        return Waiting(quoted, normal=_otherwise(situation).normal)
    return replace(answer, sentence=f"{answer.sentence} {quoted}")


def _placed(answer: Waiting, question: Callable[[Situation], Waiting | None]) -> Waiting:
    """Trouble of a cluster is none of another one's."""
    where = _ELSEWHERE.get(question, "")
    return answer if answer.normal or answer.elsewhere else replace(answer, elsewhere=where)


def _state_itself(s: Situation) -> Waiting | None:
    if s.status == "CancelRequested":
        late = s.age > CANCELS_WITHIN
        return Waiting("It is being canceled; trials may still be finishing.", normal=not late)
    if s.status == "NotResponding":
        return Waiting(
            "The node sends no heartbeat; it has probably died, but may come back.",
            "Cancel the job if it stays so." if s.age > HEARTBEAT_RETURNS_WITHIN else None,
        )
    return None


def _queueing(s: Situation) -> Waiting | None:
    if s.run is None:
        return None
    told = (s.run.queueing, *s.run.warnings)
    known = [found for message in told if message and (found := _explained_before(message)).is_known]
    return _explained(known[0]) if known else None


def _cluster_is_there(s: Situation) -> Waiting | None:
    if s.cluster_gone:
        return Waiting("The cluster no longer exists.", "Cancel the job and train on another cluster.")
    if s.cluster and s.cluster.provisioning_state == "Failed" and not s.cluster.errors:
        return Waiting(
            f"The cluster {s.cluster.name} could not be set up.", "Choose another cluster or recreate it."
        )
    if s.cluster and s.cluster.max_nodes == 0:
        return Waiting(f"The cluster {s.cluster.name} allows no nodes.", "Raise its maximum number of nodes.")
    return None


def _cluster_errors(s: Situation) -> Waiting | None:
    if not s.cluster or not s.cluster.errors:
        return None
    found = explain(s.cluster.errors)
    if "quota" in found.reason and not _quota_is_short(s):  # such errors stay after the quota is free again
        return None
    return _explained(found) if found.is_known else Waiting(f"The cluster reports: {found.raw}", found.remedy)


def _quota_is_short(s: Situation) -> bool:
    return s.usage is None or s.usage.current + (s.cluster.vcpus or 1 if s.cluster else 1) > s.usage.limit


def _unusable(s: Situation) -> Waiting | None:
    if not s.cluster or not s.cluster.unusable:
        return None
    cause = f"{_nodes(s.cluster.unusable)} of {s.cluster.name} cannot be used."
    if s.cluster.in_subnet:
        return Waiting(
            cause, "Let the subnet reach AzureMachineLearning, BatchNodeManagement and Storage of the region."
        )
    return Waiting(cause, "Scale the cluster to 0 and back, or recreate it; unusable nodes are billed.")


def _preempted(s: Situation) -> Waiting | None:
    if not s.cluster or not s.cluster.preempted:
        return None
    return Waiting(
        "Azure took back a low-priority machine; the job waits for another one.",
        "Use a dedicated cluster if this happens often.",
        normal=True,
    )


def _busy(s: Situation) -> Waiting | None:
    if not s.cluster or s.cluster.running + s.cluster.preparing < s.cluster.max_nodes:
        return None
    held = [node for node in s.nodes or () if node.run_id]
    if any(_is_own(s, node) for node in held):
        return None
    holders = dict.fromkeys(s.names.get(node.run_id, node.run_id) for node in held)
    if not holders and s.cluster.preparing:
        return Waiting(f"{s.cluster.name} is preparing its {_nodes(s.cluster.preparing)}.", normal=True)
    ahead = f" Ahead: {_listed(list(holders))}." if holders else ""
    busy = "The only node" if s.cluster.max_nodes == 1 else f"All {s.cluster.max_nodes} nodes"
    verb = "is" if s.cluster.max_nodes == 1 else "are"
    held_by = tuple(node.run_id for node in held)
    return Waiting(f"{busy} of {s.cluster.name} {verb} busy.{ahead}", normal=True, held_by=held_by)


def _resizing(s: Situation) -> Waiting | None:
    cluster = s.cluster
    if not cluster or cluster.allocation_state != "Resizing":
        return None
    if cluster.current_nodes == 0 and cluster.target_nodes == 0 and s.age > NODE_STARTS_WITHIN:
        return Waiting(
            f"{cluster.name} has been resizing from 0 to 0 nodes, which a resource lock causes.",
            "Remove the Delete or ReadOnly lock from the resource group.",
        )
    taken = s.now - cluster.changed_at if cluster.changed_at else s.age
    if taken <= NODE_STARTS_WITHIN:
        return Waiting(f"Starting a GPU machine on {cluster.name}; usually some minutes.", normal=True)
    if cluster.in_subnet:
        return Waiting(
            f"{cluster.name} has been starting a machine for {_minutes(taken)}.",
            "Its subnet may be out of addresses, or Azure out of such machines: enlarge it, or use another size.",
        )
    return Waiting(
        f"Azure has had no free {cluster.vm_size} in {cluster.location} for {_minutes(taken)}.",
        "Use another size or region, or wait; a quota is no promise of capacity.",
    )


def _quota(s: Situation) -> Waiting | None:
    cluster = s.cluster
    if not cluster or cluster.current_nodes >= cluster.max_nodes or not s.usage or not _quota_is_short(s):
        return None
    if s.usage.limit == 0:
        return Waiting(
            f"The subscription has no quota for {s.usage.title} in {cluster.location} yet.",
            "Request some (workspace, Usage + quotas); GPU families start at 0.",
        )
    return Waiting(
        f"{s.usage.current} of the {s.usage.limit} vCPUs of {s.usage.title} in {cluster.location} are in use,"
        f" and one more node needs {cluster.vcpus or 'more'}.",
        "Wait, delete clusters that are not needed (empty ones hold quota too), or raise the quota.",
    )


def _image(s: Situation) -> Waiting | None:
    if s.status != "Preparing":
        return None
    if s.age > IMAGE_IS_READY_WITHIN:
        return Waiting(
            f"The software has been prepared for {_minutes(s.age)}, far longer than usual.",
            "Read the image build log in the studio; pin a curated environment for the register step.",
        )
    return Waiting(
        "Preparing the software; this takes longest the first time a version is used.", normal=True
    )


def _otherwise(s: Situation) -> Waiting:
    return Waiting(
        f"Azure gives no reason yet; waiting for {_minutes(s.age)}.", normal=s.age < NODE_STARTS_WITHIN
    )


_QUESTIONS: tuple[Callable[[Situation], Waiting | None], ...] = (
    _state_itself,
    _queueing,
    _cluster_is_there,
    _cluster_errors,
    _unusable,
    _preempted,
    _busy,
    _resizing,
    _quota,
    _image,
)
_ELSEWHERE: dict[Callable[[Situation], Waiting | None], Elsewhere] = {
    _cluster_is_there: "cluster",
    _cluster_errors: "cluster",
    _unusable: "cluster",
    _resizing: "machines",
    _quota: "machines",
}


@lru_cache(maxsize=128)
def _explained_before(words: str) -> Explanation:
    """Hundreds that wait are told the same."""
    return explain([words])


def _explained(found: Explanation) -> Waiting:
    return Waiting(found.cause, found.remedy, elsewhere=found.elsewhere)


def _is_own(s: Situation, node: Node) -> bool:
    return node.run_id in s.own or node.run_id == s.job.name or node.run_id.startswith(f"{s.job.name}_")


def _nodes(count: int) -> str:
    return "1 node" if count == 1 else f"{count} nodes"


def _minutes(time: timedelta) -> str:
    """Later in steps of five, so that what tells of it need not change each minute."""
    minutes = max(1, round(time.total_seconds() / 60))
    minutes = minutes if minutes < FEW_MINUTES else minutes // 5 * 5
    if minutes < 120:
        return "1 minute" if minutes == 1 else f"{minutes} minutes"
    return f"{minutes // 60} hours"


def _listed(names: Sequence[str]) -> str:
    shown = [shortened(name, 60) for name in names[:NAMES_SHOWN]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
