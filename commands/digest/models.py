"""Models that fall short: those on a line below its gates, and new ones that are worse than what runs there."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Connection

from commands.deploy.evidence import figures as own_figures
from commands.deploy.evidence import shown
from commands.deploy.gates import AGAINST, Gate, judge
from commands.kit.policy import Gates, Policy
from commands.kit.words import esc
from commands.models.measured import Evaluations, evaluations_of, figures, together_in
from storage import catalog
from storage.catalog import ModelRow, Registered
from storage.devices import Share

MOST = 50


OnTheLines = Sequence[tuple[str, ModelRow]]


def below_their_gates(tx: Connection, there: OnTheLines, policy: Policy) -> Iterator[tuple[str, str]]:
    """A key and a sentence for each target whose model would not pass its gates now."""
    known = evaluations_of(tx, [row for _, row in there])
    for target, row in there:
        if failed := _failed(_evidence(known, row, None), policy.targets[target].gates):
            yield (
                f"{target} {row.name}:{row.version}",
                f"*{target}* runs {_name(row)} below its gate: {failed}",
            )


def worse_than_before(
    tx: Connection, there: OnTheLines, new: Sequence[Registered], policy: Policy
) -> Iterator[tuple[str, str]]:
    """The same for new versions that could not follow the one that runs on a target."""
    pairs = [
        (target, before, (each.name, each.version))
        for target, before in there
        for each in new[:MOST]
        if each.name == before.name and each.version > before.version
    ]
    rows = {(row.name, row.version): row for row in catalog.get_models(tx, {key for *_, key in pairs})}
    rivals = [(target, before, rows[key]) for target, before, key in pairs]
    known = evaluations_of(tx, [row for _, *both in rivals for row in both])
    for target, before, row in rivals:
        if failed := _failed(_evidence(known, row, before), policy.targets[target].gates):
            text = f"*{_name(row)}* would not pass the gates of {target}: {failed}"
            yield f"{target} {row.name}:{row.version}", text


def on_the_lines(tx: Connection, shares: Sequence[Share], policy: Policy) -> OnTheLines:
    """The version that most devices of each target run, where the registry has it."""
    most = [next(found) for _, found in groupby(shares, key=lambda share: share.target)]
    keys = [
        (each.target, (each.model, number))
        for each in most
        if each.target in policy.targets and (number := catalog.number_of(each.version)) is not None
    ]
    rows = catalog.get_models(tx, {key for _, key in keys})
    found = {(row.name, row.version): row for row in rows}
    return [(target, found[key]) for target, key in keys if key in found]


def _evidence(known: Evaluations, row: ModelRow, there: ModelRow | None) -> dict[str, Any]:
    """As approvers would see it, with figures on the same held-out pictures where both were measured on such."""
    found = together_in(known, row, there) if there else known.get((row.name, row.version))
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
