"""Models that fall short: those on a line below its gates, and new ones that are worse than what runs there."""

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection

from commands.deploy.evidence import figures as own_figures
from commands.deploy.evidence import shown
from commands.deploy.gates import AGAINST, Gate, judge
from commands.kit.policy import Gates, Policy
from commands.kit.words import esc
from commands.models.measured import evaluation_of, figures, together
from storage import catalog, devices
from storage.catalog import ModelRow

MOST = 50


def below_their_gates(tx: Connection, policy: Policy) -> Iterator[tuple[str, str]]:
    """A key and a sentence for each target whose model would not pass its gates now."""
    for target, row in _on_the_lines(tx, policy):
        if failed := _failed(_evidence(tx, row, None), policy.targets[target].gates):
            yield (
                f"{target} {row.name}:{row.version}",
                f"*{target}* runs {_name(row)} below its gate: {failed}",
            )


def worse_than_before(tx: Connection, policy: Policy, since: datetime) -> Iterator[tuple[str, str]]:
    """The same for versions registered since then that could not follow the one that runs on a target."""
    new = catalog.registered_since(tx, since, MOST)
    for target, there in _on_the_lines(tx, policy):
        for row in new:
            if row.name != there.name or row.version <= there.version:
                continue
            if failed := _failed(_evidence(tx, row, there), policy.targets[target].gates):
                text = f"*{_name(row)}* would not pass the gates of {target}: {failed}"
                yield f"{target} {row.name}:{row.version}", text


def _on_the_lines(tx: Connection, policy: Policy) -> Iterator[tuple[str, ModelRow]]:
    """The version that most devices of each target run, where the registry has it."""
    for target, found in groupby(devices.shares(tx), key=lambda share: share.target):
        most = next(found)
        if target not in policy.targets or not most.version.isdecimal():
            continue
        if row := catalog.get_model(tx, most.model, int(most.version)):
            yield target, row


def _evidence(tx: Connection, row: ModelRow, there: ModelRow | None) -> dict[str, Any]:
    """As approvers would see it, with figures on the same held-out pictures where both were measured on such."""
    found = together(tx, row, there) if there else evaluation_of(tx, row)
    measured = {"candidate": figures(found, row), "incumbent": figures(found, there) if there else None}
    incumbent = own_figures(there, "") if there else None
    return {"candidate": own_figures(row, ""), "incumbent": incumbent, "measured": measured}


def _failed(evidence: dict[str, Any], gates: Gates) -> str:
    """The gates that did not pass, in words; what could not be compared has not failed."""
    failed = [gate for gate in judge(*shown(evidence), gates) if gate.verdict == "failed"]
    return ", ".join(esc(f"{_seen(gate)} ({gate.needed})") for gate in failed)


def _seen(gate: Gate) -> str:
    """ "Recall 0.871", or "0.031 worse than Cap_Model v3, which runs there"."""
    if gate.name.startswith(AGAINST):
        return f"{gate.seen} than {gate.name.removeprefix(AGAINST)}, which runs there"
    return f"{gate.name} {gate.seen}"


def _name(row: ModelRow) -> str:
    return f"{esc(row.name)} v{row.version}"
