"""Two replicas on one PostgreSQL: both answer people, one acts by itself, and when it dies the other one goes on."""

import re
import urllib.request
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from inline_snapshot import snapshot
from sqlalchemy import text

from commands.kit.health import AZURE
from sandbox.faults import Fault
from storage.tables import digests
from tests.stories.deploying import approved, asks, looks_anew, shipping
from tests.stories.publishing import Gate, short_pipeline
from tests.stories.registry import registers
from tests.stories.replicas import Replicas, cluster, leads, replicated
from tests.stories.rollouts import QUEUE, SHIPPED, was_there_and_back_once
from tests.stories.stage import Bot, Stage
from tests.stories.trouble import ASK, CANCEL, JOB, POST, arm, said, trail

__all__ = ["cluster", "replicated", "shipping"]

ALWAYS = 10_000


def test_the_leader_dies_in_every_flow_and_each_thing_is_done_once(
    replicated: Callable[..., Replicas],
) -> None:
    replicas = replicated(before=lambda world: short_pipeline(Gate(world).wait)(world))
    stage = replicas.stage
    azure, devops, slack = stage.world.azure_faults, stage.world.devops_faults, stage.world.slack_faults
    stage.world.azure.studio.set_capacity("gpu-cluster", available=False)

    # A training: before Azure has it, and when it has, but nobody was told.
    asked = arm(azure, "PUT", JOB, "hang_before")
    stage.trainer.types(ASK)
    replicas.power_cut(asked)
    training = stage.line.shows("Cap_Model training: waiting for a GPU node")
    stopped = arm(azure, "POST", CANCEL, "hang_after")
    stage.trainer.clicks("Cancel training", on=training)
    replicas.power_cut(stopped)
    training.becomes("canceled by trainer")

    # A publish, clicked twelve times.
    queued = arm(devops, "POST", QUEUE, "hang_after")
    stage.trainer.types("/publish")
    stage.trainer.clicks("Publish main", on=stage.trainer.sees("from main?"))
    stage.world.slack.deliver_again("interactive", times=11)
    replicas.power_cut(queued)
    stage.line.shows("Publishing main: ").becomes("running: Publish")

    # An announcement that has reached the channel; then a digest that has not.
    posted = arm(slack, "POST", POST, "hang_after")
    registers(stage.world, "Lid_Model", "lids_20261101_120000", 0.8)
    replicas.power_cut(posted)
    stage.outsider.types("/digest set every day at 7")
    stage.outsider.sees("a digest is posted")
    posted = arm(slack, "POST", POST, "hang_before")
    with stage.store().write() as tx:
        tx.execute(digests.update().values(next_at=datetime.now(UTC)))
    replicas.power_cut(posted)
    stage.line.shows("1 running")

    assert (len(stage.jobs()), len(stage.world.devops.portal.builds())) == (1, 1)
    assert Counter(
        message.text.splitlines()[0].partition(":")[0] for message in stage.line.messages()
    ) == snapshot(
        Counter(
            {
                "# Cap_Model training canceled by trainer": 1,
                "# Publishing main": 1,
                "# Lid_Model v1 registered": 1,
                "# Nothing needs anyone, 1 running, 2 finished": 1,
            }
        )
    )
    assert trail(stage) == snapshot(
        [
            "U0TRAINER1 train.request",
            "spotter train.submit",
            "U0TRAINER1 train.cancel",
            "spotter train.canceled",
            "U0TRAINER1 publish.request",
            "spotter publish.queue",
            "spotter model.announce",
            "U0OUTSIDE1 digest.set",
        ]
    )
    assert firings(replicas) == ["sent"]


def firings(replicas: Replicas) -> list[str]:
    with replicas.stage.store().read() as tx:
        return list(tx.execute(text("SELECT outcome FROM digest_firings")).scalars())


@pytest.mark.soak
def test_a_rollout_outlives_its_leaders(
    replicated: Callable[..., Replicas], shipping: Callable[..., Stage]
) -> None:
    replicas = replicated(shipping)
    stage = replicas.stage
    devops, hub = stage.world.devops_faults, stage.world.edge_faults
    queued = arm(devops, "POST", QUEUE, "hang_after")
    card = approved(stage, asks(stage))
    replicas.power_cut(queued)
    replicas.power_cut(arm(devops, "POST", QUEUE, "hang_before"))
    card.becomes("on all devices")
    assert looks_anew(stage, "line-1-cam-2") == "Cap_Detection_Model:2 ['new']"
    deleted = arm(hub, "DELETE", SHIPPED, "hang_after")
    stage.trainer.clicks("Roll back", on=card)
    replicas.power_cut(deleted)
    card.becomes(": rolled back")
    assert looks_anew(stage, "line-1-cam-2") == "Cap_Detection_Model:1 ['old']"

    was_there_and_back_once(stage)


def test_a_leader_that_froze_has_no_say_any_more_when_it_thaws(replicated: Callable[..., Replicas]) -> None:
    replicas = replicated()
    stage, frozen = replicas.stage, replicas.leader()
    stage.world.azure.studio.set_capacity("gpu-cluster", available=False)
    asked = arm(stage.world.azure_faults, "PUT", JOB, "hang_before")
    posted = arm(stage.world.slack_faults, "POST", POST, "hang_before")
    stage.trainer.types(ASK)
    for request in (asked, posted):
        stage.until(request.reached.is_set, f"a request reached {request.path}")
    frozen.freeze()
    replicas.takes_over(replicas.other(frozen))
    card = stage.line.shows("Cap_Model training: waiting for a GPU node")
    # What it had sent arrives only now, and then it goes on as if nothing had been.
    asked.release()
    posted.release()
    stage.until(lambda: said(stage, "Cap_Model") == 2, "the late post is there")
    frozen.thaw()
    stage.until(lambda: said(stage, "Cap_Model") == 1, "and is gone again")
    stage.until(lambda: log_of(frozen, "stands_by"), "it knows that it does not lead")
    assert not leads(frozen) and leads(replicas.other(frozen))
    stage.trainer.clicks("Cancel training", on=card)
    card.becomes("canceled by trainer")
    assert len(stage.jobs()) == 1
    assert trail(stage) == snapshot(
        [
            "U0TRAINER1 train.request",
            "spotter train.submit",
            "U0TRAINER1 train.cancel",
            "spotter train.canceled",
        ]
    )


def gauge(bot: Bot) -> float:
    with urllib.request.urlopen(f"{bot.url}/metrics", timeout=60) as answer:  # noqa: S310  loopback only
        (line,) = re.findall(r"(?m)^spotter_leads (\S+)$", answer.read().decode())
    return float(line)


def troubles(bot: Bot) -> list[str]:
    return [each["service"] for each in bot.get("/readyz")[1]["degraded"]]


def log_of(bot: Bot, event: str) -> bool:
    return any(line.get("event") == event for line in bot.log())


def test_who_stands_by_answers_people_and_wakes_the_leader(
    new_stage: Callable[..., Stage], replicated: Callable[..., Replicas]
) -> None:
    """The leader hears nothing from Slack here, and looks at Azure by itself only every ten minutes."""

    def make(**wanted: Any) -> Stage:
        stage = new_stage(start=False, **wanted)
        token = stage.bot.environment.pop("SLACK_APP_TOKEN")
        stage.bot.start()
        stage.knows_the_workspace()
        stage.bot.environment["SLACK_APP_TOKEN"] = token
        return stage

    replicas = replicated(make, policy={"runs_seconds = 0.75": "runs_seconds = 600"})
    stage = replicas.stage
    assert (gauge(replicas.first), gauge(replicas.second)) == (1, 0)
    stage.world.azure.studio.set_capacity("gpu-cluster", available=False)
    stage.trainer.types(ASK)
    stage.until(stage.jobs, "the leader has handed it to Azure")
    stage.line.shows("Cap_Model training")
    stage.trainer.types("/spotter")
    assert "stands by" in stage.trainer.sees("What Spotter can do").text
    # What only the leader notices is told by the other one too, while it lasts.
    broken = stage.world.azure_faults.arm(Fault("GET", "/computes", "answer", times=ALWAYS))
    stage.until(lambda: AZURE in troubles(replicas.second), "it has heard of the trouble")
    stage.world.azure_faults.disarm(broken)
    stage.until(lambda: not troubles(replicas.second), "and that it is over")
    # An orderly end hands over at once.
    assert replicas.first.stop() == 0
    replicas.takes_over(replicas.second)
    replicas.first.start()
    assert len(stage.jobs()) == 1
