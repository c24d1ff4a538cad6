"""/publish asks the right people, about branches that are there, and about the commit that was looked at."""

from collections.abc import Callable

from inline_snapshot import snapshot

from sandbox.pipelines import PUBLISH, YAML
from tests.stories.publishing import Gate, push, read
from tests.stories.stage import Stage


def test_what_is_asked_before_anything_starts(new_stage: Callable[..., Stage]) -> None:
    stage = new_stage(before=lambda world: push(world, Gate(world).wait))
    stage.outsider.types("/publish")
    assert stage.outsider.sees("role publish").text == snapshot(
        ":warning: This needs the role publish, and you do not have it. Ask @trainers."
    )
    stage.trainer.types("/publish")
    assert stage.trainer.sees("no pipeline").text == snapshot(
        ":warning: Azure DevOps has no pipeline called spotter-publish. Whoever runs Spotter makes it with spotter provision apply, or names another in spotter.toml."
    )

    stage.world.devops.portal.create_pipeline(PUBLISH, YAML)
    push(stage.world, Gate(stage.world).wait, branch="wider-search", message="Widen the search")
    stage.knows_the_commit("Widen the search")
    stage.trainer.types("/publish releases")
    assert stage.trainer.sees("no branch").text == snapshot(
        ":warning: There is no branch called “releases”. Choose one of: main, wider-search."
    )

    stage.trainer.types("/publish")
    stage.trainer.clicks("Choose another branch", on=stage.trainer.sees("from main?"))
    form = stage.trainer.sees_modal("Publish a branch")
    form.fills({"Branch": "wider-search"})
    form.submits()
    question = stage.trainer.sees("from wider-search?")

    push(stage.world, "echo changed", branch="wider-search", message="Narrow it again")
    stage.knows_the_commit("Narrow it again")
    stage.trainer.clicks("Publish wider-search", on=question)
    newer = stage.trainer.sees("newer commit")
    assert read(stage, newer.text) == snapshot("""\
# Publish the training pipeline from wider-search?
:warning: wider-search has a newer commit than the one you saw.
Last commit of wider-search
<commit> Narrow it again, by Line engineer, <time>
Last published
Version 1, which trainings use now
Runs the pipeline spotter-publish in Azure DevOps
[Publish wider-search] [Choose another branch]\
""")
    assert stage.world.devops.portal.builds() == []

    gate = Gate(stage.world)
    push(stage.world, gate.wait, branch="wider-search", message="Widen it at last")
    stage.knows_the_commit("Widen it at last")
    stage.trainer.clicks("Publish wider-search", on=newer)
    newest = stage.trainer.sees("newer commit")
    stage.trainer.clicks("Publish wider-search", on=newest)
    stage.line.shows("Publishing wider-search: ")
    stage.trainer.clicks("Publish wider-search", on=newest)
    assert stage.trainer.sees("already").text == snapshot(
        "You have started this already; its message tells how it goes."
    )
    stage.people["first_approver"].types("/publish wider-search")
    told = stage.people["first_approver"].sees("from wider-search?").text
    assert read(stage, told) == snapshot("""\
# Publish the training pipeline from wider-search?
Last commit of wider-search
<commit> Widen it at last, by Line engineer, <time>
Last published
Version 1, which trainings use now
:hourglass: trainer is publishing this commit now.
Runs the pipeline spotter-publish in Azure DevOps
[Choose another branch]\
""")
    assert len(stage.world.devops.portal.builds()) == 1

    push(stage.world, "echo old", branch="old", message="Before there was Spotter", parameters="")
    stage.knows_the_commit("Before there was Spotter")
    stage.trainer.types("/publish old")
    stage.trainer.clicks("Publish old", on=stage.trainer.sees("from old?"))
    assert read(stage, stage.line.shows("Publishing old failed").text) == snapshot("""\
# Publishing old failed
:x: infra/provision/pipelines/publish.yml on old does not declare the parameter correlationId, by which Spotter knows its run. Bring that branch up to date, then publish again.
Trainings go on using version 1.
Asked by trainer <time> · <commit> Before there was Spotter, by Line engineer · run <id>
[Publish again]\
""")
    assert len(stage.world.devops.portal.builds()) == 1


def test_without_azure_devops_it_says_what_is_missing(new_stage: Callable[..., Stage]) -> None:
    stage = new_stage(AZURE_DEVOPS_ORG_URL="")
    stage.trainer.types("/publish")
    assert stage.trainer.sees("not connected").text == snapshot(
        ":warning: Spotter is not connected to Azure DevOps, so it cannot run the pipeline that publishes. Whoever runs Spotter sets AZURE_DEVOPS_ORG_URL and AZURE_DEVOPS_PROJECT."
    )
    assert stage.world.devops_faults.log() == []
