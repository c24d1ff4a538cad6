"""What the workspace holds, as last seen: labeling exports, clusters, model versions.

Forms and answers read this, never Azure; followers keep it fresh.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    String,
    Subquery,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)

from storage.rows import Rows, each_of, one_of
from storage.tables import clusters, exports, model_versions

FEW = 10
LOOK_BACK, LATELY = 4, 1000
ESCAPE = "/"

LONGEST_NUMBER = 9


@dataclass(frozen=True)
class ExportRow:
    """A labeling export. `contents` is what was counted in it; `unreadable` says why that was not possible."""

    name: str
    version: str
    kind: str
    created_at: datetime | None
    created_by: str | None
    uri: str | None
    contents: dict[str, Any] | None
    unreadable: str | None
    seen_at: datetime
    present: bool


@dataclass(frozen=True)
class ClusterRow:
    name: str
    facts: dict[str, Any]
    seen_at: datetime


@dataclass(frozen=True)
class ModelRow:
    """A registered version. Metrics are None where the version carries none."""

    name: str
    version: int
    created_at: datetime | None
    created_by: str | None
    mean_average_precision: float | None
    precision: float | None
    recall: float | None
    tags: dict[str, str]
    uri: str | None
    run_id: str | None
    announced: bool
    seen_at: datetime


class Registered(NamedTuple):
    """A registered version in short."""

    name: str
    version: int
    mean_average_precision: float | None
    run_id: str | None


_exports, _clusters = Rows(exports, ExportRow), Rows(clusters, ClusterRow)
_models = Rows(model_versions, ModelRow)
_MODEL = select(model_versions).where(
    model_versions.c.name == bindparam("name"), model_versions.c.version == bindparam("version")
)
_EXPORT = (
    select(exports)
    .where(exports.c.name == bindparam("name"), exports.c.present)
    .order_by(exports.c.created_at.desc(), exports.c.version.desc())
    .limit(1)
)


def put_export(tx: Connection, row: ExportRow) -> None:
    same = (exports.c.name == row.name) & (exports.c.version == row.version)
    tx.execute(delete(exports).where(same))
    tx.execute(insert(exports).values(**vars(row)))


def keep_exports(tx: Connection, present: Iterable[tuple[str, str]]) -> None:
    """Mark every export that is no longer in the workspace as gone."""
    there = set(present)
    for row in tx.execute(select(exports.c.name, exports.c.version).where(exports.c.present)):
        if (row.name, row.version) not in there:
            gone = (exports.c.name == row.name) & (exports.c.version == row.version)
            tx.execute(update(exports).where(gone).values(present=False))


def list_exports(tx: Connection, limit: int = 100, containing: str = "") -> list[ExportRow]:
    """Exports in the workspace, newest first."""
    query = select(exports).where(exports.c.present)
    if containing:
        query = query.where(_contains(exports.c.name, containing))
    query = query.order_by(exports.c.created_at.desc(), exports.c.name.desc()).limit(limit)
    return _exports.all(tx, query)


def count_exports(tx: Connection) -> int:
    """How many are in the workspace."""
    return tx.execute(select(func.count()).select_from(exports).where(exports.c.present)).scalar_one()


def get_export(tx: Connection, name: str) -> ExportRow | None:
    """The newest version of the export, if the workspace still has it."""
    return _exports.one(tx, _EXPORT, {"name": name})


def has_seen_export(tx: Connection, name: str, version: str) -> bool:
    """Whether this version was ever in the workspace."""
    same = (exports.c.name == name) & (exports.c.version == version)
    return tx.execute(select(exports.c.name).where(same)).first() is not None


def put_clusters(tx: Connection, rows: Iterable[ClusterRow]) -> None:
    """Replace what is known of all clusters."""
    tx.execute(delete(clusters))
    for row in rows:
        tx.execute(insert(clusters).values(**vars(row)))


def list_clusters(tx: Connection) -> list[ClusterRow]:
    query = select(clusters).order_by(clusters.c.name)
    return _clusters.all(tx, query)


def number_of(version: str) -> int | None:
    """The number that "4" or "v4" means; None for what numbers no version."""
    digits = version.removeprefix("v")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= LONGEST_NUMBER else None


def add_model(tx: Connection, row: ModelRow) -> None:
    tx.execute(insert(model_versions).values(**vars(row)))


def keep_models(tx: Connection, name: str, present: Collection[int]) -> set[int]:
    """Forget every version of a model that is no longer in the registry; the numbers of those that are left."""
    of = model_versions.c
    known = set(tx.execute(select(of.version).where(of.name == name)).scalars())
    if gone := known.difference(present):
        tx.execute(delete(model_versions).where(of.name == name, of.version.in_(gone)))
    return known - gone


def get_model(tx: Connection, name: str, version: int) -> ModelRow | None:
    return _models.one(tx, _MODEL, {"name": name, "version": version})


def get_models(tx: Connection, keys: Collection[tuple[str, int]]) -> list[ModelRow]:
    """These versions, by name and number, as far as there are such; in no order."""
    if not keys:
        return []
    query = select(model_versions).where(one_of(keys, model_versions.c.name, model_versions.c.version))
    return _models.all(tx, query)


def model_of_run(tx: Connection, run_id: str) -> ModelRow | None:
    """The version that this training registered."""
    query = select(model_versions).where(model_versions.c.run_id == run_id)
    return _models.first(tx, query.order_by(model_versions.c.version).limit(1))


def metric_of_runs(tx: Connection, run_ids: Collection[str]) -> dict[str, float | None]:
    """The mAP of the version that each of these trainings registered, by the training; not all need have one."""
    of = model_versions.c
    query = select(of.run_id, of.mean_average_precision).where(of.run_id.in_(run_ids))
    return {row.run_id: row.mean_average_precision for row in tx.execute(query.order_by(of.version.desc()))}


def versions_of(tx: Connection, name: str, limit: int = 20) -> list[ModelRow]:
    """A model's versions, newest first."""
    query = select(model_versions).where(model_versions.c.name == name)
    query = query.order_by(model_versions.c.version.desc()).limit(limit)
    return _models.all(tx, query)


def newest_versions(tx: Connection, limit: int, containing: str = "") -> list[ModelRow]:
    """Versions of all models, most recently registered first."""
    of = model_versions.c
    query = select(model_versions).order_by(of.created_at.desc(), of.version.desc())
    if not containing:
        return _models.all(tx, query.limit(limit))
    names = _names(literal(_pattern(containing)))
    known = list(tx.execute(select(names.c.name).limit(FEW + 1)).scalars())
    if len(known) <= FEW:  # else these are soon found among the last ones, and this would read all of theirs
        return _models.all(tx, query.where(of.name.in_(known)).limit(limit))
    last = query.limit(LATELY).subquery()
    lately = select(last).where(_contains(last.c.name, containing))
    found = _models.all(tx, lately.order_by(last.c.created_at.desc(), last.c.version.desc()).limit(limit))
    if len(found) == limit:
        return found
    return _models.all(tx, query.where(_contains(of.name, containing)).limit(limit))


def registered_since(tx: Connection, since: datetime, limit: int) -> list[Registered]:
    """Versions that were registered, and first seen, at `since` or later; most recently registered first."""
    return [Registered(*row) for row in tx.execute(_registered_since(), {"since": since, "limit": limit})]


@cache
def _registered_since() -> Select[Any]:
    of = model_versions.c
    query = select(of.name, of.version, of.mean_average_precision, of.run_id)
    query = query.where(of.seen_at >= bindparam("since"), of.created_at >= bindparam("since"))
    return query.order_by(of.created_at.desc(), of.version.desc()).limit(bindparam("limit"))


def latest_models(tx: Connection, limit: int = 50, containing: str = "") -> list[ModelRow]:
    """The newest version of each model, most recently registered first."""
    if not containing and len(lately := _lately(tx, limit)) == limit:
        return lately
    return _models.all(tx, _latest_models(), {"limit": limit, "pattern": _pattern(containing)})


@cache
def _latest_models() -> Select[Any]:
    """Written once, for that takes longer than to ask; of the names with this `pattern`, `limit` rows."""
    names, other = _names(bindparam("pattern", type_=String)), model_versions.alias()
    newest = select(func.max(other.c.version)).where(other.c.name == names.c.name).scalar_subquery()
    same = (model_versions.c.name == names.c.name) & (model_versions.c.version == newest)
    query = select(model_versions).join(names, same).order_by(model_versions.c.created_at.desc())
    return query.limit(bindparam("limit", type_=Integer))


def _lately(tx: Connection, limit: int) -> list[ModelRow]:
    """The same, as far as it is among what was registered last, which mostly is enough of it."""
    return _models.all(tx, _latest_lately(), {"limit": limit, "last": limit * LOOK_BACK})


@cache
def _latest_lately() -> Select[Any]:
    of, other = model_versions.c, model_versions.alias()
    query = select(model_versions).order_by(of.created_at.desc(), of.version.desc())
    last = query.limit(bindparam("last", type_=Integer)).subquery()
    newest = select(func.max(other.c.version)).where(other.c.name == last.c.name).scalar_subquery()
    return (
        select(last)
        .where(last.c.version == newest)
        .order_by(last.c.created_at.desc())
        .limit(bindparam("limit", type_=Integer))
    )


def _names(pattern: ColumnElement[str]) -> Subquery:
    """The names of all models."""
    name = each_of(model_versions.c.name).c.value
    there = name.is_not(None) & func.lower(name).like(pattern, escape=ESCAPE)
    return select(name.label("name")).where(there).subquery()


def _contains(name: ColumnElement[str], text: str) -> ColumnElement[bool]:
    return func.lower(name).like(_pattern(text), escape=ESCAPE)


def _pattern(containing: str) -> str:
    escaped = "".join(ESCAPE + letter if letter in f"%_{ESCAPE}" else letter for letter in containing.lower())
    return f"%{escaped}%"
