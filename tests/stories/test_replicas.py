"""Two replicas on one PostgreSQL: both answer people, one acts by itself, and when it dies the other one goes on."""

from collections.abc import Callable

from tests.stories.replicas import Replicas, cluster, leads, new_database, replicated
from tests.stories.trouble import ASK, said

__all__ = ["cluster", "new_database", "replicated"]


def test_the_leader_dies_and_the_other_replica_goes_on(replicated: Callable[..., Replicas]) -> None:
    replicas = replicated()
    stage = replicas.stage
    assert (leads(replicas.first), leads(replicas.second)) == (True, False)
    stage.world.azure.studio.set_capacity("gpu-cluster", available=False)
    stage.trainer.types(ASK)
    stage.line.shows("Cap_Model training: waiting for a GPU node")
    replicas.kill_leader()
    stage.world.azure.studio.set_capacity("gpu-cluster", available=True)
    stage.line.shows("Cap_Model v1 trained")
    assert len(stage.jobs()) == 1
    assert said(stage, "Cap_Model v1 trained") == 1
