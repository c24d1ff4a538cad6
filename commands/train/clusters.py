"""The GPU clusters that a training can run on: an index kept fresh, and what is wrong with one."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from commands.kit.command import Option
from commands.kit.errors import UserError
from commands.kit.people import Person
from commands.kit.services import Services
from commands.kit.words import count, listing
from storage import catalog, marks, runs
from storage.catalog import ClusterRow
from storage.runs import TrainingRun

CLUSTER = "cluster"
READ = "clusters.read"


def gpu_clusters(services: Services, person: Person, typed: str) -> list[Option]:
    """Clusters that can train, the person's last one first; the note tells size and nodes."""
    usable = services.store.recall(gpu_clusters, _usable)
    last = last_used(services, person)
    fitting = [option for option in usable if typed.lower() in option.value.lower()]
    return sorted(fitting, key=lambda option: last is None or option.value != last.cluster)


def _usable(tx: Connection) -> list[Option]:
    return [Option(row.name, row.name, note(row)) for row in catalog.list_clusters(tx) if not problem(row)]


def last_used(services: Services, person: Person) -> TrainingRun | None:
    """The person's last training."""
    return services.store.recall((last_used, person.id), lambda tx: runs.last_used(tx, person.id))


def last_cluster(services: Services, person: Person) -> str | None:
    """The cluster of the person's last training; the only usable one where there is just one."""
    options, last = gpu_clusters(services, person, ""), last_used(services, person)
    if last and any(option.value == last.cluster for option in options):
        return last.cluster
    return options[0].value if len(options) == 1 else None


def must_be_usable(name: str, services: Services) -> None:
    """Raises UserError on the cluster field where no training could run on it."""
    with services.store.read() as tx:
        rows = catalog.list_clusters(tx)
        was_read = marks.get(tx, READ) is not None
    if not was_read:
        raise UserError(
            "Spotter has not read the clusters from Azure yet.",
            "Try again in a minute; /spotter tells how things stand.",
            field=CLUSTER,
        )
    row = next((row for row in rows if row.name == name), None)
    usable = [each.name for each in rows if not problem(each)]
    instead = (
        f"Choose one of: {listing(usable)}." if usable else "No GPU cluster is usable now: create one first."
    )
    if row is None:
        raise UserError(f"There is no cluster called “{name[:80]}”.", instead, field=CLUSTER)
    if wrong := problem(row):
        raise UserError(f"{row.name} {wrong}.", instead, field=CLUSTER)


def problem(row: ClusterRow) -> str:
    """Why nothing can train on this cluster, empty where it can."""
    facts = row.facts
    if facts.get("gpu") is False:
        return f"has no GPU ({facts.get('vm_size')})"
    if not facts.get("max_nodes"):
        return "allows no nodes (its maximum is 0)"
    if facts.get("provisioning_state") in ("Failed", "Deleting", "Canceled"):
        return f"is not working (Azure says {facts['provisioning_state']})"
    return ""


def note(row: ClusterRow) -> str:
    facts = row.facts
    return f"{facts.get('vm_size', '')} · up to {count(int(facts.get('max_nodes') or 0), 'node')}"


def follow_clusters(services: Services) -> None:
    """One list call; writes only what has changed, for a write keeps others waiting."""
    now = services.clock.now()
    rows = [ClusterRow(cluster.name, _plain(asdict(cluster)), now) for cluster in services.azure.clusters()]
    with services.store.read() as tx:
        known = catalog.list_clusters(tx)
        was_read = marks.get(tx, READ) is not None
    if was_read and _facts(known) == _facts(rows):
        return
    with services.store.write() as tx:
        catalog.put_clusters(tx, rows)
        marks.put(tx, READ, "done", now)


def _facts(rows: Iterable[ClusterRow]) -> dict[str, str]:
    """As they are stored, where a tuple is a list."""
    return {row.name: json.dumps(row.facts) for row in rows}


def _plain(facts: dict[str, Any]) -> dict[str, Any]:
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in facts.items()}
