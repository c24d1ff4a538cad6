"""Azure hanging, breaking down, away, or refusing the sign-in: people are answered, requests are kept."""

from collections.abc import Callable

from inline_snapshot import snapshot

from sandbox.faults import Fault
from tests.stories.stage import Stage
from tests.stories.trouble import ASK, JOB, degraded, said, trail

AZURE = "Azure Machine Learning"
ALWAYS = 10_000


def test_azure_hangs_and_nobody_waits_for_it(stage: Stage) -> None:
    azure = stage.world.azure_faults
    stage.world.azure.studio.set_capacity("gpu-cluster", available=False)
    azure.arm(Fault("*", "", "hang_before", times=ALWAYS))
    stage.trainer.types(ASK)
    for command, answer in (
        ("/runs", "1 training running"),
        ("/models", "No model"),
        ("/exports", "caps_"),
        ("/spotter", "What Spotter can do"),
    ):
        stage.trainer.types(command)
        stage.trainer.sees(answer)

    assert stage.until(lambda: degraded(stage, AZURE), "Spotter tells of the trouble") == snapshot(
        "Azure did not answer in time."
    )
    assert stage.bot.is_ready()
    stage.trainer.types("/spotter")
    assert stage.people.steady(stage.trainer.sees("Azure Machine Learning:").text).splitlines()[
        -3:
    ] == snapshot(
        [
            ":warning: Azure Machine Learning: Azure did not answer in time. (for <duration>)",
            "1 running, 6 labeling exports known.",
            "In a thread, where slash commands do not work, mention Spotter: @Spotter runs.",
        ]
    )

    azure.clear()
    stage.line.shows("Cap_Model training: waiting for a GPU node")
    stage.until(lambda: not degraded(stage, AZURE), "all is well again")
    assert (len(stage.jobs()), said(stage, "Cap_Model")) == (1, 1)


def test_azure_refuses_the_sign_in_then_throttles_then_breaks_down(stage: Stage) -> None:
    azure = stage.world.azure_faults
    stage.world.azure.studio.set_capacity("gpu-cluster", available=False)
    azure.arm(Fault("PUT", JOB, "answer", times=2, status=401, body="{}"))
    azure.arm(Fault("PUT", JOB, "answer", status=429, headers={"Retry-After": "6"}, body="{}"))
    azure.arm(Fault("PUT", JOB, "answer", times=2, status=503, body="{}"))
    stage.trainer.types(ASK)
    card = stage.line.shows("sign-in")
    assert card.text.splitlines()[1] == snapshot(
        ":warning: Azure does not accept Spotter's sign-in. Your request is kept, and Spotter tries again by itself."
    )
    assert card.becomes("slow down").text.splitlines()[1] == snapshot(
        ":warning: Azure asks Spotter to slow down. Your request is kept, and Spotter tries again by itself."
    )
    card.becomes("waiting for a GPU node")

    sent = azure.log("PUT", JOB)
    assert [entry.status for entry in sent] == [401, 401, 429, 503, 503, 201]
    assert sent[3].at - sent[2].at >= 6
    assert (len(stage.jobs()), said(stage, "Cap_Model")) == (1, 1)
    assert trail(stage) == snapshot(["U0TRAINER1 train.request", "spotter train.submit"])
    stage.until(lambda: not degraded(stage, AZURE), "all is well again")


def test_a_service_whose_name_cannot_be_looked_up_keeps_no_other_waiting(
    new_stage: Callable[..., Stage],
) -> None:
    stage = new_stage(
        AZURE_DEVOPS_ORG_URL="https://dev.azure.invalid/line",
        NO_PROXY="localhost,127.0.0.1,dev.azure.invalid",
    )
    assert stage.until(lambda: degraded(stage, "Azure DevOps"), "Spotter tells of the trouble") == snapshot(
        "Azure could not be reached."
    )
    assert stage.bot.is_ready() and not degraded(stage, AZURE)
    stage.world.azure.studio.set_capacity("gpu-cluster", available=False)
    stage.trainer.types(ASK)
    stage.line.shows("Cap_Model training: waiting for a GPU node")


def test_azure_is_away_when_the_bot_starts(new_stage: Callable[..., Stage]) -> None:
    stage = new_stage(start=False)
    azure = stage.world.azure_faults
    azure.arm(Fault("*", "", "drop_before", times=ALWAYS))
    stage.bot.start()
    stage.trainer.types(ASK)
    assert stage.trainer.sees("labeling export|cluster").text == snapshot("""\
:warning: Spotter knows no labeling export yet. Export one from your labeling project; if there are some, /spotter tells how things stand with Azure.
:warning: Spotter has not read the clusters from Azure yet. Try again in a minute; /spotter tells how things stand.\
""")
    stage.until(lambda: degraded(stage, AZURE), "Spotter tells of the trouble")

    azure.clear()
    stage.world.azure.studio.set_capacity("gpu-cluster", available=False)
    stage.until(lambda: not degraded(stage, AZURE), "all is well")
    stage.trainer.types(ASK)
    card = stage.line.shows("Cap_Model training: waiting for a GPU node")
    stage.world.azure.studio.expire_tokens()
    stage.trainer.clicks("Cancel training", on=card)
    card.becomes("canceled by trainer")
