"""What pipelines use and must be permitted to use: environments, service connections, pools; and the checks on them."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.azure.times import now
from sandbox.devops.engine.agents import AgentPool
from sandbox.devops.identities import ENGINEER, Identity


@dataclass(eq=False)
class Environment:
    id: int
    name: str
    description: str
    created_by: Identity
    created: datetime = field(default_factory=now)


@dataclass(eq=False)
class Endpoint:
    """A service connection; `body` is as it was given, without secrets."""

    id: str
    name: str
    body: dict[str, Any]
    created_by: Identity


@dataclass(eq=False)
class Check:
    """A check configuration. `type`: Approval, Task Check. `timeout` in minutes."""

    id: int
    type: str
    settings: dict[str, Any]
    resource_type: str
    resource_id: str
    timeout: int
    created_by: Identity
    created: datetime = field(default_factory=now)
    modified: datetime = field(default_factory=now)

    @property
    def definition(self) -> str:
        """The id of the task that a Task Check runs, in small letters; empty for others."""
        return str((self.settings.get("definitionRef") or {}).get("id", "")).lower()


@dataclass(eq=False)
class Permissions:
    """Which pipelines may use one resource; `everyone` is "open access"."""

    everyone: bool = False
    pipelines: dict[int, tuple[Identity, datetime]] = field(default_factory=dict)

    def allow(self, pipeline: int) -> bool:
        return self.everyone or pipeline in self.pipelines

    def permit(self, pipeline: int, by: Identity = ENGINEER) -> None:
        self.pipelines[pipeline] = (by, now())


class Resources:
    def __init__(self, pools: list[AgentPool]) -> None:
        self.environments: dict[int, Environment] = {}
        self.endpoints: dict[str, Endpoint] = {}
        self.checks: dict[int, Check] = {}
        self._permissions: dict[tuple[str, str], Permissions] = {
            ("queue", str(pool.id)): Permissions(everyone=True) for pool in pools
        }

    def permissions(self, kind: str, identity: str) -> Permissions:
        """`kind`: endpoint, environment, queue, repository."""
        return self._permissions.setdefault((kind.lower(), identity.lower()), Permissions())

    def environment(self, name: str) -> Environment | None:
        return next((e for e in self.environments.values() if e.name.lower() == name.lower()), None)

    def add_environment(self, name: str, description: str, by: Identity) -> Environment:
        made = Environment(max(self.environments, default=0) + 1, name, description, by)
        self.environments[made.id] = made
        return made

    def endpoint(self, name_or_id: str) -> Endpoint | None:
        wanted = name_or_id.lower()
        return next((e for e in self.endpoints.values() if wanted in (e.name.lower(), e.id)), None)

    def add_endpoint(self, name: str, body: dict[str, Any], by: Identity) -> Endpoint:
        made = Endpoint(str(uuid.uuid4()), name, body, by)
        self.endpoints[made.id] = made
        return made

    def name_of(self, kind: str, identity: str) -> str:
        """What people call a resource; its id where it has no other name."""
        known: dict[str, Mapping[Any, Environment | Endpoint]] = {
            "environment": self.environments,
            "endpoint": self.endpoints,
        }
        named = (each.name for each in known.get(kind, {}).values() if str(each.id) == identity)
        return next(named, identity)

    def add_check(
        self, kind: str, settings: dict[str, Any], on: tuple[str, str], timeout: int, by: Identity
    ) -> Check:
        """`on` is type and id of the resource."""
        made = Check(max(self.checks, default=0) + 1, kind, settings, *on, timeout, by)
        self.checks[made.id] = made
        return made

    def checks_on(self, kind: str, identity: str) -> list[Check]:
        return [
            check
            for check in self.checks.values()
            if (check.resource_type, check.resource_id) == (kind.lower(), identity.lower())
        ]
