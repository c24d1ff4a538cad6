"""Versioned assets: containers with versions, what is latest, what may never be used again."""

from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from sandbox.azure.times import now

_sequence = count(1)


@dataclass
class Version:
    version: str
    properties: dict[str, Any]
    created: datetime = field(default_factory=now)
    modified: datetime = field(default_factory=now)
    created_by: str = "Spotter"
    sequence: int = field(default_factory=lambda: next(_sequence))


@dataclass
class Container:
    name: str
    properties: dict[str, Any] = field(default_factory=dict)
    created: datetime = field(default_factory=now)
    sequence: int = field(default_factory=lambda: next(_sequence))
    versions: dict[str, Version] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)

    @property
    def newest_first(self) -> list[Version]:
        return sorted(self.versions.values(), key=lambda v: (v.created, v.sequence), reverse=True)

    @property
    def latest(self) -> str | None:
        return self.newest_first[0].version if self.versions else None

    @property
    def next(self) -> str:
        numbers = [int(version) for version in (*self.versions, *self.deleted) if version.isdigit()]
        return str(max(numbers, default=0) + 1)


class Assets:
    """Containers by kind (`data`, `models`, `components`, `environments`, `codes`) and name."""

    def __init__(self) -> None:
        self._kinds: dict[str, dict[str, Container]] = {}

    def containers(self, kind: str) -> list[Container]:
        """Newest first; a container whose versions are all deleted is gone."""
        known = self._kinds.get(kind, {}).values()
        return sorted((c for c in known if c.versions), key=lambda c: c.sequence, reverse=True)

    def container(self, kind: str, name: str) -> Container | None:
        found = self._kinds.get(kind, {}).get(name)
        return found if found and found.versions else None

    def version(self, kind: str, name: str, version: str) -> Version | None:
        container = self.container(kind, name)
        return container.versions.get(version) if container else None

    def put(self, kind: str, name: str, version: Version) -> Container:
        container = self._kinds.setdefault(kind, {}).setdefault(name, Container(name))
        container.versions[version.version] = version
        return container

    def was_deleted(self, kind: str, name: str, version: str) -> bool:
        container = self._kinds.get(kind, {}).get(name)
        return container is not None and version in container.deleted

    def delete(self, kind: str, name: str, version: str) -> None:
        container = self._kinds[kind][name]
        del container.versions[version]
        container.deleted.add(version)
