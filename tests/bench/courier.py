"""Courier: a thousand messages wanted at once over 20 channels, and each wanted anew while it waits, in a Slack that
keeps to its limits.
"""

import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from slack_sdk import WebClient

from bot.courier import Courier
from bot.watchdog import Watchdog
from commands import rooms
from commands.kit.clock import Clock
from commands.kit.health import Health
from commands.kit.manifest import manifest
from sandbox.faults import Logged
from sandbox.slack.twin import SlackTwin
from sandbox.slack.workspace import BOT_USER, Channel
from storage import messages, migrate
from storage.database import Store
from storage.leases import Lease
from tests.bench.contestants import Loop, wait
from tests.bench.table import Row, at_most, figure

MESSAGES, MESSAGES_QUICK, CHANNELS = 1000, 200, 20
URGENT = 5  # of a channel's messages, the last ones to be wanted
A_POST = 1.1  # seconds, of one channel
PATIENCE = 600.0


def measure(*, quick: bool) -> Iterator[Row]:
    count = MESSAGES_QUICK if quick else MESSAGES
    loop = Loop()
    twin = SlackTwin(manifest=manifest(rooms.ALL))
    loop.do(twin.start())
    channels = [f"C0BENCH{number:03}" for number in range(CHANNELS)]
    for name in channels:
        twin._slack.workspace.channels[name] = Channel(name, name.lower(), members=["U0TRAINER1", BOT_USER])
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/spotter.db")
        migrate.upgrade(store)
        yield from _delivered(store, twin, channels, count)
        store.close()
    loop.do(twin.stop())
    loop.close()


def _delivered(store: Store, twin: SlackTwin, channels: list[str], count: int) -> Iterator[Row]:
    clock = Clock()
    slack = twin.env()
    client = WebClient(slack["SLACK_BOT_TOKEN"], base_url=slack["SLACK_API_URL"], retry_handlers=[])
    lease = Lease(store, "bench", 15)
    lease.hold()
    courier = Courier(store, client, clock, Health(clock), lease, Watchdog())
    each = count // len(channels)
    keys = [f"{channel}:{number}" for channel in channels for number in range(each)]
    _want(store, keys, each, clock.now(), "first")
    began = time.monotonic()
    courier.start()
    _want(store, keys, each, clock.now(), "second")
    _want(store, keys, each, clock.now(), "third")
    try:
        wait(lambda: _open(store) == 0, "everything is shown", PATIENCE)
        took = time.monotonic() - began
    finally:
        courier.stop()
    sent = twin.faults.log("POST", "chat.(postMessage|update)")
    posts = [entry for entry in sent if "postMessage" in entry.path]
    told = f"{figure(took)} s, {each} a channel; at Slack's pace {figure(each * A_POST)} s"
    yield Row(f"{count:,} messages over {len(channels)} channels, all shown", told)
    yield at_most("answers 429", _refused(sent), 0, "")
    yield at_most("posts beyond one for each message", len(posts) - count, 0, "")
    yield at_most("updates, of two wishes more for each", len(sent) - len(posts), count, "")
    yield _urgent_first(posts, each)


def _want(store: Store, keys: list[str], each: int, at: datetime, text: str) -> None:
    with store.write() as tx:
        for key in keys:
            channel, _, number = key.partition(":")
            urgent = int(number) >= each - URGENT
            messages.want(
                tx, key, channel=channel, content={"text": f"{key} {text}", "blocks": []}, at=at,
                urgency=messages.DECISION if urgent else messages.PROGRESS,
            )  # fmt: skip


def _open(store: Store) -> int:
    with store.read() as tx:
        return len(messages.due(tx, datetime.max.replace(tzinfo=Clock().now().tzinfo)))


def _refused(sent: list[Logged]) -> int:
    return sum(entry.status == 429 for entry in sent)


def _urgent_first(posts: list[Logged], each: int) -> Row:
    """Of each channel's first posts, which were urgent; the very first may be any, for it was wanted alone."""
    seen: Counter[str] = Counter()
    late = 0
    for entry in posts:
        channel, number = _key(entry)
        seen[channel] += 1
        late += number >= each - URGENT and seen[channel] > URGENT + 1
    return at_most("urgent messages after others of their channel", late, 0, "")


def _key(entry: Logged) -> tuple[str, int]:
    channel, _, number = json.loads(entry.body)["text"].split()[0].partition(":")
    return channel, int(number)
