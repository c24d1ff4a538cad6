"""The three pipelines, each made from its file in the team's repository."""

from dataclasses import dataclass
from typing import ClassVar

from infra.devops.pipelines import Pipeline
from infra.devops.resources import ResourceKind
from infra.http.errors import NotFound
from infra.setup.step import Finding, Todo, differs, fine, for_a_person, missing
from infra.setup.world import World

FOLDER = "infra/provision/pipelines"


@dataclass(frozen=True)
class PipelineStep:
    """`file` stands in `FOLDER`."""

    world: World
    name: str
    file: str
    kind: ClassVar[str] = "Pipelines"

    @property
    def path(self) -> str:
        return f"{FOLDER}/{self.file}"

    def look(self) -> Finding:
        there = pipeline_named(self.world, self.name)
        if there is None:
            if not self._is_pushed():
                branch = self.world.branch
                return for_a_person(f"its file is not on branch {branch}", self._push())
            return missing(f"from {self.file}", self._make)
        if there.repository_id.lower() != self.world.repository.id.lower():
            words = f"runs from another repository than {self.world.repository.name}"
            return for_a_person(words, self.by_hand())
        if there.yaml_path.strip("/") != self.path:
            words = f"runs {there.yaml_path.strip('/')} instead of {self.file}"
            return differs(words, lambda: self.world.devops.repoint_pipeline(there, self.path))
        return fine(f"from {self.file}")

    def by_hand(self) -> Todo:
        return Todo(
            f"Create the pipeline {self.name}: New pipeline → Azure Repos Git → Existing Azure Pipelines YAML file →"
            " Save, and rename it",
            self.world.devops_page("_build"),
            (
                ("Repository", self.world.repository.name),
                ("Branch", self.world.branch),
                ("Path", f"/{self.path}"),
                ("Name", self.name),
            ),
        )

    def _make(self) -> None:
        self.world.devops.create_pipeline(self.name, self.world.repository.id, self.path)

    def _is_pushed(self) -> bool:
        try:
            self.world.devops.file(self.world.repository.id, self.path, self.world.branch)
        except NotFound:
            return False
        return True

    def _push(self) -> Todo:
        repository = self.world.repository
        return Todo(
            f"Push Spotter's files to {repository.name}: the pipelines run them from there",
            repository.web_url or self.world.devops_page("_git", repository.name),
            (("Branch", self.world.branch), ("File", f"/{self.path}")),
        )


def pipeline_named(world: World, name: str) -> Pipeline | None:
    try:
        return world.devops.pipeline(name)
    except NotFound:
        return None


def may_use(world: World, pipeline: str, kind: ResourceKind, resource_id: str | int) -> bool:
    """Whether a pipeline may use a resource; one that is not there yet may not."""
    found = pipeline_named(world, pipeline)
    return found is not None and world.devops.is_permitted(kind, resource_id, found.id)


def permit(world: World, pipeline: str, kind: ResourceKind, resource_id: str | int) -> None:
    """Raises NotFound where there is no such pipeline."""
    world.devops.ensure_permitted(kind, resource_id, world.devops.pipeline(pipeline).id)
