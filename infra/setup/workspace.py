"""The workspace, which the infrastructure pipeline makes with all that is around it."""

from dataclasses import dataclass
from typing import ClassVar

from infra.setup.step import Finding, Todo, fine, for_a_person
from infra.setup.world import World


@dataclass(frozen=True)
class WorkspaceStep:
    world: World
    pipeline: str
    kind: ClassVar[str] = "Workspace"

    @property
    def name(self) -> str:
        return self.world.azure.workspace.name

    def look(self) -> Finding:
        if self.world.has_workspace:
            return fine(f"in {self.world.region}")
        return for_a_person("is not there yet; the rest comes after it", self.by_hand())

    def by_hand(self) -> Todo:
        place = self.world.azure.workspace
        return Todo(
            f"Run the pipeline {self.pipeline}, which makes the workspace and what it needs; or correct the settings by"
            " which it is looked for",
            self.world.devops_page("_build"),
            (
                ("AZURE_RESOURCE_GROUP", place.resource_group),
                ("AZUREML_WORKSPACE_NAME", place.name),
            ),
        )
