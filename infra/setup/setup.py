"""All steps in the order in which they are made, looked at together and put right one after the other."""

import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from infra.http.errors import Denied, NotFound, Refused, Unclear
from infra.setup import roles
from infra.setup.agents import AgentsStep
from infra.setup.branches import BranchControlStep
from infra.setup.cluster import ClusterStep, QuotaStep
from infra.setup.connections import ConnectionStep, GivenConnectionStep, TrustStep
from infra.setup.environments import EnvironmentStep
from infra.setup.files import TargetsStep, VariablesStep
from infra.setup.gate import BotConnectionStep, GateStep
from infra.setup.news import EVENTS, NewsStep
from infra.setup.pictures import BrowseStep, DatastoreStep
from infra.setup.pipelines import PipelineStep
from infra.setup.roles import RolesStep
from infra.setup.step import Finding, Step, for_a_person
from infra.setup.wanted import Wanted
from infra.setup.workspace import WorkspaceStep
from infra.setup.world import World

AT_ONCE = 6
ATTEMPTS = 3
_ACTION = re.compile(r"perform action '([^']+)'")


@dataclass(frozen=True)
class Pipelines:
    """What the three pipelines are called, alone or after their folder."""

    infrastructure: str
    publish: str
    edge: str


@dataclass(frozen=True)
class Seen:
    """A step and what was found of it; `done` says what has just been done to it."""

    step: Step
    finding: Finding
    done: Literal["", "made", "changed"] = ""


def steps(
    world: World,
    wanted: Wanted,
    pipelines: Pipelines,
    targets: Mapping[str, Sequence[str]],
    hooks_secret: str,
) -> list[Step]:
    """`targets` are those of the edge with their rings. Each step comes after those that it needs; what needs the
    workspace is left out until that is there.
    """
    rings = tuple((target, ring) for target, names in targets.items() for ring in names)
    first: list[Step] = [
        VariablesStep(world, wanted),
        *([TargetsStep(world, rings)] if rings else []),
        PipelineStep(world, pipelines.infrastructure, "infrastructure.yml"),
        PipelineStep(world, pipelines.publish, "publish.yml"),
        PipelineStep(world, pipelines.edge, "edge.yml"),
        EnvironmentStep(
            world, "infrastructure", pipelines.infrastructure, "What Spotter works with in Azure"
        ),
        *(
            EnvironmentStep(world, f"{target}-{ring}", pipelines.edge, f"Devices of {target}, ring {ring}")
            for target, ring in rings
        ),
        AgentsStep(world, (pipelines.publish, pipelines.infrastructure, pipelines.edge)),
        *_news(world, wanted.public_url, hooks_secret),
        GivenConnectionStep(world, wanted.infrastructure_connection, pipelines.infrastructure),
    ]
    bot = wanted.bot_connection if wanted.public_url else ""
    if bot and rings:
        first.append(BotConnectionStep(world, bot, wanted.public_url, pipelines.edge))
    gated = [f"{target}-{ring}" for target, ring in rings] if bot else ["every ring"] if rings else []
    gates = [GateStep(world, name, bot, hooks_secret) for name in gated]
    if not world.has_workspace:
        return [*first, *gates, WorkspaceStep(world, pipelines.infrastructure)]
    return [*first, *_with_workspace(world, wanted, pipelines), *gates]


def _with_workspace(world: World, wanted: Wanted, pipelines: Pipelines) -> list[Step]:
    pictures, cluster = wanted.datastore, wanted.cluster
    return [
        ConnectionStep(world, wanted.connection, wanted.identity, pipelines.publish),
        ConnectionStep(world, wanted.edge_connection, wanted.edge_identity, pipelines.edge),
        BranchControlStep(world, wanted.edge_connection),
        TrustStep(world, wanted.identity, wanted.connection),
        TrustStep(world, wanted.edge_identity, wanted.edge_connection),
        RolesStep(world, wanted.identity, roles.of_publisher(world)),
        RolesStep(world, wanted.edge_identity, roles.of_shipper(world)),
        RolesStep(
            world, cluster.identity, roles.of_cluster(world, (pictures.account, *wanted.picture_accounts))
        ),
        DatastoreStep(world, pictures),
        BrowseStep(world, pictures),
        ClusterStep(world, cluster),
        QuotaStep(world, cluster),
    ]


def _news(world: World, public_url: str, secret: str) -> list[Step]:
    if not public_url:
        return []
    return [NewsStep(world, each, f"{public_url}/hooks/devops", secret) for each in EVENTS]


def look(all_steps: Sequence[Step]) -> list[Seen]:
    """Every step as it stands now; reads only. Raises an AzureError where the world itself cannot be read."""
    with ThreadPoolExecutor(AT_ONCE, "setup") as pool:
        return list(pool.map(seen, all_steps))


def seen(step: Step) -> Seen:
    """One step as it stands now. What this identity may not read is left to a person."""
    try:
        return Seen(step, step.look())
    except Denied as fault:
        if fault.status == 401:
            raise
        return Seen(step, for_a_person(f"this identity may not see it{_right(fault)}", step.by_hand()))
    except (Refused, NotFound) as fault:
        return Seen(step, Finding("failed", fault.message, todo=step.by_hand()))


def put_right(step: Step) -> Seen:
    """Looks, makes or changes what is not as it should be, and looks again.

    Raises an AzureError where the world itself cannot be reached; repeating this is then safe.
    """
    before = seen(step)
    if before.finding.make is None:
        return before
    try:
        after = _made(step, before.finding.make)
    except Denied as fault:
        if fault.status == 401:
            raise
        return Seen(step, Finding("failed", f"this identity may not{_right(fault)}", todo=step.by_hand()))
    except (Refused, NotFound) as fault:
        return Seen(step, Finding("failed", fault.message, todo=step.by_hand()))
    if after.finding.make is not None:
        return Seen(step, Finding("failed", f"was asked for, but {after.finding.words}", todo=step.by_hand()))
    return Seen(step, after.finding, "made" if before.finding.state == "missing" else "changed")


def _made(step: Step, make: Callable[[], object]) -> Seen:
    """The step after its change. Where an answer is lost, what is not there after all is made once more."""
    for attempt in range(ATTEMPTS):
        try:
            make()
        except Unclear:
            if attempt + 1 == ATTEMPTS:
                raise
        after = seen(step)
        if after.finding.make is None:
            break
        make = after.finding.make
    return after


def _right(fault: Denied) -> str:
    """The right that is lacking, in Azure's own words; ARM's are long and end in it."""
    action = _ACTION.search(fault.message)
    return f": it lacks the right {action[1]}" if action else f": {fault.message}"
