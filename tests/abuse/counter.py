"""The bot without its workers: Slack's deliveries go in by hand, and all that leaves is seen."""

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from slack_bolt import App, BoltRequest
from slack_sdk import WebClient

from bot.after_ack import AfterAck
from bot.dispatch import Dispatch
from bot.watchdog import Watchdog
from commands import rooms
from commands.kit.command import PEOPLE as SOMEBODY
from commands.kit.people import Directory
from commands.kit.policy import Policy
from commands.kit.services import Services
from infra.devops.connection import Place
from infra.devops.project import Project
from infra.iothub.hub import Hub
from sandbox.slack.twin import SlackTwin
from sandbox.slack.workspace import Person
from storage.tables import metadata
from tests.abuse.plant import WORD

HOME, SIGNING_SECRET = "T0FACTORY1", "a signing secret"
KEPT = [table.name for table in metadata.sorted_tables if table.name != "deliveries"]
"""That an event came is written down whoever sent it."""


class Here(Executor):
    """Does what it is given at once, in this thread."""

    def submit(self, work: Callable[..., Any], /, *args: Any, **options: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(work(*args, **options))
        return done


@dataclass
class Seen:
    """What came of one delivery. `told` is every text that left; `calls` are the Web API's methods."""

    status: int
    told: str
    calls: list[str]
    changed: set[str]
    audited: list[str]
    woken: list[str]

    def words(self) -> set[str]:
        return {word.lower() for word in re.findall(WORD, self.told, re.IGNORECASE)}


@dataclass(repr=False)
class Counter:
    """`policy` may be changed between deliveries."""

    services: Services
    twin: SlackTwin
    client: WebClient
    file: Path
    woken: list[str] = field(default_factory=list)
    number: int = 0

    def open(self, policy: Policy) -> None:
        people = Directory(self.client, policy.roles, self.services.clock)
        self.services = replace(
            self.services,
            policy=policy,
            people=people,
            devops=Project.connect(Place("https://devops.test/org", "Line")),
            hub=Hub.connect("hub.test"),
            commands=rooms.ALL,
            wake=self._wake,
        )
        self.bolt = App(
            client=self.client,
            process_before_response=True,
            token_verification_enabled=False,
            signing_secret=SIGNING_SECRET,
        )
        Dispatch(rooms.ALL, self.services, self.client).attach(self.bolt)
        self.after = AfterAck(Here(), Watchdog())
        self.eyes = sqlite3.connect(self.file, isolation_level=None)
        self.pristine = sqlite3.connect(":memory:")
        self.eyes.execute("PRAGMA synchronous=OFF")
        self.eyes.backup(self.pristine)

    def _wake(self, name: str) -> None:
        """That anybody is there at all only lets Spotter look around more often."""
        if name != SOMEBODY:
            self.woken.append(name)

    def deliver(self, body: dict[str, Any]) -> Seen:
        """As Socket Mode does."""
        return self.take(BoltRequest(body=body, mode="socket_mode"))

    def take(self, request: BoltRequest) -> Seen:
        before, sent, self.woken[:] = self.rows(), len(self.twin.faults.log()), []
        answer, begin_the_rest = self.after.dispatch(self.bolt, request)
        begin_the_rest()
        after = self.rows()
        calls = [each for each in self.twin.faults.log()[sent:] if "/api/" in each.path]
        told = [answer.body or "", *(_texts(each.body) for each in calls)]
        new = [row for row in after["audit"] if row not in before["audit"]]
        return Seen(
            answer.status,
            "\n".join(told),
            [each.path.rpartition("/")[2] for each in calls],
            {name for name in KEPT if after[name] != before[name]},
            [f"{row[2]} {row[3]}" for row in new],
            [*self.woken],
        )

    def restore(self) -> None:
        self.pristine.backup(self.eyes)

    def rows(self) -> dict[str, list[Any]]:
        return {name: self.eyes.execute(f"SELECT * FROM {name}").fetchall() for name in KEPT}  # noqa: S608

    # --- what Slack delivers

    def _fresh(self) -> str:
        self.number += 1
        return f"{self.number}.abuse"

    def typed(self, who: Person, command: str, text: str) -> dict[str, Any]:
        return {
            "command": command,
            "text": text,
            "user_id": who.id,
            "user_name": who.name,
            "team_id": who.team,
            "channel_id": "C0LINEVIS1",
            "trigger_id": self._fresh(),
        }

    def mentioned(self, who: Person, text: str) -> dict[str, Any]:
        event = {"type": "app_mention", "user": who.id, "text": f"<@U0SPOTTER1> {text}", "ts": "1.0"}
        return self._event(who, {**event, "channel": "C0LINEVIS1", "user_team": who.team, "team": who.team})

    def opens_home(self, who: Person) -> dict[str, Any]:
        return self._event(who, {"type": "app_home_opened", "user": who.id, "tab": "home", "channel": "D1"})

    def _event(self, who: Person, event: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "event_callback",
            "team_id": HOME,
            "authorizations": [{"team_id": HOME, "enterprise_id": None}],
            "is_ext_shared_channel": who.team != HOME,
            "event_id": f"Ev{self._fresh()}",
            "event": event,
        }

    def clicked(self, who: Person, action: str, value: str) -> dict[str, Any]:
        return {
            **self._interaction("block_actions", who),
            "channel": {"id": "C0LINEVIS1"},
            "container": {"type": "message", "message_ts": self._fresh(), "channel_id": "C0LINEVIS1"},
            "actions": [{"type": "button", "action_id": action, "value": value}],
        }

    def chosen(self, who: Person, action: str, view: dict[str, Any]) -> dict[str, Any]:
        return {
            **self._interaction("block_actions", who),
            "view": view,
            "container": {"type": "view", "view_id": view["id"]},
            "actions": [{"type": "external_select", "action_id": action}],
        }

    def suggested(self, who: Person, action: str, typed: str) -> dict[str, Any]:
        return {**self._interaction("block_suggestion", who), "action_id": action, "value": typed}

    def submitted(self, who: Person, view: dict[str, Any]) -> dict[str, Any]:
        return {**self._interaction("view_submission", who), "view": view}

    def view(
        self, form: str, values: dict[str, str], carried: dict[str, str] | None = None
    ) -> dict[str, Any]:
        state = {name: {f"{form}:{name}": {"value": value}} for name, value in values.items()}
        origin = {"channel": "C0LINEVIS1", "thread_ts": None, "carried": carried or {}}
        return {
            "id": f"V{self._fresh()}",
            "hash": "1",
            "type": "modal",
            "callback_id": form,
            "private_metadata": json.dumps(origin),
            "state": {"values": state},
        }

    def _interaction(self, kind: str, who: Person) -> dict[str, Any]:
        user = {"id": who.id, "name": who.name, "team_id": who.team}
        return {"type": kind, "user": user, "team": {"id": HOME}, "trigger_id": self._fresh()}


def _texts(body: bytes) -> str:
    """What a call to the Web API carried, unquoted."""
    sent = body.decode(errors="replace")
    if sent.startswith("{"):
        return json.dumps(json.loads(sent), ensure_ascii=False)
    return "\n".join(value for values in parse_qs(sent).values() for value in values)


@contextmanager
def counter(services: Services, twin: SlackTwin, client: WebClient) -> Iterator[Counter]:
    file = services.store.engine.url.database
    assert file
    made = Counter(services, twin, client, Path(file))
    yield made
    made.eyes.close()
    made.pristine.close()
