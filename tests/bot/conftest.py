"""A Slack twin, a store and a clock that can be moved on: what the parts of the bot need around them."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from slack_sdk import WebClient

from bot.courier import Courier
from bot.watchdog import Watchdog
from commands import rooms
from commands.kit.clock import Clock
from commands.kit.health import Health
from commands.kit.manifest import manifest
from commands.kit.people import Directory
from commands.kit.policy import Policy
from commands.kit.services import Services
from infra.azureml.connection import WorkspaceId
from infra.azureml.workspace import Workspace
from sandbox.people import People
from sandbox.slack.twin import SlackTwin
from storage import messages, migrate
from storage.database import Store
from storage.leases import Lease
from storage.messages import WantedMessage

LINE = "C0LINEVIS1"


class MovedClock(Clock):
    """The time, and as much later as the test has moved it."""

    def __init__(self) -> None:
        self._later = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._later

    def forward(self, seconds: float) -> None:
        self._later += timedelta(seconds=seconds)


@dataclass
class Desk:
    """A courier's surroundings; `courier` is replaced by `crash`."""

    slack: SlackTwin
    store: Store
    clock: MovedClock
    health: Health
    client: WebClient
    people: People
    courier: Courier

    def crash(self) -> None:
        """What the courier had in memory is gone."""
        self.courier = Courier(self.store, self.client, self.clock, self.health, held(self.store), Watchdog())

    def want(self, key: str, text: str, **about: object) -> None:
        block = {"type": "section", "text": {"type": "mrkdwn", "text": text}}
        with self.store.write() as tx:
            messages.want(
                tx,
                key,
                **{  # type: ignore[arg-type]  # defaults that a test overrides by name
                    "channel": LINE,
                    "content": {"text": text, "blocks": [block]},
                    "at": self.clock.now(),
                    "urgency": messages.RESULT,
                    **about,
                },
            )

    def round(self, rounds: int = 1) -> None:
        """Rounds of the courier with a minute between them, so that everything is due again."""
        for _ in range(rounds):
            self.courier.deliver()
            self.clock.forward(61)

    def state(self, key: str) -> WantedMessage:
        with self.store.read() as tx:
            found = messages.get(tx, key)
        assert found is not None
        return found

    def said(self, channel: str = LINE) -> list[str]:
        viewer = self.people["trainer"]
        return [message.text for message in viewer.messages(channel)]


def held(store: Store) -> Lease:
    lease = Lease(store, "here", 15)
    assert lease.hold()
    return lease


@pytest.fixture
def services(desk: Desk) -> Services:
    """What followers are handed; Azure is nowhere."""
    policy = Policy()
    return Services(
        store=desk.store,
        policy=policy,
        clock=desk.clock,
        people=Directory(desk.client, policy.roles, desk.clock),
        health=desk.health,
        azure=Workspace.connect(WorkspaceId("subscription", "group", "workspace")),
        devops=None,
        hub=None,
        wake=lambda _name: None,
        commands=(),
    )


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="slack", daemon=True)
    thread.start()
    clock = MovedClock()
    twin = SlackTwin(manifest=manifest(rooms.ALL), clock=lambda: clock.now().timestamp(), rate_limits=False)
    asyncio.run_coroutine_threadsafe(twin.start(), loop).result(60)
    store = Store(f"sqlite:///{tmp_path / 'spotter.db'}")
    migrate.upgrade(store)
    client = WebClient(
        twin.env()["SLACK_BOT_TOKEN"], base_url=twin.env()["SLACK_API_URL"], timeout=5, retry_handlers=[]
    )
    health = Health(clock)
    people = People(twin.url, patience=5)
    courier = Courier(store, client, clock, health, held(store), Watchdog())
    yield Desk(twin, store, clock, health, client, people, courier)
    people.close()
    store.close()
    asyncio.run_coroutine_threadsafe(twin.stop(), loop).result(60)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(timeout=60)
