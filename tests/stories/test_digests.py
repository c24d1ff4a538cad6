"""Digests: what a channel is told on schedule, ranked by what needs someone."""

from collections.abc import Callable
from datetime import UTC, datetime

from inline_snapshot import snapshot

from sandbox.people import Message
from storage.tables import digests
from tests.stories.deploying import MODEL, asks, two_versions
from tests.stories.stage import PATIENCE, Stage, steady
from tests.stories.trouble import arm

SMALL = "caps_20261102_081530"


def its_time_comes(stage: Stage, title: str) -> Message:
    """As if the clock had reached the next time of every digest: what the channel is told then."""
    with stage.store().write() as tx:
        tx.execute(digests.update().where(digests.c.state == "on").values(next_at=datetime.now(UTC)))
    return stage.line.shows(title)


def test_a_channel_sets_a_digest_and_is_told_what_needs_someone(new_stage: Callable[..., Stage]) -> None:
    stage = new_stage(lines={"line-1": 1}, before=two_versions)
    outsider, approver = stage.outsider, stage.people["first_approver"]
    outsider.types("/digest")
    nothing = outsider.sees("No digest")
    assert nothing.text == snapshot("""\
No digest is set in this channel. One tells on schedule what needs someone, runs or has finished.
[Set a digest]\
""")
    outsider.clicks("Set a digest", on=nothing)
    form = outsider.sees_modal("Set a digest")
    assert form.text == snapshot("""\
# Set a digest
When: weekdays at 8:30
  (“weekdays at 8:30”, “Mondays 9:00”, “first of the month at 9:00”, or a crontab line)
Time zone: Europe/Amsterdam
When nothing has changed: Post a line that all is quiet
[Cancel] [Set it]\
""")
    form.fills({"When": "30 25 * * 1-5"}).submits_and_sees({"When": "hour"})
    assert form.errors == snapshot(
        {
            "When": "The hour of “30 25 * * 1-5” cannot be “25”. It is 0 to 23; lists (1,3), ranges (1-5) and steps (*/2) are fine."
        }
    )
    form.fills({"When": "30 8 * * 1-5"}).submits()
    assert steady(outsider.sees("a digest is posted").text) == snapshot("""\
From now on a digest is posted here: weekdays at 8:30, Europe/Amsterdam time.
Next: <time>, then <time>, then <time>.
[Preview]\
""")

    stage.world.azure.studio.set_capacity("gpu-small", available=False)
    stage.trainer.types(f"/train Cap_Model {SMALL} gpu-small")
    stage.line.shows("Cap_Model training: waiting for a GPU node")
    card = asks(stage)
    outsider.types("/digest preview")
    assert steady(outsider.sees("preview").text) == snapshot("""\
# 1 needs someone, 1 running, 2 finished
Cap_Detection_Model v2 on line-1 has waited <duration> for approval: 0 of 2 approvals given, expires <time>
[Review]
Running
• Cap_Model: waiting for a GPU node, <duration> so far
Finished
• Cap_Detection_Model v2 registered by hand, mAP 0.xxx
• Cap_Detection_Model v1 registered by hand, mAP 0.xxx
On the lines
• line-1: no model on 1 device
Since <time> · weekdays at 8:30, Europe/Amsterdam · next <time> · /digest changes it
A preview for your eyes.\
""")
    told = its_time_comes(stage, "1 needs someone")
    assert steady(told.text) == snapshot("""\
# 1 needs someone, 1 running, 2 finished
Cap_Detection_Model v2 on line-1 has waited <duration> for approval: 0 of 2 approvals given, expires <time>
[Review]
Running
• Cap_Model: waiting for a GPU node, <duration> so far
Finished
• Cap_Detection_Model v2 registered by hand, mAP 0.xxx
• Cap_Detection_Model v1 registered by hand, mAP 0.xxx
On the lines
• line-1: no model on 1 device
Since <time> · weekdays at 8:30, Europe/Amsterdam · next <time> · /digest changes it\
""")
    approver.clicks("Review", on=told)
    review = approver.sees(rf"Put {MODEL} v2 on line-1\?")
    assert review.buttons == card.buttons
    approver.clicks("Approve v2", on=review)
    card.becomes("1 approval needed. first_approver approved")

    home = outsider.opens_home("Digests").text
    assert steady(home[home.index("# Digests") : home.index("---", home.index("# Digests"))]) == snapshot("""\
# Digests
#line-vision: weekdays at 8:30, Europe/Amsterdam; next <time>
[Preview]
""")
    outsider.types("/digest pause")
    assert outsider.sees("Paused").text == snapshot(
        "Paused: weekdays at 8:30, Europe/Amsterdam. /digest resume goes on with it."
    )
    outsider.types("/digest list")
    listed = outsider.sees("1 digest in this channel")
    assert steady(listed.text) == snapshot("""\
# 1 digest in this channel
1. weekdays at 8:30, Europe/Amsterdam: :double_vertical_bar: paused
last sent <time>; set by outsider
[Preview] [Resume] [Remove]
[Set a digest]\
""")
    outsider.clicks("Remove", on=listed)
    assert outsider.sees("Removed").text == snapshot("Removed: weekdays at 8:30, Europe/Amsterdam.")
    outsider.opens_home(r"(?s)\A(?!.*# Digests)")


def test_digests_are_typed_in_words_and_refused_in_words(stage: Stage) -> None:
    trainer = stage.trainer
    trainer.types("/digest Mondays and Thursdays 14:00 zone='new york' quiet=yes")
    assert steady(trainer.sees("a digest is posted").text) == snapshot("""\
From now on a digest is posted here: Mondays and Thursdays at 14:00, America/New_York time. It stays silent when nothing has changed.
Next: <time>, then <time>, then <time>.
[Preview]\
""")
    for typed, answer in (
        ("/digest Mondays 9:00 zone=Europe/Berln", "Berln"),
        ("/digest fortnightly", "fortnightly"),
        ("/digest set Mondays", "no time"),
        ("/digest set 0 14 * * MON,THU zone=America/New_York", "already"),
        ("/digest pause 2", "not clear"),
    ):
        trainer.types(typed)
        trainer.sees(answer)
    assert [steady(m.text) for m in trainer.private()[-5:]] == snapshot(
        [
            ":warning: “Europe/Berln” is no time zone. Did you mean Europe/Berlin, America/Belem?",
            ":warning: “fortnightly” is nothing that /digest does, and no time. It does: list, set, preview, pause, resume, remove, now. For instance /digest set weekdays at 8:30.",
            ":warning: “mondays” has no time. Such as “mondays at 9:00”.",
            ":warning: A digest Mondays and Thursdays at 14:00 is set here already. /digest list shows it; remove it first to change it.",
            ":warning: It is not clear which digest is meant. Add its number. 1: Mondays and Thursdays at 14:00, America/New_York.",
        ]
    )
    trainer.types("/digest set every day at 7", in_="general")
    assert trainer.sees("not in this channel").text == snapshot(
        ":warning: Spotter is not in this channel, so it cannot post here. Type /invite @Spotter here, then try again."
    )

    asked = [
        arm(stage.world.slack_faults, "*", at, "hang_before")
        for at in ("/users.info", "/conversations.history")
    ]
    trainer.types("/digest set every day at 7")
    assert all(each.reached.wait(PATIENCE) for each in asked), (
        "one hangs, and the other is asked all the same"
    )
    trainer.sees("Slack did not say in which time zone you are")
    for each in asked:
        each.release()
    assert steady(its_time_comes(stage, "All quiet").text) == snapshot(
        ":white_check_mark: All quiet since <time>: nothing needs anyone, nothing runs, nothing finished."
    )
    trainer.types("/digest now")
    trainer.clicks("Share in channel", on=trainer.sees("All quiet"))
    stage.until(lambda: len(stage.line.messages()) == 2, "how things stand is shared")
    trainer.types("/digest set first of the month at 9:00", in_="quality")
    assert "Europe/Amsterdam" in trainer.sees("a digest is posted").text
    trainer.opens_home("#quality: first of the month")
    assert "quality" not in stage.outsider.opens_home("Digests").text
