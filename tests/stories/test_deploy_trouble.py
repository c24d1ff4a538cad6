"""Canaries that do not take a new model: it is taken back by itself, and the old one answers again."""

from collections.abc import Callable

from inline_snapshot import snapshot

from tests.stories.deploying import approved, asks, looks_anew, sees, shipping, starts_with_another_policy
from tests.stories.stage import Stage, steady

__all__ = ["shipping"]

OLD = "Cap_Detection_Model:1 ['old']"


def test_a_canary_that_fails_and_one_that_is_silent_bring_the_old_model_back(
    shipping: Callable[..., Stage],
) -> None:
    stage = shipping()
    stage.until(lambda: sees(stage, "line-1-cam-1") == OLD, "the old model runs")
    canary = stage.world.edge.plant["line-1-cam-1"]

    canary.fail("memory")
    card = approved(stage, asks(stage))
    assert steady(card.becomes(": rolled back").text) == snapshot("""\
# Cap_Detection_Model v2 on line-1: rolled back
line-1-cam-1 failed with the new model: The module was killed, which is what a device does that runs out of memory. Give the device more memory, or ship a smaller model.
Ring   | State       | Devices | Healthy | Failed | Silent
canary | taken back  | 1       | –       | –      | –
all    | not shipped | –       | –       | –      | –
Approved by first_approver <time> · Approved by second_approver <time> · fingerprint <id>
Asked by trainer <time>: “fewer missed caps” · request line-1-cap_detection_model-2-<id>
[Open canary run]\
""")
    assert looks_anew(stage, "line-1-cam-1") == looks_anew(stage, "line-1-cam-2") == OLD
    card.thread_shows("runs again")
    assert [steady(reply.text) for reply in card.thread()] == snapshot(
        [
            """\
:rewind: @Trainer: Cap_Detection_Model v2 on line-1 is being rolled back; Cap_Detection_Model v1 comes back.
line-1-cam-1 failed with the new model: The module was killed, which is what a device does that runs out of memory. Give the device more memory, or ship a smaller model.\
""",
            ":rewind: line-1: Cap_Detection_Model v1 runs again.",
        ]
    )

    assert stage.line.shows("@Trainer: .* is being rolled back").json["subtype"] == "thread_broadcast"
    assert stage.line.shows("runs again")

    canary.recover()
    assert looks_anew(stage, "line-1-cam-1") == OLD
    canary.go_silent()
    starts_with_another_policy(stage, "deadline_minutes = 0.5", "deadline_minutes = 0.05")
    again = approved(stage, asks(stage, reason="the camera is mended"))
    assert steady(again.becomes(": rolled back").text) == snapshot("""\
# Cap_Detection_Model v2 on line-1: rolled back
line-1-cam-1 did not report the new model within <duration>. line-1-cam-1 did not report within <duration>; it follows at its next contact with IoT Hub.
Ring   | State       | Devices | Healthy | Failed | Silent
canary | taken back  | 1       | –       | –      | –
all    | not shipped | –       | –       | –      | –
Approved by first_approver <time> · Approved by second_approver <time> · fingerprint <id>
Asked by trainer <time>: “the camera is mended” · request line-1-cap_detection_model-2-<id>
[Open canary run]\
""")
    assert looks_anew(stage, "line-1-cam-2") == OLD

    hub = stage.world.edge_faults
    made = [entry.path.split("?")[0] for entry in hub.log("PUT", "/configurations/") if entry.status < 300]
    gone = [entry.path.split("?")[0] for entry in hub.log("DELETE", "/configurations/") if entry.status < 300]
    assert len(set(made)) == len(made) == 2
    assert gone == made
    assert all("-canary-" in path for path in made)
