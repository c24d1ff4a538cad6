"""What stories about publishing share: the team's repository with a pipeline of a few steps, and gates in those steps."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from sandbox.pipelines import PUBLISH, YAML
from sandbox.world import World
from tests.stories.stage import Stage

PARAMETER = """
parameters:
  - name: correlationId
    type: string
    default: none
"""
SHORT = """
name: publish-$(Build.BuildId)
trigger: none
{parameters}
stages:
  - stage: publish
    displayName: Publish the training pipeline
    jobs:
      - job: publish
        displayName: publish
        steps:
          - bash: |
              {script}
            displayName: {step}
"""
TRIGGERED = SHORT.replace("trigger: none", "trigger: [main]")
NEEDS_CONNECTION = """
trigger: none
{parameters}
stages:
  - stage: publish
    displayName: Publish the training pipeline
    jobs:
      - job: publish
        displayName: publish
        steps:
          - task: AzureCLI@2
            displayName: {step}
            inputs:
              azureSubscription: aml-workspace-connection
              scriptType: bash
              scriptLocation: inlineScript
              inlineScript: |
                {script}
"""


class Gate:
    """A step passes it once it is opened. `wait` is the shell script of that step."""

    def __init__(self, world: World) -> None:
        self._file = world.azure.workspace.root / "open"
        self.wait = f"while ! test -e {self._file}; do sleep 0.03; done"

    def open(self) -> None:
        self._file.touch()


def push(
    world: World,
    script: str,
    *,
    step: str = "Publish",
    branch: str = "main",
    message: str = "Change the search",
    parameters: str = PARAMETER,
    yaml: str = SHORT,
) -> str:
    """Makes a pipeline of one step the newest commit of a branch; its id."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / YAML
        file.parent.mkdir(parents=True)
        lines = script.replace("\n", "\n" + 18 * " ")
        file.write_text(yaml.format(script=lines, step=step, parameters=parameters))
        return world.devops.portal.push(branch, Path(folder), message).id


def short_pipeline(script: str, **options: str) -> Callable[[World], None]:
    """A repository whose publish pipeline has just one step, for `new_stage(before=…)`."""

    def prepare(world: World) -> None:
        push(world, script, **options)
        world.devops.portal.create_pipeline(PUBLISH, YAML)

    return prepare


def subscribe(world: World, address: str, secret: str) -> None:
    """A service hook of Azure DevOps for runs that end, as its settings page makes it."""
    organisation = world.devops.organisation
    body: dict[str, Any] = {
        "publisherId": "tfs",
        "eventType": "build.complete",
        "resourceVersion": "2.0",
        "consumerId": "webHooks",
        "consumerActionId": "httpRequest",
        "publisherInputs": {"projectId": organisation.project_id},
        "consumerInputs": {"url": address, "httpHeaders": f"X-Spotter-Secret:{secret}"},
    }
    made = requests.post(
        f"{organisation.base_url}/_apis/hooks/subscriptions?api-version=7.1",
        json=body,
        auth=("", world.devops.portal.pat),
        timeout=60,
    )
    assert made.status_code == 200, made.text


def read(stage: Stage, text: str) -> str:
    """What people read, with the ids of commits made the same in every run."""
    text = stage.people.steady(text)
    for commit in stage.world.devops.organisation.repository.commits:
        text = text.replace(commit[:7], "<commit>")
    return text
