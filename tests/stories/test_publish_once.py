"""One click, one run: whatever is lost, killed or said twice between the click and Azure DevOps."""

from collections.abc import Callable

from inline_snapshot import snapshot

from storage import publishes
from storage.publishes import PublishRun
from tests.stories.publishing import Gate, push, read, short_pipeline
from tests.stories.stage import Stage
from tests.stories.trouble import arm, degraded, power_cut, said, trail

RUNS = r"/_apis/pipelines/\d+/runs\?"


def test_power_cuts_and_lost_answers_between_the_click_and_the_run(new_stage: Callable[..., Stage]) -> None:
    stage = new_stage(before=lambda world: short_pipeline(Gate(world).wait)(world))
    devops, portal = stage.world.devops_faults, stage.world.devops.portal

    # Killed before the request has arrived; then before its answer has.
    request = arm(devops, "POST", RUNS, "hang_before")
    stage.trainer.types("/publish")
    question = stage.trainer.sees("from main?")
    stage.trainer.clicks("Publish main", on=question)
    power_cut(stage, request)
    assert (len(portal.builds()), only_publish(stage).state) == (0, "queueing")
    request = arm(devops, "POST", RUNS, "hang_after")
    stage.bot.start(ready=False)
    power_cut(stage, request)
    assert (len(portal.builds()), only_publish(stage).state) == (1, "queueing")
    stage.bot.start()
    card = stage.line.shows("Publishing main: ").becomes("running: Publish")
    stage.world.slack.deliver_again("interactive", times=3)
    stage.trainer.clicks("Publish main", on=question)
    stage.trainer.sees("started this already")

    # The cancel's answer is lost.
    arm(devops, "PATCH", r"/_apis/build/builds/\d+\?", "drop_after")
    stage.trainer.clicks("Cancel the run", on=card)
    card.becomes("canceled by trainer")
    assert len(portal.builds()) == 1

    # Azure DevOps asks for patience, fails, and then makes the run, but the answer is lost.
    busy, broken = arm(devops, "POST", RUNS, "answer"), arm(devops, "POST", RUNS, "answer")
    busy.status, busy.headers = 429, {"Retry-After": "1"}
    broken.status = 503
    arm(devops, "POST", RUNS, "drop_after")
    stage.trainer.clicks("Publish again", on=card)
    stage.trainer.clicks("Publish main", on=stage.trainer.sees("from main?"))
    second = stage.line.shows("Publishing main: ").becomes("running: Publish")
    stage.trainer.clicks("Cancel the run", on=second)
    second.becomes("canceled by trainer")

    assert (len(portal.builds()), said(stage, "Publishing main")) == (2, 2)
    assert len(devops.log("POST", RUNS)) == 3  # besides those that the power cuts took
    assert trail(stage) == snapshot(
        [
            "U0TRAINER1 publish.request",
            "spotter publish.queue",
            "U0TRAINER1 publish.cancel",
            "spotter publish.canceled",
            "U0TRAINER1 publish.request",
            "spotter publish.queue",
            "U0TRAINER1 publish.cancel",
            "spotter publish.canceled",
        ]
    )


def test_the_token_expires_while_a_run_goes_on(new_stage: Callable[..., Stage]) -> None:
    stage = new_stage(start=False)
    portal = stage.world.devops.portal
    gate = Gate(stage.world)
    short_pipeline(gate.wait)(stage.world)
    stage.bot.environment["AZURE_DEVOPS_EXT_PAT"] = portal.pat
    stage.bot.start()
    stage.knows_the_commit("Change the search")
    stage.trainer.types("/publish")
    stage.trainer.clicks("Publish main", on=stage.trainer.sees("from main?"))
    card = stage.line.shows("Publishing main: ").becomes("running: Publish")

    push(stage.world, "echo other", branch="other", message="Try another way")
    stage.knows_the_commit("Try another way")

    new_token = portal.renew_pat()
    card.becomes("does not accept")
    assert read(stage, card.text) == snapshot("""\
# Publishing main: at the step Publish
:warning: Azure DevOps does not accept Spotter's sign-in. The run goes on there, and this message catches up once Spotter can look again.
:hourglass_flowing_sand: Publish the training pipeline running: Publish
Asked by trainer <time> · <commit> Change the search, by Line engineer · run publish-41
[Open in Azure DevOps] [Cancel the run]\
""")
    stage.until(lambda: degraded(stage, "Azure DevOps"), "the bot says that it is degraded")
    assert degraded(stage, "Azure DevOps") == snapshot(
        "Azure DevOps does not accept the personal access token: it has expired or was revoked, or belongs to another organisation. Make a new one for AZURE_DEVOPS_EXT_PAT, or leave it out and use an Entra identity."
    )
    assert degraded(stage, "Azure Machine Learning") == ""
    stage.outsider.types("/spotter")
    assert "Azure DevOps: Azure DevOps does not accept" in stage.outsider.sees("What Spotter can do").text

    stage.trainer.types("/publish other")
    stage.trainer.clicks("Publish other", on=stage.trainer.sees("from other?"))
    kept = stage.line.shows("Publishing other: ").becomes("does not accept")
    assert read(stage, kept.text) == snapshot("""\
# Publishing other: being handed to Azure DevOps
:warning: Azure DevOps does not accept Spotter's sign-in. Your request is kept, and Spotter goes on by itself.
Asked by trainer <time> · <commit> Try another way, by Line engineer · run <id>
[Cancel the run]\
""")

    stage.bot.environment["AZURE_DEVOPS_EXT_PAT"] = new_token
    stage.bot.restart()
    card.becomes("Running since")
    gate.open()
    card.becomes("Publishing main failed")
    kept.becomes("Publishing other failed")
    assert degraded(stage, "Azure DevOps") == ""
    assert len(portal.builds()) == 2


def only_publish(stage: Stage) -> PublishRun:
    """The one publish run that the bot knows of."""
    with stage.store().read() as tx:
        (run,) = publishes.open_runs(tx)
    return run
