"""What a room is handed: everything it may use, built in one place and passed down."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from commands.kit.clock import Clock
from commands.kit.health import Health
from commands.kit.people import Directory
from commands.kit.policy import Policy
from infra.azureml.workspace import Workspace
from infra.devops.project import Project
from infra.iothub.hub import Hub
from storage.database import Store

if TYPE_CHECKING:
    from commands.kit.command import Command


@dataclass(frozen=True)
class Services:
    """Handlers use `store`, `policy`, `people` and `clock` only, so that nothing a person does waits for Azure;
    followers use `azure`, and `devops` and `hub` (None where none is set). `wake(name)` asks a follower, or the
    courier, to look now."""

    store: Store
    policy: Policy
    clock: Clock
    people: Directory
    health: Health
    azure: Workspace
    devops: Project | None
    hub: Hub | None
    wake: Callable[[str], None]
    commands: "Sequence[Command]"
