"""Whether Microsoft's machines run this project's pipelines; a new organisation must ask for them once."""

from dataclasses import dataclass
from typing import ClassVar

from infra.devops import runs
from infra.setup.pipelines import pipeline_named
from infra.setup.step import Finding, Todo, fine, for_a_person
from infra.setup.world import World


@dataclass(frozen=True)
class AgentsStep:
    """Azure DevOps does not tell how many jobs are granted; a run that has succeeded does."""

    world: World
    pipelines: tuple[str, ...]
    kind: ClassVar[str] = "Agents"
    name: ClassVar[str] = "Azure Pipelines"

    def look(self) -> Finding:
        for name in self.pipelines:
            pipeline = pipeline_named(self.world, name)
            if pipeline and runs.has_succeeded(self.world.devops.connection, pipeline):
                return fine(f"have run {name}")
        return for_a_person("no run has succeeded yet that would prove them", self.by_hand())

    def by_hand(self) -> Todo:
        organization = self.world.devops.connection.place.organization.rstrip("/")
        return Todo(
            "See that private projects have at least one Microsoft-hosted parallel job; a new organisation asks for its"
            " free one under Request, or buys one under Change",
            f"{organization}/_settings/buildqueue?_a=concurrentJobs",
        )
