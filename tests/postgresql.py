"""A PostgreSQL of the suite's own: one cluster for all workers, a database for each test.

`python -m tests.postgresql FOLDER PID` is its keeper, which runs it until process PID has ended, and removes it then.
"""

import fcntl
import os
import pwd
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from storage import migrate
from storage.database import Store

USER = "spotter"
EMPTY, NEWEST = "template0", "newest"
STARTS_WITHIN = 120.0
# Nothing in it has to outlive a power cut of the machine.
SETTINGS = """
listen_addresses = ''
max_connections = 300
shared_buffers = 32MB
fsync = off
full_page_writes = off
synchronous_commit = off
wal_level = minimal
max_wal_senders = 0
max_wal_size = 256MB
autovacuum = off
"""


def programs() -> Path | None:
    """Where PostgreSQL's programs are: Debian keeps them off the PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda file: int(file.parts[4]))
    elsewhere = shutil.which("initdb")
    if elsewhere:
        return Path(elsewhere).parent
    return debian[-1].parent if debian else None


class Cluster:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://{USER}@/{database}?host={self.folder}"

    def new_database(self, template: str = NEWEST) -> str:
        """The URL of a new database with the newest tables, or those of another template."""
        name = f"d{uuid.uuid4().hex[:12]}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def make_template(self) -> None:
        self._run(f"CREATE DATABASE {NEWEST} TEMPLATE {EMPTY}")
        store = Store(self.url(NEWEST))
        migrate.upgrade(store)
        store.close()

    def has_started(self) -> bool:
        return (self.folder / ".s.PGSQL.5432").exists() and self._answers()

    def _answers(self) -> bool:
        try:
            self._run("SELECT 1")
        except OperationalError:
            return False
        return True

    def _run(self, statement: str) -> None:
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Cluster:
    """Made by the worker that needs it first. Ends with the process that runs the suite."""
    if programs() is None or sys.platform != "linux":
        pytest.skip("no PostgreSQL on this machine: what several replicas do is not tested")
    root = tmp_path_factory.getbasetemp()
    shared, suite = (root, os.getpid()) if worker_id == "master" else (root.parent, os.getppid())
    made = shared / "postgresql"
    with (shared / "postgresql.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not made.exists():
            made.write_text(str(start(suite)))
    return Cluster(Path(made.read_text()))


@pytest.fixture
def new_database(cluster: Cluster) -> Callable[[], str]:
    """Makes a database with the newest tables, and returns its URL."""
    return cluster.new_database


def start(suite: int) -> Path:
    """The folder of a new cluster, which ends with that process."""
    folder = Path(tempfile.mkdtemp(prefix="spotter-postgresql-", dir="/tmp"))  # a socket's path must be short
    with (folder.parent / f"{folder.name}.log").open("wb") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.postgresql", str(folder), str(suite)],
            cwd=Path(__file__).parents[1],
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    cluster, deadline = Cluster(folder), time.monotonic() + STARTS_WITHIN
    while not cluster.has_started():
        assert keeper.poll() is None and time.monotonic() < deadline, Path(log.name).read_text()
        time.sleep(0.05)
    cluster.make_template()
    return folder


def keep(folder: Path, suite: int) -> None:
    """Runs PostgreSQL in the folder, as a user without privileges, as long as that process lives."""
    bin_ = programs()
    assert bin_ is not None
    watched = os.pidfd_open(suite)
    as_user = _unprivileged(folder)
    data = folder / "data"
    how = ["-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    subprocess.run([*as_user, bin_ / "initdb", "-D", data, *how], check=True, cwd=folder)
    with (data / "postgresql.conf").open("a") as settings:
        settings.write(f"{SETTINGS}unix_socket_directories = '{folder}'\n")
    server = subprocess.Popen([*as_user, bin_ / "postgres", "-D", data], cwd=folder)
    ended = os.pidfd_open(server.pid)
    select.select([watched, ended], [], [])
    server.send_signal(signal.SIGQUIT)
    server.wait()
    shutil.rmtree(folder)
    (folder.parent / f"{folder.name}.log").unlink()


def _unprivileged(folder: Path) -> list[str]:
    """PostgreSQL refuses to be run by root."""
    if os.geteuid() != 0:
        return []
    names = {each.pw_name for each in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


if __name__ == "__main__":
    keep(Path(sys.argv[1]), int(sys.argv[2]))
