from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from infra.azureml.clusters import Cluster, Node, Usage, cluster_from
from infra.azureml.jobs import job_from
from infra.azureml.runs import run_from
from infra.failures.waiting import Situation, why_waiting

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
JOB = job_from(
    {
        "name": "caps-1",
        "properties": {"status": "Queued"},
        "systemData": {"createdAt": "2026-11-22T11:50:00Z"},
    }
)
FAMILY = "standardNCASv3_T4Family"
T4 = Usage(FAMILY, "NCASv3_T4", 4, 8)


def cluster(**changes: object) -> Cluster:
    known = {"name": "gpu-cluster", "properties": {"provisioningState": "Succeeded"}}
    plain = replace(
        cluster_from(known, "westeurope", {}),
        max_nodes=2,
        vcpus=4,
        family=FAMILY,
        allocation_state="Steady",
        vm_size="Standard_NC4as_T4_v3",
        changed_at=NOW - timedelta(minutes=4),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # checked by the dataclass's readers below


def situation(**changes: object) -> Situation:
    return replace(Situation(JOB, NOW, cluster=cluster()), **changes)  # type: ignore[arg-type]  # as above


def said(**changes: object) -> str:
    answer = why_waiting(situation(**changes))
    assert answer
    return f"{answer.sentence} {answer.remedy or ''}".strip()


def test_a_job_that_runs_or_ended_does_not_wait() -> None:
    assert why_waiting(situation(job=replace(JOB, status="Failed"))) is None
    assert why_waiting(situation(job=replace(JOB, status="Running"))) is None
    queued = run_from({"runId": "x", "status": "Queued"})
    assert why_waiting(situation(job=replace(JOB, status="Running"), run=queued))


def test_azures_own_reason_comes_first() -> None:
    run = run_from({"runId": "x", "status": "Queued", "queueingInfo": {"message": "ClusterCoreQuotaReached"}})
    assert said(run=run).startswith("All vCPUs that the quota allows")
    run = run_from({"runId": "x", "status": "Queued", "queueingInfo": {"message": "Third in the queue"}})
    assert said(run=run) == "Azure says: Third in the queue"


def test_a_warning_speaks_only_where_it_is_understood() -> None:
    run = {
        "runId": "x",
        "status": "Queued",
        "warnings": [{"message": "Hello"}, {"message": "AllocationFailed"}],
    }
    assert said(run=run_from(run)).startswith("Azure has no free machines")
    assert said(run=run_from({**run, "warnings": [{"message": "Hello"}]})).startswith(
        "Azure gives no reason yet"
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"max_nodes": 0}, "The cluster gpu-cluster allows no nodes."),
        ({"provisioning_state": "Failed"}, "The cluster gpu-cluster could not be set up."),
        ({"errors": ("AllocationFailed: no",)}, "Azure has no free machines of this size"),
        ({"errors": ("Odd: never seen",)}, "The cluster reports: Odd: never seen"),
        ({"unusable": 1}, "1 node of gpu-cluster cannot be used. Scale the cluster"),
        ({"unusable": 2, "in_subnet": True}, "2 nodes of gpu-cluster cannot be used. Let the subnet reach"),
        ({"preempted": 1}, "Azure took back a low-priority machine"),
        ({"preparing": 2}, "gpu-cluster is preparing its 2 nodes."),
        ({"allocation_state": "Resizing", "target_nodes": 1}, "Starting a GPU machine on gpu-cluster"),
    ],
)
def test_the_cluster_tells(changes: dict[str, object], expected: str) -> None:
    assert said(cluster=cluster(**changes)).startswith(expected)


def test_a_deleted_cluster() -> None:
    assert said(cluster=None, cluster_gone=True).startswith("The cluster no longer exists.")


def test_who_holds_the_nodes() -> None:
    nodes = [Node("n1", "running", "a_HD_1"), Node("n2", "running", "b")]
    answer = why_waiting(situation(cluster=cluster(running=2), nodes=nodes, names={"b": "Bottle_Model"}))
    assert answer
    assert answer.sentence == "All 2 nodes of gpu-cluster are busy. Ahead: a_HD_1, Bottle_Model."
    assert answer.normal
    assert said(cluster=cluster(running=1, max_nodes=1)) == "The only node of gpu-cluster is busy."
    mine = situation(cluster=cluster(running=2), nodes=nodes, own=frozenset({"a_HD_1"}))
    assert "busy" not in str(why_waiting(mine))


def test_resizing_for_long_is_no_longer_normal() -> None:
    slow = cluster(allocation_state="Resizing", target_nodes=1, changed_at=NOW - timedelta(minutes=40))
    assert said(cluster=slow).startswith(
        "Azure has had no free Standard_NC4as_T4_v3 in westeurope for 40 minutes."
    )
    assert "addresses" in said(cluster=replace(slow, in_subnet=True))
    locked = replace(slow, target_nodes=0)
    old = replace(JOB, created_at=NOW - timedelta(hours=1))
    assert "resource lock" in said(cluster=locked, job=old)


def test_quota_speaks_when_one_more_node_does_not_fit() -> None:
    assert said(usages=[T4]).startswith("Azure gives no reason yet")
    full = replace(T4, current=8)
    assert said(usages=[full]).startswith("8 of the 8 vCPUs of NCASv3_T4 in westeurope are in use")
    assert "no quota" in said(usages=[replace(T4, current=0, limit=0)])
    low = Usage("lowPriorityCores", "Low-priority cores", 100, 100)
    assert "Low-priority cores" in said(usages=[T4, low], cluster=cluster(priority="LowPriority"))


def test_an_old_quota_error_is_not_believed_when_quota_is_free() -> None:
    failed = cluster(errors=("ClusterCoreQuotaReached: full",))
    assert said(cluster=failed).startswith("All vCPUs that the quota allows")
    assert said(cluster=failed, usages=[T4]).startswith("Azure gives no reason yet")


def test_preparing_is_the_software() -> None:
    preparing = replace(JOB, status="Preparing")
    assert said(job=preparing).startswith("Preparing the software")
    old = replace(preparing, created_at=NOW - timedelta(minutes=90))
    assert said(job=old).startswith("The software has been prepared for 90 minutes")


def test_canceling_and_a_lost_heartbeat() -> None:
    assert said(job=replace(JOB, status="CancelRequested")).startswith("It is being canceled")
    lost = replace(JOB, status="NotResponding", created_at=NOW - timedelta(hours=3))
    assert said(job=lost).endswith("Cancel the job if it stays so.")


def test_nothing_known_is_said_with_the_age() -> None:
    assert said(cluster=None) == "Azure gives no reason yet; waiting for 10 minutes."
