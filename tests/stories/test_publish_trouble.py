"""Publishing that fails, waits or is canceled: the live message says why, and what helps."""

from collections.abc import Callable

from inline_snapshot import snapshot

from sandbox.pipelines import CONNECTION, PUBLISH
from tests.stories.publishing import (
    NEEDS_CONNECTION,
    Gate,
    push,
    read,
    short_pipeline,
)
from tests.stories.stage import Stage

FAILING = "echo Uploading\necho '##[error]The workspace is read-only.'\nexit 3"


def test_a_run_fails_is_repaired_and_the_next_one_is_canceled(new_stage: Callable[..., Stage]) -> None:
    stage = new_stage(before=short_pipeline(FAILING))
    stage.trainer.types("/publish main")
    stage.trainer.clicks("Publish main", on=stage.trainer.sees("from main?"))
    card = stage.line.shows("Publishing main failed")
    assert read(stage, card.text) == snapshot("""\
# Publishing main failed
:x: A step ended with exit code 3. The last lines of its log say why.
Azure DevOps says (Publish): Bash exited with code '3'.
:x: Publish the training pipeline failed
Trainings go on using version 1.
Asked by trainer <time> · <commit> Change the search, by Line engineer · run publish-41
[Publish again] [Open in Azure DevOps]\
""")
    assert read(stage, card.thread_shows("Last log lines").text) == snapshot("""\
Last log lines of Publish:
```Uploading
The workspace is read-only.
Bash exited with code '3'.```\
""")

    gate = Gate(stage.world)
    push(stage.world, gate.wait, message="Write elsewhere")
    stage.knows_the_commit("Write elsewhere")
    stage.trainer.clicks("Publish again", on=card)
    again = stage.trainer.sees("from main?")
    assert read(stage, again.text) == snapshot("""\
# Publish the training pipeline from main?
Last commit of main
<commit> Write elsewhere, by Line engineer, <time>
Last published
Version 1, which trainings use now
Runs the pipeline spotter-publish in Azure DevOps
[Publish main] [Choose another branch]\
""")
    stage.trainer.clicks("Publish main", on=again)
    second = stage.line.shows("Publishing main: ").becomes("running: Publish")
    assert read(stage, second.text) == snapshot("""\
# Publishing main: at the step Publish
Running since <time>.
:hourglass_flowing_sand: Publish the training pipeline running: Publish
Asked by trainer <time> · <commit> Write elsewhere, by Line engineer · run publish-42
[Open in Azure DevOps] [Cancel the run]\
""")

    stage.outsider.clicks("Cancel the run", on=second)
    stage.outsider.sees("This needs the role publish")
    stage.trainer.clicks("Cancel the run", on=second)
    second.becomes("canceled by trainer")
    assert read(stage, second.text) == snapshot("""\
# Publishing main canceled by trainer
Trainings go on using version 1.
Asked by trainer <time> · <commit> Write elsewhere, by Line engineer · run publish-42
[Publish again] [Open in Azure DevOps]\
""")
    assert [build.result for build in stage.world.devops.portal.builds()] == ["canceled", "failed"]


def test_what_a_run_waits_for_and_a_green_run_that_published_nothing(
    new_stage: Callable[..., Stage],
) -> None:
    stage = new_stage(before=short_pipeline("echo Done", yaml=NEEDS_CONNECTION))
    portal, place = stage.world.devops.portal, stage.world.azure.workspace.place
    identity = stage.world.azure.workspace.identity.client_id
    portal.add_azure_connection(CONNECTION, place.subscription, place.tenant, identity)

    stage.trainer.types("/publish")
    stage.trainer.clicks("Publish main", on=stage.trainer.sees("from main?"))
    card = stage.line.shows("Publishing main: ").becomes("presses Permit")
    assert read(stage, card.text) == snapshot("""\
# Publishing main: waiting
The pipeline may not use one of its resources yet. Somebody with the User role on that resource opens the run and presses Permit; spotter provision apply does so for its own.
:white_circle: Publish the training pipeline not started
Asked by trainer <time> · <commit> Change the search, by Line engineer · run <day>.1
[Open and permit it] [Cancel the run]\
""")

    portal.take_agents_offline()
    portal.permit("endpoint", CONNECTION, PUBLISH)
    card.becomes("agent")
    assert read(stage, card.text) == snapshot("""\
# Publishing main: waiting
Every agent that could run the job is disabled or offline; it would wait for ever. Start or enable an agent of the pool.
:white_circle: Publish the training pipeline not started
Asked by trainer <time> · <commit> Change the search, by Line engineer · run <day>.1
[Open in Azure DevOps] [Cancel the run]\
""")

    portal.bring_agents_online()
    card.becomes("Publishing main failed")
    assert read(stage, card.text) == snapshot("""\
# Publishing main failed
:x: The pipeline ended well, but the workspace has no version 41 of spotter_training. Check that its variables file names the workspace that Spotter uses.
:white_check_mark: Publish the training pipeline done
Trainings go on using version 1.
Asked by trainer <time> · <commit> Change the search, by Line engineer · run <day>.1
[Publish again] [Open in Azure DevOps]\
""")
