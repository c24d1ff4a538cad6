"""Time between two lived spans: the rows that Spotter wrote in the first one, again and again, as other trainings of
other models at later times. The audit trail stays one chain.
"""

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from commands.spotter.housekeeping import KEPT
from storage import messages
from storage.audit import _hash, end
from storage.database import Store
from storage.tables import UtcDateTime, metadata
from tests.bench.large_plant import LargePlant

COPIED = ("training_runs", "model_versions", "messages", "evaluations", "digest_firings")
"""Pictures are gone after days."""
OF_DIGESTS = ("digest_firings", "messages")
RUN = re.compile(r"model_(\d{3})-\d{8}-([0-9a-f]{6})")
NAME = re.compile(r"Model_(\d{3})")
DUE = re.compile(r"\b(\d{8}T\d{4})Z")
VERSION = re.compile(r'Model_(\d{3})(", "version": |:)(\d+)')
MODELS = 300
Row = dict[str, Any]
Change = Callable[[str], str]


class Years:
    """`span` is how long the first lived span was, in which each of `trained` models was asked for once."""

    def __init__(self, file: Path, plant: LargePlant, span: timedelta, trained: int) -> None:
        self._file = file
        self._plant = plant
        self._span = span
        self._trained = trained
        self._rows: dict[str, list[Row]] = {}
        self._thin: dict[str, list[Row]] = {}
        self._audit: list[Row] = []

    def remember(self) -> None:
        """What is there now is what is written again."""
        with closing(self._connect()) as connection:
            self._rows = {table: _all(connection, table) for table in COPIED}
            self._audit = _all(connection, "audit")
        self._thin = {**self._rows, "messages": [_thinned(row) for row in self._rows["messages"]]}

    def pass_by(self, first: int, last: int) -> None:
        """Spans `first` to `last - 1`, counted from the lived one as 0."""
        seq, previous = self._end_of_trail()
        with closing(self._connect()) as connection:
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute("BEGIN IMMEDIATE")
            for number in range(first, last):
                rows = self._rows if (last - number) * self._span <= KEPT else self._thin
                for table, written in rows.items():
                    _insert(connection, table, [self._moved(table, row, number) for row in written])
                trail = []
                for row in self._audit:
                    seq, moved = seq + 1, self._moved("audit", row, number)
                    about = {
                        **moved,
                        "seq": seq,
                        "previous": previous,
                        "details": json.loads(moved["details"]),
                    }
                    previous = _hash({**about, "at": _moment(moved["at"])})
                    trail.append({**moved, "seq": seq, "previous": about["previous"], "hash": previous})
                _insert(connection, "audit", trail)
            later = (last - first) * self._span
            for name, due in connection.execute("SELECT id, next_at FROM digests WHERE next_at").fetchall():
                moved_on = (_moment(due), _written(_moment(due) + later), name)[1:]
                connection.execute("UPDATE digests SET next_at = ? WHERE id = ?", moved_on)
            self._register(connection)
            connection.execute("COMMIT")

    def _register(self, connection: sqlite3.Connection) -> None:
        """The registry has what the store has."""
        query = "SELECT name, version, created_at FROM model_versions ORDER BY name, version"
        latest: dict[str, str] = {}
        for name, version, created in connection.execute(query):
            latest[name] = str(version)
            if version > self._plant.latest(name):
                self._plant.registered(name, version, _moment(created))
        seen = json.dumps(latest)
        connection.execute("UPDATE marks SET value = ? WHERE key = 'models.latest_seen'", (seen,))

    def _moved(self, table: str, row: Row, number: int) -> Row:
        shift = number * self._span
        change = self._renamed(number, shift)
        times = {each.name for each in metadata.tables[table].columns if isinstance(each.type, UtcDateTime)}
        moved = {
            name: _written(_moment(value) + shift)
            if name in times and value
            else change(value)
            if isinstance(value, str)
            else value
            for name, value in row.items()
        }
        for version in ("version", "registered_version", "model_version"):
            if row.get(version) is not None:
                model = str(row.get("model_name") or row["name"]).removeprefix("Model_")
                moved[version] = self._version(model, int(row[version]), number)
        if "request_id" in moved:
            moved["request_id"] = f"{moved['request_id'][:-5]}{number:05x}"
        return moved

    def _version(self, model: str, version: int, number: int) -> int:
        """What becomes of a version of this model in a later span, when the model's turn has come more often."""
        return version + (int(model) + number * self._trained) // MODELS

    def _renamed(self, number: int, shift: timedelta) -> Change:
        def model(found: str) -> str:
            return f"{(int(found) + number * self._trained) % MODELS:03}"

        def run(found: re.Match[str]) -> str:
            day = f"{START + shift:%Y%m%d}"
            return f"model_{model(found[1])}-{day}-{found[2][:2]}{number:04x}"

        def due(found: re.Match[str]) -> str:
            return f"{datetime.strptime(found[1], '%Y%m%dT%H%M').replace(tzinfo=UTC) + shift:%Y%m%dT%H%M}Z"

        def version(found: re.Match[str]) -> str:
            return f"Model_{found[1]}{found[2]}{self._version(found[1], int(found[3]), number)}"

        def change(text: str) -> str:
            text = DUE.sub(due, RUN.sub(run, text))
            text = VERSION.sub(version, text)
            return NAME.sub(lambda found: f"Model_{model(found[1])}", text)

        return change

    def _end_of_trail(self) -> tuple[int, str]:
        store = Store(f"sqlite:///{self._file}")
        with store.read() as tx:
            last = end(tx)
        store.close()
        return last.seq, last.hash

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._file, isolation_level=None, timeout=60)


START = datetime(2026, 12, 1, 6, tzinfo=UTC)


def _thinned(message: Row) -> Row:
    """As housekeeping leaves it."""
    return {**message, "wanted": json.dumps(messages._thinned(json.loads(message["wanted"]))), "form": "thin"}


def _all(connection: sqlite3.Connection, table: str) -> list[Row]:
    cursor = connection.execute(f"SELECT * FROM {table}")  # noqa: S608  constants
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _insert(connection: sqlite3.Connection, table: str, rows: list[Row]) -> None:
    if rows:
        names = ", ".join(f'"{name}"' for name in rows[0])
        places = ", ".join("?" * len(rows[0]))
        unless = (
            " OR IGNORE" if table in OF_DIGESTS else ""
        )  # one of a lived span may have been due at that time
        wish = f"INSERT{unless} INTO {table} ({names}) VALUES ({places})"
        connection.executemany(wish, [tuple(row.values()) for row in rows])


def _moment(written: str) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=UTC)


def _written(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S.%f")
