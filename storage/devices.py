"""What runs on which edge device, as it was told last."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, Integer, Select, bindparam, delete, func, insert, select

from storage.rows import Rows
from storage.tables import devices


@dataclass(frozen=True)
class DeviceRow:
    """`model` and `version` are what the device's module reports, empty where it never did; `works` is its own word,
    unless it does not run what was shipped to it. `reason` says why it does not work."""

    id: str
    target: str
    ring: str
    model: str
    version: str
    works: bool
    is_connected: bool
    reason: str
    last_seen: datetime | None


@dataclass(frozen=True)
class Share:
    """How many devices of a target run a model version, how many of them are in contact and say that it works, and how
    many are not in contact."""

    target: str
    model: str
    version: str
    devices: int
    working: int
    away: int


_rows = Rows(devices, DeviceRow)
LATELY = timedelta(minutes=5)
"""So much later may one that is in contact have been seen than is kept of it: each message that it sends moves that."""


def keep(tx: Connection, rows: Sequence[DeviceRow]) -> None:
    """These are the devices now; of thousands most are as they were, but for when they were seen last."""
    known, there = _known(tx), {row.id for row in rows}
    changed = [row for row in rows if not _is_as(row, known.get(row.id))]
    old = [row.id for row in changed if row.id in known] + [each for each in known if each not in there]
    if old:
        tx.execute(delete(devices).where(devices.c.id == bindparam("old")), [{"old": each} for each in old])
    if changed:
        tx.execute(insert(devices), [vars(row) for row in changed])


def are_known(tx: Connection, rows: Sequence[DeviceRow]) -> bool:
    """Whether these are the devices as they were told last."""
    known = _known(tx)
    return known.keys() == {row.id for row in rows} and all(_is_as(row, known[row.id]) for row in rows)


def _is_as(row: DeviceRow, known: DeviceRow | None) -> bool:
    if known is None or row.last_seen is None or known.last_seen is None or not row.is_connected:
        return row == known
    is_late = not timedelta() <= row.last_seen - known.last_seen < LATELY
    return not is_late and row == replace(known, last_seen=row.last_seen)


def _known(tx: Connection) -> dict[str, DeviceRow]:
    return {row.id: row for row in _rows.all(tx, select(devices))}


def shares(tx: Connection) -> list[Share]:
    """By target, the most frequent version first."""
    return [Share(*row) for row in tx.execute(_shares())]


@cache
def _shares() -> Select[Any]:
    there, works = devices.c.is_connected.cast(Integer), devices.c.works.cast(Integer)
    number, working = func.count().label("number"), func.sum(works * there).label("working")
    away = func.sum(1 - there).label("away")
    return (
        select(devices.c.target, devices.c.model, devices.c.version, number, working, away)
        .where(devices.c.target != "")
        .group_by(devices.c.target, devices.c.model, devices.c.version)
        .order_by(devices.c.target, number.desc())
    )


def of_target(tx: Connection, target: str, limit: int = 100) -> list[DeviceRow]:
    """By id; those that do not work first."""
    query = (
        select(devices).where(devices.c.target == target).order_by(devices.c.works, devices.c.id).limit(limit)
    )
    return _rows.all(tx, query)


def of_model(tx: Connection, model: str, version: int) -> list[DeviceRow]:
    query = select(devices).where(devices.c.model == model, devices.c.version == str(version))
    return _rows.all(tx, query.order_by(devices.c.target, devices.c.id))
