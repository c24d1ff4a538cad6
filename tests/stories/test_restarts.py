"""Spotter stopped, away for a night, started twice, or kept from its database."""

from datetime import UTC, datetime, timedelta

from inline_snapshot import snapshot
from sqlalchemy import text

from sandbox.faults import Fault
from tests.stories.registry import registers
from tests.stories.stage import Stage, steady
from tests.stories.trouble import ASK, CANCEL, arm, degraded, held_database, only_run, power_cut, said, trail

ALWAYS = 10_000


def test_a_cancel_outlives_power_cuts(stage: Stage) -> None:
    azure = stage.world.azure_faults
    stage.world.azure.studio.set_capacity("gpu-cluster", available=False)
    stage.trainer.types(ASK)
    card = stage.line.shows("Cap_Model training: waiting for a GPU node")
    asked = arm(azure, "POST", CANCEL, "hang_before")
    stage.trainer.clicks("Cancel training", on=card)
    power_cut(stage, asked)
    asked = arm(azure, "POST", CANCEL, "hang_after")
    stage.bot.start(ready=False)
    power_cut(stage, asked)
    stage.bot.start()
    card.becomes("canceled by trainer")
    assert trail(stage) == snapshot(
        [
            "U0TRAINER1 train.request",
            "spotter train.submit",
            "U0TRAINER1 train.cancel",
            "spotter train.canceled",
        ]
    )


def test_a_night_without_spotter(stage: Stage) -> None:
    registry = stage.world.azure_faults.arm(Fault("GET", r"/models\?", "hang_before", times=ALWAYS))
    stage.trainer.types(ASK)
    stage.until(lambda: only_run(stage).state == "completed", "the training has ended")
    stage.bot.kill()
    registers(stage.world, "Lid_Model", "lids_20261101_120000", 0.8)
    with stage.store().write() as tx:
        long_ago = datetime.now(UTC) - timedelta(hours=9)
        tx.execute(text("UPDATE training_runs SET ended_at = :at"), {"at": long_ago.replace(tzinfo=None)})
    registry.times = 0
    stage.bot.start()

    stage.line.shows("Cap_Model v1 trained")
    stage.line.shows("Cap_Model v1 registered")
    stage.line.shows("Lid_Model v1 registered")
    assert len(stage.line.messages()) == 3
    assert trail(stage) == snapshot(
        [
            "U0TRAINER1 train.request",
            "spotter train.submit",
            "spotter model.announce",
            "spotter model.announce",
            "spotter train.registered",
        ]
    )


def test_a_second_spotter_on_the_same_database_is_refused(stage: Stage) -> None:
    second = stage.bot.spotter("run", PORT="0")
    assert second.returncode == 1
    folder = stage.bot.log_file.parent
    assert second.stderr.replace(str(folder), "<folder>") == snapshot(
        "spotter: Another Spotter is using <folder>/spotter.db. Stop it first.\n"
    )


def test_the_database_is_held_by_someone_else_for_a_while(stage: Stage) -> None:
    stage.expects("incident")
    stage.world.azure.studio.set_capacity("gpu-cluster", available=False)
    with held_database(stage):
        stage.trainer.types(ASK)
        answer = stage.trainer.sees("Something went wrong")
        assert steady(answer.text).rpartition("quote")[0] == snapshot(
            ":warning: Something went wrong inside Spotter. Nothing was started or changed. Try again; if it stays, "
        )
        assert stage.until(lambda: degraded(stage, "The database"), "Spotter tells of it") == snapshot(
            "It does not let Spotter write (database is locked)"
        )
        stage.trainer.types("/runs")
        stage.trainer.sees("No training has been asked for yet")
    assert not stage.trainer.feed.notices
    stage.trainer.types(ASK)
    stage.line.shows("Cap_Model training: waiting for a GPU node")
    stage.until(lambda: not degraded(stage, "The database"), "all is well again")
    assert said(stage, "Cap_Model") == 1


def test_a_stop_while_azure_hangs_and_slack_trickles(stage: Stage) -> None:
    hanging = stage.world.azure_faults.arm(Fault("*", "", "hang_before", times=ALWAYS))
    stage.trainer.types(ASK)
    stage.until(hanging.reached.is_set, "a call hangs")
    trickling = stage.world.slack_faults.arm(Fault("POST", r"/api/views\.open", "trickle", seconds=3))
    stage.trainer.types("/train")
    stage.until(trickling.reached.is_set, "an answer trickles")
    assert stage.bot.stop() == 0
    trickling.release()
    assert stage.bot.log()[-1]["event"] == "stopped"
    stage.world.azure.studio.set_capacity("gpu-cluster", available=False)
    hanging.times = 0
    stage.bot.start()
    stage.line.shows("Cap_Model training: waiting for a GPU node")
    assert (len(stage.jobs()), said(stage, "Cap_Model")) == (1, 1)
