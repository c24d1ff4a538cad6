"""What the pipelines' own files must say, so that they find what is made here. Files are people's to change."""

from dataclasses import dataclass
from typing import ClassVar

import yaml

from infra.devops.pipelines import declared
from infra.http.errors import NotFound
from infra.http.fields import texts
from infra.setup.pipelines import FOLDER
from infra.setup.step import Finding, Todo, fine, for_a_person, waits
from infra.setup.wanted import Wanted
from infra.setup.world import World

VARIABLES = "variables.yml"
EDGE = "edge.yml"


@dataclass(frozen=True)
class VariablesStep:
    """The values that both the pipelines and this provisioning go by."""

    world: World
    wanted: Wanted
    kind: ClassVar[str] = "Files"
    name: ClassVar[str] = VARIABLES

    def look(self) -> Finding:
        content = _file(self.world, VARIABLES)
        if content is None:
            return waits(f"once it is on branch {self.world.branch}")
        try:
            there = texts(yaml.safe_load(content), "variables")
        except yaml.YAMLError:
            return for_a_person("is not valid YAML", self.by_hand())
        others = [(name, wanted) for name, wanted in self._values() if there.get(name, "") != wanted]
        if others:
            names = ", ".join(name for name, _ in others)
            return for_a_person(f"says otherwise: {names}", self._correct(others))
        return fine("says the same as spotter.toml")

    def by_hand(self) -> Todo:
        return self._correct(self._values())

    def _correct(self, values: list[tuple[str, str]]) -> Todo:
        return Todo(
            f"Correct {VARIABLES}, or the settings under [provision], so that both say the same",
            _page(self.world, VARIABLES),
            tuple((name, wanted or "''") for name, wanted in values),
        )

    def _values(self) -> list[tuple[str, str]]:
        wanted, place = self.wanted, self.world.azure.workspace
        return [
            ("RESOURCE_GROUP", place.resource_group),
            ("WORKSPACE_NAME", place.name),
            ("AZURE_RM_SVC_CONNECTION", wanted.infrastructure_connection),
            ("WORKSPACE_SVC_CONNECTION", wanted.connection),
            ("EDGE_SVC_CONNECTION", wanted.edge_connection),
            ("AML_COMPUTE_CLUSTER_NAME", wanted.cluster.name),
            ("VM_SIZE", wanted.cluster.vm_size),
            ("AML_CLUSTER_MIN_NODES", str(wanted.cluster.min_nodes)),
            ("AML_CLUSTER_MAX_NODES", str(wanted.cluster.max_nodes)),
            ("IDLE_SECONDS_BEFORE_SCALEDOWN", str(wanted.cluster.idle_seconds)),
            ("CAPTURE_CONTAINER", wanted.datastore.container),
            ("CAPTURE_DATASTORE", wanted.datastore.name),
            ("PICTURE_ACCOUNTS", " ".join(wanted.picture_accounts)),
        ]


@dataclass(frozen=True)
class TargetsStep:
    """The edge pipeline takes only the targets and rings that its file lists."""

    world: World
    rings: tuple[tuple[str, str], ...]
    kind: ClassVar[str] = "Files"
    name: ClassVar[str] = EDGE

    def look(self) -> Finding:
        content = _file(self.world, EDGE)
        if content is None:
            return waits(f"once it is on branch {self.world.branch}")
        listed = {parameter.name: parameter.values for parameter in declared(content, EDGE)}
        unlisted = {
            what: sorted(used - set(listed.get(what, ())))
            for what, used in (("target", self._targets), ("ring", {ring for _, ring in self.rings}))
        }
        if any(unlisted.values()):
            words = ", ".join(name for names in unlisted.values() for name in names)
            return for_a_person(f"does not list {words}", self.by_hand())
        return fine("lists every target and ring")

    def by_hand(self) -> Todo:
        return Todo(
            f"List these as values of the parameter target in {EDGE}; it takes no others",
            _page(self.world, EDGE),
            (("Targets", ", ".join(sorted(self._targets))),),
        )

    @property
    def _targets(self) -> set[str]:
        return {target for target, _ in self.rings}


def _file(world: World, name: str) -> str | None:
    try:
        return world.devops.file(world.repository.id, f"{FOLDER}/{name}", world.branch)
    except NotFound:
        return None


def _page(world: World, name: str) -> str:
    at = world.repository.web_url or world.devops_page("_git", world.repository.name)
    return f"{at}?path=/{FOLDER}/{name}&version=GB{world.branch}"
