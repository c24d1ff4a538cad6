"""Ack: how long Slack waits for an acknowledgement, beside a bare Bolt app (process_before_response, lazy) on the same
transport, in turns; alone, 32 at once, while Azure or Azure DevOps hang, and while another process holds the database
for writing: reads go on then, and whoever must commit first says after two seconds that it could not. The form that
commits first sets a digest for oneself, about which Slack need not be asked.
"""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.environment import bot_environment
from sandbox.faults import Fault, Faults
from sandbox.slack.link import Kind
from sandbox.world import World
from tests.bench.contestants import TRAINER, Contestant, Loop, wait
from tests.bench.table import Row, figure, p50, p99

BAR, BAR_HUNG, BAR_SLACK = 1.2, 1000.0, 3000.0
ROUNDS, ROUNDS_QUICK, WARM = 200, 30, 10
AT_ONCE, VOLLEYS, VOLLEYS_QUICK = 32, 12, 3
QUIET = 0.02  # so that what one does after its ack does not meet the other's
BARE = "bare Bolt"
WRITING = "another process holds the database for writing"
TYPED = "Cap_Mode"
POLICY = Path(__file__).with_name("spotter.toml")
Payload = Callable[[Contestant, int], dict[str, Any]]


@dataclass(frozen=True)
class Act:
    """Something that a person does. `opens`: timed until its form is opened, not until the ack. `undo` makes Spotter's
    database as it was, outside of what is timed."""

    what: str
    kind: Kind
    payload: Payload
    opens: bool = False
    undo: Callable[[Path], None] | None = None


ACTS = (
    Act("command", "slash_commands", lambda bot, _: bot.command("/runs")),
    Act("command that opens a form", "slash_commands", lambda bot, _: bot.command("/train")),
    Act("the form is there", "slash_commands", lambda bot, _: bot.command("/train"), opens=True),
    Act("type-ahead", "interactive", lambda bot, number: bot.type_ahead("models:name", TYPED[: number % 9])),
    Act("form submitted", "interactive", lambda bot, _: bot.submission("models", {"name": "Cap_Model"})),
    Act("button", "interactive", lambda bot, _: bot.button("runs.details", "none")),
    Act("button that commits first", "interactive", lambda bot, number: _committing(bot, number)),
)
# beside a bare Bolt app that commits one row to a database of the same kind
BOTH_COMMIT = (
    Act(
        "button, where both commit first",
        "interactive",
        lambda bot, number: bot.button("clicks.commit", "") if bot.name == BARE else _committing(bot, number),
    ),
    Act(
        "form submitted, where both commit first",
        "interactive",
        lambda bot, number: _setting(bot, number),
        undo=lambda database: _no_digest_was_set(database),
    ),
)


def _committing(bot: Contestant, number: int) -> dict[str, Any]:
    return bot.button(f"digest.{'pause' if number % 2 else 'resume'}", "policy-bench")


def _setting(bot: Contestant, number: int) -> dict[str, Any]:
    if bot.name == BARE:
        return bot.submission("clicks.commit", {})
    when = f"{number % 60} {number // 60 % 24} 1 1 *"  # no two at the same times
    return bot.submission("digest.setting", {"when": when, "zone": "UTC", "quiet": "no"}, channel=TRAINER)


def _no_digest_was_set(database: Path) -> None:
    with closing(sqlite3.connect(database, isolation_level=None, timeout=30)) as connection:
        set_ = connection.execute("DELETE FROM digests WHERE created_by = ?", (TRAINER,)).rowcount
    if not set_:
        raise RuntimeError("no digest was set by the form")


def measure(*, quick: bool) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        world = World(Path(folder), lines={})
        world.start()
        stack.callback(world.stop)
        settings = bot_environment(world, Path(folder), POLICY)
        yield _disk(Path(folder))
        loop = Loop()
        stack.callback(loop.close)
        for over_http in (False, True):
            with pair(settings, Path(folder), loop, over_http=over_http) as (spotter, bare):
                yield from _of(
                    "HTTP" if over_http else "Socket Mode", spotter, bare, loop, world, quick=quick
                )


@contextmanager
def pair(
    settings: dict[str, str], folder: Path, loop: Loop, *, over_http: bool
) -> Iterator[tuple[Contestant, Contestant]]:
    """Spotter and the bare Bolt app, started."""
    spotter = Contestant("Spotter", "bot.cli run", settings, folder, loop, over_http=over_http)
    bare = Contestant(BARE, "tests.bench.bare_bolt", settings, folder, loop, over_http=over_http)
    try:
        for bot in (spotter, bare):
            bot.start()
        yield spotter, bare
    finally:
        spotter.close()
        bare.close()


def _of(
    transport: str, spotter: Contestant, bare: Contestant, loop: Loop, world: World, *, quick: bool
) -> Iterator[Row]:
    wait(lambda: _has_first_digest(spotter), "the first digest is set")
    for act in (*ACTS, *BOTH_COMMIT):
        ours, theirs = loop.do(_in_turns(act, spotter, bare, ROUNDS_QUICK if quick else ROUNDS))
        yield compared(f"{transport}: {act.what}", ours, theirs, bar=None if act.opens else BAR)
    for act in (*ACTS, *BOTH_COMMIT):
        if not act.opens:
            ours, theirs = loop.do(_volleys(act, spotter, bare, VOLLEYS_QUICK if quick else VOLLEYS))
            yield compared(f"{transport}, {AT_ONCE} at once: {act.what}", ours, theirs)
    rounds = ROUNDS_QUICK if quick else ROUNDS // 4
    for name, faults in (("Azure", world.azure_faults), ("Azure DevOps", world.devops_faults)):
        with _hung(faults):
            took = {act.what: loop.do(_alone(act, spotter, rounds)) for act in ACTS}
        yield _slowest(f"{transport}, {name} hangs", took)
    with _locked(spotter.database):
        took = {act.what: loop.do(_alone(act, spotter, rounds)) for act in ACTS[:-1]}
        late = {act.what: loop.do(_alone(act, spotter, rounds)) for act in (ACTS[-1], BOTH_COMMIT[-1])}
    for what, times in late.items():
        yield _while_hung(f"{transport}, {WRITING}: {what.partition(',')[0]}", times, BAR_SLACK)
    yield _slowest(f"{transport}, {WRITING}", took)


def _disk(folder: Path) -> Row:
    """What whoever commits before the acknowledgement waits for, whatever else they do."""
    took = []
    with closing(sqlite3.connect(folder / "disk.db", isolation_level=None)) as connection:
        for statement in (
            "PRAGMA journal_mode=WAL",
            "PRAGMA synchronous=FULL",
            "CREATE TABLE clicks (at REAL)",
        ):
            connection.execute(statement)
        for _ in range(ROUNDS):
            began = time.perf_counter()
            connection.execute("INSERT INTO clicks VALUES (?)", (began,))
            took.append((time.perf_counter() - began) * 1000)
    return Row("this disk: one row committed", f"p50 {figure(p50(took))}, p99 {figure(p99(took))} ms")


def compared(what: str, ours: list[float], theirs: list[float], bar: float | None = BAR) -> Row:
    ratio = p50(ours) / p50(theirs)
    told = (
        f"{figure(p50(ours))} ms, {ratio:.2f}× of {figure(p50(theirs))};"
        f" p99 {figure(p99(ours))}, {figure(p99(theirs))}"
    )
    return Row(what, told, f"p50 ≤ {bar}×", ratio <= bar) if bar else Row(what, told)


def _slowest(when: str, took: dict[str, list[float]]) -> Row:
    what = max(took, key=lambda each: p99(took[each]))
    return _while_hung(f"{when}: slowest, {what}", took[what], BAR_HUNG)


def _while_hung(what: str, ours: list[float], bar: float) -> Row:
    told = f"p50 {figure(p50(ours))}, p99 {figure(p99(ours))} ms"
    return Row(what, told, f"p99 ≤ {figure(bar)} ms", p99(ours) <= bar)


async def _in_turns(
    act: Act, spotter: Contestant, bare: Contestant, rounds: int
) -> tuple[list[float], list[float]]:
    """Milliseconds of both."""
    took: tuple[list[float], list[float]] = [], []
    for number in range(rounds + WARM):
        for bot, times in zip((spotter, bare), took, strict=True):
            times.append(await _timed(act, bot, number))
            _undone(act, bot)
            await asyncio.sleep(QUIET)
    return took[0][WARM:], took[1][WARM:]


async def _volleys(
    act: Act, spotter: Contestant, bare: Contestant, volleys: int
) -> tuple[list[float], list[float]]:
    took: tuple[list[float], list[float]] = [], []
    for volley in range(volleys + 1):
        for bot, times in zip((spotter, bare), took, strict=True):
            many = await asyncio.gather(*(_timed(act, bot, volley * AT_ONCE + n) for n in range(AT_ONCE)))
            times += many if volley else []
            _undone(act, bot)
            await asyncio.sleep(QUIET * AT_ONCE)
    return took


def _undone(act: Act, bot: Contestant) -> None:
    if act.undo and bot.name != BARE:
        act.undo(bot.database)


async def _alone(act: Act, spotter: Contestant, rounds: int) -> list[float]:
    took = []
    for number in range(rounds):
        took.append(await _timed(act, spotter, number))
        await asyncio.sleep(QUIET)
    return took


async def _timed(act: Act, bot: Contestant, number: int) -> float:
    payload = act.payload(bot, number)
    began = time.perf_counter()
    answer = await bot.ask(act.kind, payload)
    if answer.outcome != "acked":
        raise RuntimeError(f"{bot.name} did not acknowledge: {act.what}, {answer.outcome} {answer.reason}")
    while act.opens and not bot.opened(payload):  # noqa: ASYNC110  the twin has no event for it
        await asyncio.sleep(0.0005)
    return (time.perf_counter() - began) * 1000


def _has_first_digest(spotter: Contestant) -> bool:
    with closing(sqlite3.connect(spotter.database)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'digests'").fetchone():
            return False  # it acknowledges before its store is made
        return bool(connection.execute("SELECT count(*) FROM digests").fetchone()[0])


@contextmanager
def _hung(faults: Faults) -> Iterator[None]:
    """Every request that comes in is held."""
    fault = faults.arm(Fault("*", "", "hang_before", times=1_000_000))
    wait(fault.reached.is_set, "a request hangs")
    try:
        yield
    finally:
        faults.disarm(fault)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Nobody else may write; whoever only reads is not kept waiting."""
    with closing(sqlite3.connect(file, isolation_level=None, timeout=30)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")
