"""Label exports that people asked for, and preparations of COCO exports: what was asked, and how far it has come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, or_, select

from storage.rows import Rows
from storage.tables import label_exports, preparations

EXPORTING = ("requested", "asking", "exporting")
PREPARING = ("requested", "submitting", "running")


@dataclass(frozen=True)
class LabelExport:
    """One click on Export labels. States go requested → asking → exporting → exported, or end in failed or unknown.

    `known` are the exports that were there before Azure was asked; `operation` is where Azure tells how far it is.
    """

    id: str
    state: str
    project: str
    title: str
    labelled: int
    requested_by: str
    requested_by_name: str
    channel: str
    requested_at: datetime
    known: list[str] | None = None
    asked_at: datetime | None = None
    operation: str | None = None
    export_name: str | None = None
    ended_at: datetime | None = None
    failure: dict[str, Any] | None = None
    trouble: str | None = None
    tries: int = 0
    next_try_at: datetime | None = None


@dataclass(frozen=True)
class Preparation:
    """One attempt to turn a COCO export into the MLTable `target`. `id` is also the job's name; states go
    requested → submitting → running → prepared, or end in failed."""

    id: str
    state: str
    export_name: str
    export_version: str
    export_uri: str
    target: str
    cluster: str
    requested_by: str
    requested_by_name: str
    channel: str
    requested_at: datetime
    status: str | None = None
    studio_url: str | None = None
    missing_since: datetime | None = None
    ended_at: datetime | None = None
    failure: dict[str, Any] | None = None
    trouble: str | None = None
    tries: int = 0
    next_try_at: datetime | None = None


_exports, _preparations = Rows(label_exports, LabelExport), Rows(preparations, Preparation)


def _open(table: Table, states: Sequence[str]) -> Select[Any]:
    return select(table).where(table.c.state.in_(states)).order_by(table.c.requested_at)


def _ended_since(table: Table) -> Select[Any]:
    ended = select(table).where(table.c.ended_at >= bindparam("since"))
    return ended.order_by(table.c.ended_at.desc()).limit(bindparam("limit"))


_EXPORTING, _EXPORTS_ENDED_SINCE = _open(label_exports, EXPORTING), _ended_since(label_exports)
_PREPARING, _PREPARATIONS_ENDED_SINCE = _open(preparations, PREPARING), _ended_since(preparations)
add_export, add_preparation = _exports.add, _preparations.add
get_export, get_preparation = _exports.get, _preparations.get
change_export, change_preparation = _exports.change, _preparations.change


def open_exports(tx: Connection) -> list[LabelExport]:
    """Label exports under way, oldest first."""
    return _exports.all(tx, _EXPORTING)


def exports_ended_since(tx: Connection, since: datetime, limit: int) -> list[LabelExport]:
    """The one that ended last first."""
    return _exports.all(tx, _EXPORTS_ENDED_SINCE, {"since": since, "limit": limit})


def export_made(tx: Connection, export_name: str) -> LabelExport | None:
    """The wish that this export came from."""
    query = select(label_exports).where(label_exports.c.export_name == export_name).limit(1)
    return _exports.first(tx, query)


def open_preparations(tx: Connection) -> list[Preparation]:
    """Preparations under way, oldest first."""
    return _preparations.all(tx, _PREPARING)


def preparations_ended_since(tx: Connection, since: datetime, limit: int) -> list[Preparation]:
    """The one that ended last first."""
    return _preparations.all(tx, _PREPARATIONS_ENDED_SINCE, {"since": since, "limit": limit})


def preparations_of(tx: Connection, export_name: str) -> list[Preparation]:
    """Every attempt for an export, or for the asset that was made of it, newest first."""
    same = or_(preparations.c.export_name == export_name, preparations.c.target == export_name)
    query = select(preparations).where(same).order_by(preparations.c.requested_at.desc())
    return _preparations.all(tx, query)
