"""Store: what people and followers ask of a database that holds many years, on SQLite and on PostgreSQL. Handlers are
called as a click calls them; what they wait for Slack is not counted. CPU is that of the handler, in which SQLite works
too: where the time is much more, the machine had other work, or PostgreSQL and the disk took it. Of messages older than
a month only a digest is there, as housekeeping leaves it. What was measured of a version, some 33 kB, is there of the
last month and of what devices run: with that of all versions a run takes so much more. PostgreSQL keeps long texts
compressed, to a fifth and less, SQLite as they are: hence their sizes. Housekeeping is that of a day, in a write of its
own for each part.
"""

import asyncio
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from slack_sdk import WebClient
from slack_sdk.web import SlackResponse
from sqlalchemy import create_engine, event, func, select, text

from commands import rooms
from commands.kit.clock import Clock
from commands.kit.manifest import manifest
from commands.kit.services import Services
from commands.spotter.housekeeping import let_go_of_what_is_old
from sandbox.slack.twin import SlackTwin
from storage import migrate
from storage.database import Store
from storage.tables import WHOLE, deliveries
from storage.tables import messages as told
from tests.bench.plenty import Size, fill
from tests.bench.questions import clicks, questions, serve
from tests.bench.table import Row, at_most, figure, p50, p95
from tests.postgresql import EMPTY, Cluster, programs, start

BAR = 50.0
ROUNDS, MOST_SECONDS = 100, 10.0
RUNS, RUNS_QUICK = 1_000_000, 20_000


def measure(*, quick: bool) -> Iterator[Row]:
    size = Size(RUNS_QUICK if quick else RUNS)
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as folder, _slack() as slack:
        yield from _of("SQLite", f"sqlite:///{folder}/spotter.db", size, slack)
    if programs() is None:
        click.echo("no PostgreSQL on this machine: skipped", err=True)
        return
    cluster = Cluster(start(os.getpid()))
    _as_deployed(cluster)
    with _slack() as slack:
        yield from _of("PostgreSQL", cluster.new_database(EMPTY), size, slack)


@contextmanager
def _slack() -> Iterator[SlackTwin]:
    """For who must be asked at a click: whether a person may."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="slack", daemon=True)
    thread.start()
    twin = SlackTwin(manifest=manifest(rooms.ALL), rate_limits=False)
    asyncio.run_coroutine_threadsafe(twin.start(), loop).result(10)
    yield twin
    asyncio.run_coroutine_threadsafe(twin.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(timeout=10)


def _as_deployed(cluster: Cluster) -> None:
    """What the cluster of the tests is spared: commits that outlive a power cut, and some memory."""
    engine = create_engine(cluster.url("postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for setting in (
            "fsync = on",
            "synchronous_commit = on",
            "full_page_writes = on",
            "max_wal_size = '4GB'",
        ):
            connection.execute(text(f"ALTER SYSTEM SET {setting}"))
        connection.execute(text("SELECT pg_reload_conf()"))
    engine.dispose()


def _of(name: str, url: str, size: Size, slack: SlackTwin) -> Iterator[Row]:
    store = Store(url)
    migrate.upgrade(store)
    now = datetime.now(UTC)
    began = time.perf_counter()
    fill(store, size, now, lambda told: click.echo(f"    {name}: {told}", err=True))
    took = time.perf_counter() - began
    yield Row(f"{name}: {size.runs:,} runs, {size.audit:,} audit rows", f"written in {took:.0f} s")
    services = serve(store, _Slack(slack.env()["SLACK_BOT_TOKEN"], base_url=slack.env()["SLACK_API_URL"]))
    for what, ask in questions(services):
        yield _timed(f"{name}: {what}", ask)
    yield _timed(f"{name}: approval click", *clicks(services))
    whole = _bytes(store)
    yield Row(f"{name}: size", f"{whole / 1e9:.2f} GB, {whole / size.runs / 1000:.1f} kB a run")
    yield _housekeeping(name, services)
    yield _vacuum(name, store)
    store.close()


class _Slack(WebClient):
    """Knows how long it was waited for."""

    waited = 0.0

    def api_call(self, api_method: str, **about: Any) -> SlackResponse:
        began = time.perf_counter()
        try:
            return super().api_call(api_method, **about)
        finally:
            _Slack.waited += time.perf_counter() - began


def _timed(what: str, ask: Callable[[], object], before: Callable[[], object] = lambda: None) -> Row:
    """In milliseconds, a hundred times or as often as ten seconds allow; the first time counts too. On an idle machine
    the time and its own CPU are close; PostgreSQL's is its server's."""
    took: list[float] = []
    worked: list[float] = []
    began = time.perf_counter()
    while len(took) < ROUNDS and (len(took) < 3 or time.perf_counter() - began < MOST_SECONDS):
        before()
        then, cpu, _Slack.waited = time.perf_counter(), time.thread_time(), 0.0
        ask()
        took.append((time.perf_counter() - then - _Slack.waited) * 1000)
        worked.append((time.thread_time() - cpu) * 1000)
    slow = p95(took)
    told = f"p50 {figure(p50(took))}, p95 {figure(slow)} ms, CPU {figure(p50(worked))} ms"
    return at_most(what, slow, BAR, "ms", told=told)


class _Tomorrow(Clock):
    def now(self) -> datetime:
        return super().now() + timedelta(days=1)


def _housekeeping(name: str, services: Services) -> Row:
    """What a day has made old. In truth it is done every hour, so that each time there is less."""
    writes: list[float] = []
    began = 0.0

    def begins(_connection: object) -> None:
        nonlocal began
        began = time.perf_counter()

    def ends(_connection: object) -> None:
        writes.append((time.perf_counter() - began) * 1000)

    before = _transient(services.store)
    event.listen(services.store.engine, "begin", begins)
    event.listen(services.store.engine, "commit", ends)
    cpu = time.thread_time()
    let_go_of_what_is_old(replace(services, clock=_Tomorrow()))
    cpu = (time.thread_time() - cpu) * 1000
    event.remove(services.store.engine, "begin", begins)
    event.remove(services.store.engine, "commit", ends)
    thinned, forgotten = (then - now for then, now in zip(before, _transient(services.store), strict=True))
    return Row(
        f"{name}: housekeeping, {thinned:,} messages and {forgotten:,} deliveries",
        f"{figure(sum(writes))} ms, CPU {figure(cpu)}; longest write {figure(max(writes))} ms",
    )


def _transient(store: Store) -> tuple[int, int]:
    """Messages with all their content, and deliveries."""
    with store.read() as tx:
        whole = tx.execute(select(func.count()).select_from(told).where(WHOLE)).scalar_one()
        return whole, tx.execute(select(func.count()).select_from(deliveries)).scalar_one()


def _vacuum(name: str, store: Store) -> Row:
    """By hand for SQLite, with Spotter stopped; PostgreSQL's autovacuum does so by itself."""
    before = _bytes(store)
    store.engine.dispose()
    engine = create_engine(store.url, isolation_level="AUTOCOMMIT")
    began = time.perf_counter()
    with engine.connect() as connection:
        connection.execute(text("VACUUM"))
    took = time.perf_counter() - began
    engine.dispose()
    return Row(f"{name}: VACUUM", f"{figure(took)} s, {(before - _bytes(store)) / 1e6:,.0f} MB given back")


def _bytes(store: Store) -> int:
    with store.read() as tx:
        if store.is_shared:
            return int(tx.execute(select(func.pg_database_size(func.current_database()))).scalar_one())
        pages = tx.execute(text("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"))
        return int(pages.scalar_one())
