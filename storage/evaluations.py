"""What trainings measured of model versions on held-out pictures, and which of that is still to be read."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Text, bindparam, cast, func, select, update

from storage.rows import Rows, insert_once, one_of
from storage.tables import evaluations


@dataclass(frozen=True)
class EvaluationRow:
    """`run_id` is the training. Until `read_at` nothing is known; then there is `found`, or `missing` says why not.
    `figures` are `found` without what takes most room."""

    name: str
    version: int
    run_id: str
    wanted_at: datetime
    read_at: datetime | None = None
    found: dict[str, Any] | None = None
    figures: dict[str, Any] | None = None
    missing: str | None = None


_rows = Rows(evaluations, EvaluationRow)
_OF_VERSION = select(evaluations).where(
    evaluations.c.name == bindparam("name"), evaluations.c.version == bindparam("version")
)


def want(tx: Connection, name: str, version: int, run_id: str, at: datetime) -> None:
    """Asks for a version's evaluation, once."""
    insert_once(tx, evaluations, {"name": name, "version": version, "run_id": run_id, "wanted_at": at})


def wanted(tx: Connection, limit: int) -> list[EvaluationRow]:
    """Those that were not read yet, the newest first."""
    query = select(evaluations).where(evaluations.c.read_at.is_(None))
    query = query.order_by(evaluations.c.wanted_at.desc()).limit(limit)
    return _rows.all(tx, query)


def put(
    tx: Connection,
    row: EvaluationRow,
    at: datetime,
    *,
    found: dict[str, Any] | None = None,
    figures: dict[str, Any] | None = None,
    missing: str = "",
) -> None:
    same = (evaluations.c.name == row.name) & (evaluations.c.version == row.version)
    values = {"read_at": at, "found": found, "missing": missing or None}
    values |= {"figures": figures} if figures else {}
    tx.execute(update(evaluations).where(same).values(**values))


def figures_of(tx: Connection, keys: Collection[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """By name and version, of those that were measured, in JSON; all that was found where no figures were taken out
    of it."""
    if not keys:
        return {}
    of = evaluations.c
    figures = cast(func.coalesce(of.figures, of.found), Text)
    query = select(of.name, of.version, figures).where(one_of(keys, of.name, of.version))
    return {(name, version): told for name, version, told in tx.execute(query) if told not in (None, "null")}


def get(tx: Connection, name: str, version: int) -> EvaluationRow | None:
    return _rows.one(tx, _OF_VERSION, {"name": name, "version": version})
