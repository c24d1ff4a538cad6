"""A SQLite database has one Spotter, which holds a lock on a file beside it from before it serves until it ends."""

import fcntl
import time
from pathlib import Path
from typing import TextIO
from urllib.parse import unquote

GLANCE_SECONDS = 0.5  # somebody may only be looking whether the database is in use


class StoreInUse(Exception):
    """Another process holds this database, and must be the only one."""


def file_of(url: str) -> Path | None:
    """The file of a SQLite database, None for any other. Said without SQLAlchemy, which takes long to import, and as
    it reads an address: what is no address at all is told by who connects."""
    scheme, _, rest = url.partition("://")
    path = unquote(rest.partition("?")[0].partition("/")[2])
    return Path(path) if scheme.partition("+")[0] == "sqlite" and path else None


def take(file: Path) -> TextIO:
    """The lock, held until it is closed. Raises StoreInUse."""
    lock = lock_of(file).open("w")
    patience = time.monotonic() + GLANCE_SECONDS
    while not locked(lock, fcntl.LOCK_EX):
        if time.monotonic() > patience:
            lock.close()
            raise StoreInUse(f"Another Spotter is using {file}. Stop it first.")
        time.sleep(GLANCE_SECONDS / 5)
    return lock


def lock_of(file: Path) -> Path:
    """The file that a Spotter holds while it uses a SQLite database."""
    return file.with_name(file.name + ".lock")


def locked(lock: TextIO, kind: int) -> bool:
    """Takes a lock of fcntl's, if that can be done at once."""
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
