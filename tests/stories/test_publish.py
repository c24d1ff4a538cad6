"""/publish, from the question to the version that trainings use."""

from collections.abc import Callable

from inline_snapshot import snapshot

from tests.stories.conftest import POLICY
from tests.stories.publishing import read
from tests.stories.stage import Stage


def test_a_person_publishes_the_training_pipeline(new_stage: Callable[..., Stage]) -> None:
    stage = new_stage(before=lambda world: world.connect(POLICY))

    stage.trainer.types("/publish")
    question = stage.trainer.sees("Publish the training pipeline from main")
    assert read(stage, question.text) == snapshot("""\
# Publish the training pipeline from main?
Last commit of main
<commit> Train object-detection models with Spotter, by Line engineer, <time>
Last published
Version 1, which trainings use now
Runs the pipeline spotter-publish in Azure DevOps
[Publish main] [Choose another branch]\
""")

    stage.trainer.clicks("Publish main", on=question)
    card = stage.line.shows("Publishing main: ")
    card.becomes("Training pipeline version 41 published")
    assert read(stage, stage.line.transcript()) == snapshot("""\
Spotter:
  # Training pipeline version 41 published from main
  Trainings use it from now on. It took <duration>.
  Asked by trainer <time> · <commit> Train object-detection models with Spotter, by Line engineer · run publish-41-<id>
  [Start a training] [Open in Azure DevOps]\
""")
