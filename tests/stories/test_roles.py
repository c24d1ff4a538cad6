"""Who may do what: everyone may look, trainers may train, and where Slack does not say who is who, the answer is no."""

from inline_snapshot import snapshot

from sandbox.faults import Fault
from tests.stories.stage import Stage

TYPED = "/train Cap_Model caps_20261102_081530 gpu-small"


def test_help_and_answers_follow_the_role(stage: Stage) -> None:
    stage.trainer.types("/spotter")
    assert stage.trainer.sees("What Spotter can do").text == snapshot("""\
# What Spotter can do for you
/train model_name dataset cluster [experiment]  Train a detection model on a labeling export
/runs [run]  What runs, what ended, and why something waits
/models [name] [versions]  Registered models, their metrics and versions
/exports [name]  Labeling exports, newest first, and what is in them
/publish [branch]  Publish the training pipeline from a branch
/deploy model target reason  Ask for a model version on an edge target
/digest [what] [when] [zone] [quiet]  Scheduled digests of a channel: what needs someone, runs or has finished
/spotter  Help, how things stand, and who may do what
:white_check_mark: All is well. 0 running, 6 labeling exports known.
In a thread, where slash commands do not work, mention Spotter: @Spotter runs.\
""")
    stage.outsider.types("/spotter help")
    assert stage.outsider.sees("What Spotter can do").text == snapshot("""\
# What Spotter can do for you
/runs [run]  What runs, what ended, and why something waits
/models [name] [versions]  Registered models, their metrics and versions
/exports [name]  Labeling exports, newest first, and what is in them
/digest [what] [when] [zone] [quiet]  Scheduled digests of a channel: what needs someone, runs or has finished
/spotter  Help, how things stand, and who may do what
Not for you, as your roles stand: /train (role train), /publish (role publish), /deploy (role deploy)
:white_check_mark: All is well. 0 running, 6 labeling exports known.
In a thread, where slash commands do not work, mention Spotter: @Spotter runs.\
""")

    stage.outsider.types(TYPED)
    assert stage.outsider.sees("role").text == snapshot(
        ":warning: This needs the role train, and you do not have it. Ask @trainers."
    )
    stage.outsider.types("/exports")
    assert stage.outsider.sees("newest first").buttons == []
    assert stage.outsider.opens_home("Nothing is running").text.count("[") == 0
    assert stage.jobs() == []


def test_a_group_that_cannot_be_looked_up_allows_nothing(stage: Stage) -> None:
    refused = Fault("POST", "usergroups.users.list", "answer", times=1000)
    stage.world.slack_faults.arm(refused)
    stage.bot.restart()
    stage.trainer.types(TYPED)
    assert stage.trainer.sees("Slack did not say").text == snapshot(
        ":warning: Slack did not say who is in the group that may do this, so the answer is no for now. Nothing was changed. Try again in a minute."
    )
    stage.trainer.types("/spotter")
    assert "some roles are not known" in stage.trainer.sees("What Spotter can do").text
    stage.trainer.types("/exports")
    stage.trainer.sees("newest first")

    stage.world.slack_faults.clear()
    stage.trainer.types(TYPED)
    stage.line.shows("Cap_Model training: ")
