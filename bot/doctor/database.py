"""The database: whether it is there, how new it is, who uses it, and whether its audit trail is whole."""

import os
from collections.abc import Iterable

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from bot.doctor.finding import Check, Service, Verdict, ok, problem, skipped, warning
from storage import audit, inspection, migrate
from storage.claim import file_of

TITLE = "Database"
AUDIT_ROWS = 2000


class DatabaseCheckup:
    def __init__(self, url: str) -> None:
        self._url = url
        self._revision: str | None = None

    def service(self) -> Service:
        return Service("database", TITLE, list(self._checks()), explain)

    def _checks(self) -> Iterable[Check]:
        yield Check("reachable", "Reachable", self._reachable)
        yield Check("schema", "Schema", self._schema, "reachable")
        yield Check("in-use", "In use", self._in_use, "reachable")
        yield Check("audit", "Audit trail", self._audit, "schema")

    def _reachable(self) -> Verdict:
        file = file_of(self._url)
        if file and not file.exists():
            folder = file.resolve().parent
            if not os.access(folder, os.W_OK):
                return problem(
                    f"{file} is not there, and cannot be made.",
                    f"Make {folder}, and let Spotter write there.",
                )
            return ok(f"{file} is not there yet; `spotter run` makes it.")
        with inspection.looking(self._url) as tx:
            self._revision = migrate.stored(tx)
        if file and not os.access(file, os.W_OK):
            return problem(f"{file} may not be written.", "Let the user that Spotter runs as write it.")
        return ok(f"{make_url(self._url).render_as_string()} answers.")

    def _schema(self) -> Verdict:
        newest = migrate.newest()
        if self._revision is None:
            return ok(f"Empty; `spotter run` brings it to revision {newest}.")
        if self._revision > newest:
            return problem(
                f"Revision {self._revision} was made by a newer Spotter than this one, which knows {newest}.",
                "Install that Spotter again, or restore the backup from before.",
            )
        if self._revision < newest:
            return warning(
                f"Revision {self._revision}; this Spotter needs {newest}.",
                "`spotter run` migrates it at its next start. Make a backup first.",
            )
        return ok(f"Revision {self._revision}, the newest.")

    def _in_use(self) -> Verdict:
        file = file_of(self._url)
        if file and not file.exists():
            return ok("By nobody.")
        with inspection.looking(self._url) as tx:
            return ok(
                "A Spotter is running on it." if inspection.is_in_use(self._url, tx) else "By nobody now."
            )

    def _audit(self) -> Verdict:
        if self._revision is None:
            return skipped("There is none yet.")
        with inspection.looking(self._url) as tx:
            broken = audit.verify(tx, newest=AUDIT_ROWS)
        if broken:
            return problem(
                f"Broken at row {broken.seq}: {broken.reason}.",
                "Somebody changed the database by hand. Compare it with a backup: `spotter audit verify`.",
            )
        return ok(f"The newest {AUDIT_ROWS} rows fit; `spotter audit verify` looks at all of them.")


def explain(fault: Exception) -> Verdict | None:
    if isinstance(fault, ModuleNotFoundError) and fault.name == "psycopg":
        return problem("The driver psycopg is not installed.", "Install Spotter with its extra `postgres`.")
    if isinstance(fault, ArgumentError | NoSuchModuleError | ModuleNotFoundError):
        return problem(
            "DATABASE_URL is not the address of a database that Spotter can use.",
            "Such as sqlite:///spotter.db or postgresql://spotter@host/spotter.",
        )
    if isinstance(fault, ModuleNotFoundError):
        return problem(
            f"The driver {fault.name} is not installed.", "Install Spotter with its extra `postgres`."
        )
    if isinstance(fault, DBAPIError):
        why = " ".join(str(fault.orig).split())
        return problem(
            f"The database does not answer: {why}", "Check DATABASE_URL, and that the server runs."
        )
    if isinstance(fault, SQLAlchemyError):
        return problem(f"The database cannot be read: {fault}", "Check DATABASE_URL.")
    return None
