"""Environments: where a pipeline deploys, and where its approvals and checks stand."""

from dataclasses import dataclass
from typing import ClassVar

from infra.devops import resources
from infra.setup.pipelines import may_use, permit, pipeline_named
from infra.setup.step import Finding, Todo, differs, fine, missing, waits
from infra.setup.world import World


@dataclass(frozen=True)
class EnvironmentStep:
    """An environment that one pipeline may use."""

    world: World
    name: str
    pipeline: str
    description: str
    kind: ClassVar[str] = "Environments"

    def look(self) -> Finding:
        there = resources.environment(self.world.devops.connection, self.name)
        if there is None:
            return missing(f"for {self.pipeline}", self._make)
        if may_use(self.world, self.pipeline, "environment", there.id):
            return fine(f"for {self.pipeline}")
        if pipeline_named(self.world, self.pipeline) is None:
            return waits(f"once the pipeline {self.pipeline} is there")
        return differs(
            f"{self.pipeline} may not use it yet",
            lambda: permit(self.world, self.pipeline, "environment", there.id),
        )

    def by_hand(self) -> Todo:
        return Todo(
            f"Create the environment {self.name}, and under ⋮ → Security → Pipeline permissions add {self.pipeline}",
            self.world.devops_page("_environments"),
            (("Name", self.name), ("Resource", "None"), ("Pipeline permissions", self.pipeline)),
        )

    def _make(self) -> None:
        made = self.world.devops.ensure_environment(self.name, self.description)
        if pipeline_named(self.world, self.pipeline):
            permit(self.world, self.pipeline, "environment", made.id)
