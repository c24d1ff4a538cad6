"""Power cuts: wherever one strikes, a training has one job, one live message and one announcement."""

from inline_snapshot import snapshot

from tests.stories.stage import Stage, steady
from tests.stories.trouble import (
    ASK,
    JOB,
    POST,
    UPDATE,
    arm,
    held_database,
    only_run,
    power_cut,
    said,
    trail,
)


def test_six_power_cuts_and_still_one_job_one_card_one_announcement(stage: Stage) -> None:
    azure, slack = stage.world.azure_faults, stage.world.slack_faults
    stage.world.azure.studio.set_capacity("gpu-cluster", available=False)

    # Neither the job nor the card has been made yet.
    job, card = arm(azure, "PUT", JOB, "hang_before"), arm(slack, "POST", POST, "hang_before")
    stage.trainer.types(ASK)
    power_cut(stage, job, card)
    assert (stage.jobs(), said(stage, "Cap_Model")) == ([], 0)

    # Both are made, but the answers are lost.
    job, card = arm(azure, "PUT", JOB, "hang_after"), arm(slack, "POST", POST, "hang_after")
    stage.bot.start(ready=False)
    power_cut(stage, job, card)
    assert only_run(stage).state == "submitting"
    assert (len(stage.jobs()), said(stage, "Cap_Model")) == (1, 1)

    # Azure has answered, but nothing could be written down.
    job = arm(azure, "PUT", JOB, "hang_after")
    stage.bot.start(ready=False)
    stage.until(job.reached.is_set, "the job is sent again")
    with held_database(stage):
        job.release()
        stage.until(lambda: azure.log("PUT", JOB), "Azure has answered")
        stage.bot.kill()
    assert only_run(stage).state == "submitting"

    # The card is being updated.
    update = arm(slack, "POST", UPDATE, "hang_after")
    stage.bot.start(ready=False)
    power_cut(stage, update)

    # The new version's announcement is on its way, then there, but not known to be there.
    stage.world.azure.studio.set_capacity("gpu-cluster", available=True)
    news = arm(slack, "POST", POST, "hang_before")
    stage.bot.start(ready=False)
    power_cut(stage, news)
    assert said(stage, "v1 registered") == 0
    news = arm(slack, "POST", POST, "hang_after")
    stage.bot.start(ready=False)
    power_cut(stage, news)
    assert said(stage, "v1 registered") == 1

    stage.bot.start()
    stage.line.shows("Cap_Model v1 trained")

    assert len(stage.jobs()) == 1
    assert [steady(message.text).splitlines()[0] for message in stage.line.messages()] == snapshot(
        ["# Cap_Model v1 trained, mAP 0.xxx", "# Cap_Model v1 registered: mAP 0.xxx, the first version"]
    )
    assert trail(stage) == snapshot(
        [
            "U0TRAINER1 train.request",
            "spotter train.submit",
            "spotter model.announce",
            "spotter train.registered",
        ]
    )
