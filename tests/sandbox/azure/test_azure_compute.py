"""Clusters: what they show, how they grow and shrink, what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from tests.sandbox.azure.conftest import Azure

if TYPE_CHECKING:
    from azure.ai.ml import MLClient


def amlcompute(**changes: Any) -> Any:
    from azure.ai.ml.entities import AmlCompute

    given = {
        "name": "made-here",
        "size": "Standard_NC4as_T4_v3",
        "min_instances": 0,
        "max_instances": 2,
        **changes,
    }
    return AmlCompute(**given)


def state(azure: Azure, name: str) -> Any:
    return azure.arm("GET", f"/computes/{name}").json()["properties"]["properties"]


def test_clusters_are_listed_and_read(ml: MLClient, clusters: None) -> None:
    assert {"gpu-cluster", "gpu-small", "gpu-frozen"} <= {compute.name for compute in ml.compute.list()}
    cluster = ml.compute.get("gpu-cluster")
    assert (cluster.type, cluster.size, cluster.min_instances, cluster.max_instances) == (
        "amlcompute",
        "STANDARD_NC4AS_T4_V3",
        0,
        4,
    )
    with pytest.raises(ResourceNotFoundError):
        ml.compute.get("nothing")


def test_a_cluster_is_made_grows_to_its_minimum_shrinks_and_goes(azure: Azure, ml: MLClient) -> None:
    made = ml.compute.begin_create_or_update(amlcompute(min_instances=1)).result()
    assert (made.name, made.provisioning_state) == ("made-here", "Succeeded")
    azure.until(lambda: state(azure, "made-here")["nodeStateCounts"]["idleNodeCount"] == 1, "a node comes up")
    assert [vars(node)["nodeState"] for node in ml.compute.list_nodes("made-here")] == ["idle"]
    ml.compute.begin_update(amlcompute(min_instances=0)).result()
    azure.until(lambda: state(azure, "made-here")["currentNodeCount"] == 0, "the idle node goes")
    ml.compute.begin_delete("made-here").wait()
    assert azure.arm("GET", "/computes/made-here").json()["error"]["code"] == "ComputeNotFound"


def test_a_starting_node_is_seen_as_preparing(azure: Azure) -> None:
    workspace = azure.twin.workspace
    usual = workspace.pace
    workspace.pace = replace(usual, node_start=600)
    azure.studio.add_cluster("slow", "Standard_DS3_v2", 1, 1)
    seen = state(azure, "slow")
    workspace.pace = usual
    assert (seen["allocationState"], seen["nodeStateCounts"]["preparingNodeCount"]) == ("Resizing", 1)
    azure.studio.add_cluster("quick", "Standard_DS3_v2", 1, 1)
    steady = azure.until(
        lambda: (s := state(azure, "quick"))["allocationState"] == "Steady" and s, "it is up"
    )
    assert steady["nodeStateCounts"]["idleNodeCount"] == steady["currentNodeCount"] == 1


@pytest.mark.parametrize("name", ["gpu-1", "1gpu", "ab", "a" * 25, "gpu_cluster"])
def test_names_that_azure_refuses(ml: MLClient, name: str) -> None:
    with pytest.raises(HttpResponseError):
        ml.compute.begin_create_or_update(amlcompute(name=name)).result()


def test_retired_sizes_cannot_be_had(ml: MLClient) -> None:
    with pytest.raises(HttpResponseError, match="not offered"):
        ml.compute.begin_create_or_update(amlcompute(size="Standard_NC6")).result()


def test_sizes_and_usage_of_the_region(azure: Azure, ml: MLClient, clusters: None) -> None:
    sizes = {size.name: size for size in ml.compute.list_sizes(location="westeurope")}
    assert sizes["STANDARD_NC4AS_T4_V3"].gpus == 1
    assert "STANDARD_NC6" not in sizes
    azure.studio.add_cluster("counted", "Standard_NC4as_T4_v3", 2, 2)
    assert ml.compute.list_usage(location="westeurope")
    url = f"{azure.workspace.partition('/resourceGroups')[0]}/providers/Microsoft.MachineLearningServices"
    answer = azure.call("GET", f"{url}/locations/westeurope/usages?api-version=2023-08-01-preview").json()
    usage = {use["name"]["value"]: use for use in answer["value"]}["Standard NCASv3_T4 Family"]
    assert usage["currentValue"] >= 8 and usage["limit"] == 24
    assert azure.call("GET", f"{url}/locations/mars/usages?api-version=2023-08-01-preview").status_code == 400
