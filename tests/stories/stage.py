"""The stage of a story: a world of twins, the real bot as a process beside it, and people."""

import json
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sandbox.people import People, Person, Room
from sandbox.people import steady as steady_times
from sandbox.world import World
from storage.database import Store
from tests.forks import Forked, Forks

PATIENCE = 90.0
SEEDED_EXPORTS = 6
RUN_ID = re.compile(r"\b([a-z0-9_-]+-)?\d{8}-[0-9a-f]{6}\b")
REQUEST = re.compile(r"\b(request [\w-]+-|fingerprint )[0-9a-f]{6,12}\b")
DURATION = re.compile(r"\b\d+ (?:s|min)\b")
BUILD = re.compile(r"\brun \d{8}\.(?=\d)")
EPOCH = re.compile(r"\bepoch \d+ of")
MEASURED = re.compile(r"\b[01]\.\d{3}\b|(?<=v\d )[01]\.\d{1,2}\b")
HELD_OUT = re.compile(r"(?:the(?: \d)? worst|\b\d) of (\d+) held-out pictures\.(?: \w+\.jpg: [^.]*\.)+")
LARGE = re.compile(r"\(image: \w+\.jpg: [^)]*\)(?:\s*\(image: \w+\.jpg: [^)]*\))*")
Seen = TypeVar("Seen")


def steady(text: str) -> str:
    """Run ids, times, durations, epochs and measured figures made the same in every run."""
    for pattern, instead in (
        (RUN_ID, r"\1<id>"),
        (REQUEST, r"\1<id>"),
        (DURATION, "<duration>"),
        (BUILD, "run <day>."),
        (EPOCH, "epoch <n> of"),
        (MEASURED, "0.xxx"),
        (HELD_OUT, r"some of \1 held-out pictures. <what was found>"),
        (LARGE, "(images: <what was found>)"),
    ):
        text = pattern.sub(instead, text)
    return steady_times(text)


class Bot:
    """The production bot as a process of its own."""

    def __init__(
        self, environment: dict[str, str], folder: Path, forks: Forks, *, forked: bool = True
    ) -> None:
        """Forked, which spares a second of CPU, or started as anyone starts it."""
        self.environment = environment
        self.forks = forks
        self._forked = forked
        self.log_file = folder / "spotter.log"
        self.url = f"http://127.0.0.1:{environment['PORT']}"
        self._process: subprocess.Popen[bytes] | Forked | None = None

    def start(self, *, ready: bool = True) -> None:
        folder = self.log_file.parent
        with self.log_file.open("ab") as log:
            if self._forked:
                self._process = self.forks.start(
                    "run", environment=self.environment, folder=folder, out=log, err=log
                )
            else:
                command = [sys.executable, "-m", "bot.cli", "run"]
                self._process = subprocess.Popen(
                    command, env=self.environment, cwd=folder, stdout=log, stderr=log
                )
        if ready:
            until(self.is_ready, "the bot is ready", lambda: self.log_file.read_text()[-3000:])

    def spotter(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """A command in the bot's folder with its environment, changed by these settings."""
        environment = {**self.environment, **settings}
        return self.forks.run(*arguments, environment=environment, folder=self.log_file.parent)

    def tells(self, *arguments: str, **settings: str) -> str:
        """What such a command prints, which must succeed."""
        done = self.spotter(*arguments, **settings)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def is_ready(self) -> bool:
        return self.get("/readyz")[0] == 200

    def get(self, path: str) -> tuple[int, Any]:
        """Status and JSON body; status 0 where nobody answers."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=60) as answer:  # noqa: S310  loopback only
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            return refused.code, json.load(refused)
        except OSError:
            return 0, None

    def kill(self) -> None:
        """As a power cut does: no time to clean up."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(timeout=60)

    def freeze(self) -> None:
        """As a machine does that is moved or starved: no step until it thaws."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> int:
        """As an orchestrator does: SIGTERM, then wait for the graceful end."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=90)

    def restart(self) -> None:
        self.kill()
        self.start()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def was_started(self) -> bool:
        return self._process is not None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def log(self) -> list[dict[str, Any]]:
        lines = self.log_file.read_text(errors="replace").splitlines()
        return [
            json.loads(line) if line.startswith("{") else {"level": "error", "event": line} for line in lines
        ]


class Stage:
    """Everything a story needs. `bot` is started; a story that expects errors in the log says which."""

    def __init__(self, world: World, bot: Bot, people: People) -> None:
        self.world = world
        self.bot = bot
        self.people = people
        self.expected_errors: list[str] = []

    @property
    def trainer(self) -> Person:
        return self.people["trainer"]

    @property
    def outsider(self) -> Person:
        return self.people["outsider"]

    @property
    def line(self) -> Room:
        return self.people.channel("line-vision")

    def expects(self, *errors: str) -> None:
        """These events may stand in the log as errors."""
        self.expected_errors += errors

    def jobs(self) -> list[str]:
        """Names of the training jobs that Azure has."""
        return [run.run_id for run in self.world.azure.studio.jobs()]

    def store(self) -> Store:
        """The bot's database, to look at."""
        return Store(self.bot.environment["DATABASE_URL"])

    def until(self, condition: Callable[[], Seen | None], what: str) -> Seen:
        return until(condition, what, lambda: self.line.transcript())

    def knows_the_workspace(self) -> None:
        """Wait until the bot has read the seeded workspace."""
        store = self.store()
        self.until(lambda: _has_read_the_workspace(store), "the bot knows the workspace")
        store.close()

    def knows_the_commit(self, title: str) -> None:
        """Wait until the bot has read this commit as the last one of a branch."""
        query = "SELECT count(*) FROM branches WHERE commit_title = ?"

        def has_read() -> bool:
            with self.store().read() as tx:
                return bool(tx.exec_driver_sql(query, (title,)).scalar_one())

        self.until(has_read, f"the bot knows the commit {title}")

    def has_looked_at_the_pipeline(self) -> None:
        """Wait until the bot knows which runs of the publish pipeline are no news."""

        def has_looked() -> bool:
            with self.store().read() as tx:
                marks = "SELECT count(*) FROM marks WHERE key LIKE 'publish.seen:%%'"
                return bool(tx.exec_driver_sql(marks).scalar_one())

        self.until(has_looked, "the bot has looked at the runs of the pipeline")

    def check(self) -> None:
        """No story is over well with a dead bot or an unexpected error in its log."""
        if not self.bot.was_started:
            return
        assert self.bot.alive, f"the bot died:\n{self.bot.log_file.read_text()[-4000:]}"
        errors = [line for line in self.bot.log() if line.get("level") in ("error", "critical")]
        unexpected = [line for line in errors if line.get("event") not in self.expected_errors]
        assert not unexpected, json.dumps(unexpected[:3], indent=1)


def _has_read_the_workspace(store: Store) -> bool:
    with store.read() as tx:
        exports = tx.exec_driver_sql("SELECT count(*) FROM exports WHERE present").scalar_one()
        clusters = tx.exec_driver_sql("SELECT count(*) FROM clusters").scalar_one()
        looked = tx.exec_driver_sql(
            "SELECT count(*) FROM marks WHERE key IN ('models.first_look', 'labeling.projects')"
        ).scalar_one()
    return bool(exports >= SEEDED_EXPORTS and clusters and looked == 2)


def until(condition: Callable[[], Seen | None], what: str, otherwise: Callable[[], str]) -> Seen:
    """Wait for a condition, at most PATIENCE seconds."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"never came true: {what}\n{otherwise()}")
