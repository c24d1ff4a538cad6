"""Clusters and why jobs wait for them, on the twin; and an Azure that does not tell everything."""

from datetime import UTC, datetime

from infra.azureml.connection import WorkspaceId
from infra.azureml.workspace import Workspace
from infra.failures.waiting import Situation, Waiting, why_waiting
from infra.training.publish import publish
from sandbox.azure.twin import AzureTwin
from sandbox.faults import Fault
from tests.infra.answers import REGION, Answers
from tests.infra.conftest import CLUSTER, DEFINITION
from tests.infra.test_training import training, until


def test_a_cluster_with_its_machine(twin: AzureTwin, line: Workspace) -> None:
    twin.studio.add_cluster("cpu-cluster", "Standard_DS3_v2", 0, 4)
    cpu, gpu = line.clusters()
    assert (cpu.name, cpu.gpu, gpu.name, gpu.gpu) == ("cpu-cluster", False, CLUSTER, True)
    assert (gpu.min_nodes, gpu.max_nodes, gpu.current_nodes, gpu.vcpus) == (0, 2, 0, 4)
    assert (gpu.provisioning_state, gpu.allocation_state, gpu.warning) == ("Succeeded", "Steady", "")
    assert len(twin.faults.log("GET", "vmSizes")) == 1, "sizes are asked for once"
    assert line.nodes(CLUSTER) == []
    assert line.usage(gpu.location)


def why(line: Workspace) -> Waiting:
    """What is told of the first run that waits below the job."""
    job = line.job("caps-1")
    cluster = line.cluster(CLUSTER)
    waiting = line.progress("caps-1").waiting_run_id
    run = line.runs([waiting])[waiting]
    usages, nodes = line.usage(cluster.location), line.nodes(CLUSTER)
    answer = why_waiting(
        Situation(job, datetime.now(UTC), run=run, cluster=cluster, nodes=nodes, usages=usages)
    )
    assert answer
    return answer


def test_no_quota_is_told(twin: AzureTwin, twin_id: WorkspaceId, line: Workspace) -> None:
    publish(twin_id, DEFINITION, "1")
    twin.studio.set_quota("Standard NCASv3_T4 Family", 0)
    line.submit(training(line))
    until(lambda: line.progress("caps-1").waiting_run_id and line.cluster(CLUSTER).errors)
    until(lambda: "quota" in (why(line).remedy or ""))
    assert "0 vCPUs" in why(line).sentence


def test_no_machines_are_told(twin: AzureTwin, twin_id: WorkspaceId, line: Workspace) -> None:
    publish(twin_id, DEFINITION, "1")
    twin.studio.set_capacity(CLUSTER, available=False)
    line.submit(training(line))
    until(lambda: line.progress("caps-1").waiting_run_id and line.cluster(CLUSTER).errors)
    answer = why(line)
    assert "no free STANDARD_NC4AS_T4_V3 machines" in answer.sentence
    assert answer.remedy == "Try again later, or use another machine size or region."


COMPUTE = {
    "name": "gpu",
    "location": "weur",
    "properties": {"computeType": "AmlCompute", "properties": {"vmSize": "Standard_NC6s_v3"}},
}


def test_what_may_not_be_read_is_none_and_nothing_fails(azure: Answers, workspace: Workspace) -> None:
    azure.says("GET", "./computes", {"value": [COMPUTE, {"properties": {"computeType": "Kubernetes"}}, {}]})
    (cluster,) = workspace.clusters()
    assert (cluster.gpu, cluster.max_nodes, cluster.errors) == (True, 0, ())
    assert "retired" in cluster.warning
    assert workspace.nodes("gpu") is None
    assert workspace.usage("weur") is None
    assert len(azure.asked("GET", "vmSizes")) == 1
    workspace.clusters()
    assert len(azure.asked("GET", "vmSizes")) == 1, "not asked again at once"


def test_a_size_that_the_region_does_not_offer_is_warned_of(azure: Answers, workspace: Workspace) -> None:
    body = {**COMPUTE, "properties": {"computeType": "AmlCompute", "properties": {"vmSize": "Standard_NC9x"}}}
    azure.says("GET", "./computes", {"value": [body]})
    azure.says("GET", f"{REGION}/vmSizes", {"value": [{"name": "Standard_DS3_v2", "gpus": 0}]})
    assert "not among the sizes" in workspace.clusters()[0].warning


def test_errors_of_a_cluster_are_read_in_both_places(azure: Answers, workspace: Workspace) -> None:
    error = [{"error": {"code": "AllocationFailed", "message": "none"}}]
    body = {
        "name": "gpu",
        "properties": {
            "computeType": "AmlCompute",
            "provisioningState": "Failed",
            "provisioningErrors": error,
            "properties": {"errors": [{"code": "X", "message": "y"}, None]},
        },
    }
    azure.says("GET", "./computes/gpu", body)
    assert workspace.cluster("gpu").errors == ("AllocationFailed: none", "X: y")


def test_an_azure_that_is_down_still_leaves_optional_things_none(
    azure: Answers, workspace: Workspace
) -> None:
    azure.faults.arm(Fault("POST", "listNodes", "drop_before", times=20))
    assert workspace.nodes("gpu") is None
