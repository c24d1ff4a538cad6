"""Runs of the publish pipeline that nobody asked Spotter for: announced once, and what was there before is not."""

from collections.abc import Callable

from inline_snapshot import snapshot

from sandbox.pipelines import PUBLISH
from sandbox.world import World
from tests.stories.publishing import TRIGGERED, Gate, push, read, short_pipeline
from tests.stories.stage import Stage


def test_a_push_and_a_hand_in_azure_devops_are_told_once(new_stage: Callable[..., Stage]) -> None:
    gate: list[Gate] = []

    def before(world: World) -> None:
        gate.append(Gate(world))
        short_pipeline(gate[0].wait, yaml=TRIGGERED)(world)
        world.devops.portal.run_pipeline(PUBLISH)

    stage = new_stage(before=before)
    portal = stage.world.devops.portal
    stage.has_looked_at_the_pipeline()

    push(stage.world, f"{gate[0].wait}  # longer", yaml=TRIGGERED, message="Search longer")
    card = stage.line.shows("Publishing main: ").becomes("(?s)running: Publish.*Search longer")
    assert read(stage, card.text) == snapshot("""\
# Publishing main: at the step Publish
Running since <time>.
:hourglass_flowing_sand: Publish the training pipeline running: Publish
Started by a push of Line engineer <time> · <commit> Search longer, by Line engineer · run publish-42
[Open in Azure DevOps] [Cancel the run]\
""")
    stage.trainer.types("/publish")
    assert read(stage, stage.trainer.sees("from main?").text) == snapshot("""\
# Publish the training pipeline from main?
Last commit of main
<commit> Search longer, by Line engineer, <time>
Last published
Version 1, which trainings use now
:hourglass: Line engineer is publishing this commit now.
Runs the pipeline spotter-publish in Azure DevOps
[Choose another branch]\
""")
    newest = portal.builds()[0]
    portal.cancel(newest)
    card.becomes("canceled in Azure DevOps")

    portal.run_pipeline(PUBLISH)
    stage.line.shows("Publishing main: ")
    stage.bot.restart()
    gate[0].open()
    stage.line.shows("Publishing main failed")
    stage.outsider.types("/runs")
    assert read(stage, stage.outsider.sees("Nothing is running").text) == snapshot("""\
# Nothing is running
---
Ended last
Publishing main: failed, <duration>
<commit> Search longer, by Line engineer
:x: The pipeline ended well, but the workspace has no version 43 of spotter_training. Check that its variables file names the workspace that Spotter uses.
started elsewhere by Line engineer, <time>
[Details]
Publishing main: canceled, <duration>
<commit> Search longer, by Line engineer
started elsewhere by Line engineer, <time>
[Details]\
""")
    assert read(stage, stage.line.transcript()) == snapshot("""\
Spotter:
  # Publishing main canceled in Azure DevOps, not through Spotter
  Trainings go on using version 1.
  Started by a push of Line engineer <time> · <commit> Search longer, by Line engineer · run publish-42
  [Publish again] [Open in Azure DevOps]
Spotter:
  # Publishing main failed
  :x: The pipeline ended well, but the workspace has no version 43 of spotter_training. Check that its variables file names the workspace that Spotter uses.
  :white_check_mark: Publish the training pipeline done
  Trainings go on using version 1.
  Started in Azure DevOps by Line engineer <time> · <commit> Search longer, by Line engineer · run publish-43
  [Publish again] [Open in Azure DevOps]\
""")
    assert len(portal.builds()) == 3
