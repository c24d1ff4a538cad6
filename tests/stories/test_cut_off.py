"""A leader that lives while its network is gone: another one leads, and it has no say when the network is back."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from inline_snapshot import snapshot

from tests.postgresql import Cluster
from tests.stories.gone import Wire, watched, without_network
from tests.stories.registry import registers
from tests.stories.replicas import Replicas, cluster, leads, replicated
from tests.stories.stage import Stage
from tests.stories.test_replicas import gauge, log_of
from tests.stories.trouble import ASK, JOB, POST, arm, said, trail

__all__ = ["cluster", "replicated"]

ACTS = re.compile(r"^(PUT|DELETE|PATCH) |/cancel$|chat\.(postMessage|update)$")


@pytest.fixture
def wire(cluster: Cluster) -> Iterator[Wire]:
    wire = Wire(cluster.folder)
    yield wire
    wire.close()


@pytest.mark.soak
def test_a_leader_that_is_cut_off_has_no_say_any_more_when_it_is_back(
    wire: Wire, new_stage: Callable[..., Stage], replicated: Callable[..., Replicas]
) -> None:
    replicas = replicated(_first_by(wire, new_stage))
    stage, cut_off, other = replicas.stage, replicas.first, replicas.second
    stage.world.azure.studio.set_capacity("gpu-cluster", available=False)
    assert leads(cut_off)
    asked = arm(stage.world.azure_faults, "PUT", JOB, "hang_after")
    posted = arm(stage.world.slack_faults, "POST", POST, "hang_after")
    stage.trainer.types(ASK)
    for request in (asked, posted):
        stage.until(request.reached.is_set, f"a request reached {request.path}")

    with without_network(stage.world, cut_off.pid, wire):
        replicas.takes_over(other)
        stage.until(lambda: gauge(cut_off) == 0, "it knows that it may not act any more")
        assert cut_off.get("/healthz")[0] == 200
        training = stage.line.shows("Cap_Model training: waiting for a GPU node")
        registers(stage.world, "Lid_Model", "lids_20261101_120000", 0.8)
        stage.line.shows("Lid_Model v1 registered")

    # What it had sent arrives now, and so do the answers for which it has waited.
    asked.release()
    posted.release()
    does = watched(stage.world, cut_off.pid)
    stage.until(lambda: log_of(cut_off, "stands_by"), "it has heard that another one leads")
    stage.until(cut_off.is_ready, "it serves people again")
    stage.trainer.clicks("Cancel training", on=training)
    training.becomes("canceled by trainer")
    registers(stage.world, "Lid_Model", "lids_20261101_120000", 0.7)
    stage.line.shows("Lid_Model v2 registered")
    stage.until(lambda: said(stage, "Cap_Model") == 1, "the training has one card")
    assert leads(other) and not leads(cut_off)
    assert not [act for act in does if ACTS.search(act)]
    assert (len(stage.jobs()), said(stage, "Lid_Model v1"), said(stage, "Lid_Model v2")) == (1, 1, 1)
    assert trail(stage) == snapshot(
        [
            "U0TRAINER1 train.request",
            "spotter train.submit",
            "spotter model.announce",
            "U0TRAINER1 train.cancel",
            "spotter train.canceled",
            "spotter model.announce",
        ]
    )


def _first_by(wire: Wire, new_stage: Callable[..., Stage]) -> Callable[..., Stage]:
    """Makes a stage whose bot alone reaches the database by this wire."""

    def make(**wanted: Any) -> Stage:
        stage = new_stage(start=False, **wanted)
        straight = stage.bot.environment["DATABASE_URL"]
        stage.bot.environment["DATABASE_URL"] = re.sub(r"host=.*", f"host={wire.folder}", straight)
        stage.bot.start()
        stage.bot.environment["DATABASE_URL"] = straight
        stage.knows_the_workspace()
        return stage

    return make
