"""What a flow has left behind: outside by the twins' own records, inside by the store."""

import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from slack_sdk import WebClient

from storage import audit
from tests.stories.reliability.calls import key_of, steady
from tests.stories.stage import Stage
from tests.stories.stage import steady as steady_words

CHANNEL = "C0LINEVIS1"
# Azure DevOps asks its check as often as it likes.
ASKED_OF_US = "azure-devops deploy.check"
Effects = Counter[str]


@dataclass(frozen=True)
class Mark:
    """How far everything was at one moment."""

    at: float
    jobs: int
    builds: int
    row: int


def mark(stage: Stage) -> Mark:
    with stage.store().read() as tx:
        row = audit.end(tx).seq
    return Mark(time.time(), len(stage.jobs()), len(stage.world.devops.portal.builds()), row)


def effects(stage: Stage, since: Mark, *, words: bool = True) -> Effects:
    """Each thing that has come about since, and how often; `words` tells messages by what they say at last, and whether
    they have details below, which other people's doings may add."""
    return Effects([*_outside(stage, since), *_messages(stage, since, words=words), *_stored(stage, since)])


def _outside(stage: Stage, since: Mark) -> list[str]:
    jobs = stage.world.azure.studio.jobs()
    builds = stage.world.devops.portal.builds()
    shipped = stage.world.edge_faults.log("*", "/configurations/")
    changed = [entry for entry in shipped if entry.at > since.at and entry.method in ("PUT", "DELETE")]
    return [
        *["a job" for _ in jobs[: len(jobs) - since.jobs]],
        *[
            steady(f"a DevOps run {build.given.get('correlationId')}")
            for build in builds[: len(builds) - since.builds]
        ],
        *[
            steady(f"an IoT configuration {entry.method} {entry.path.partition('?')[0]}")
            for entry in changed
            if entry.status < 300
        ],
    ]


def _messages(stage: Stage, since: Mark, *, words: bool) -> list[str]:
    keyed = [(key_of(each), each) for each in _posted(stage) if float(each["ts"]) > since.at]
    return [
        f"a message {steady(key)}{_said(each) if words else ''}"
        for key, each in keyed
        if key and (words or not key.endswith(":details"))
    ]


def _posted(stage: Stage) -> list[dict[str, Any]]:
    """All that stands in the channel and in its threads, each once."""
    environment = stage.bot.environment
    client = WebClient(environment["SLACK_BOT_TOKEN"], base_url=environment["SLACK_API_URL"])
    there: dict[str, dict[str, Any]] = {}
    for page in client.conversations_history(channel=CHANNEL, include_all_metadata=True, limit=200):
        there |= {each["ts"]: each for each in page["messages"]}
    for parent in [each for each in there.values() if each.get("reply_count")]:
        thread = client.conversations_replies(
            channel=CHANNEL, ts=parent["ts"], include_all_metadata=True, limit=200
        )
        there |= {each["ts"]: each for each in thread["messages"]}
    return list(there.values())


def _said(message: dict[str, object]) -> str:
    """The first line of its text, which names the outcome."""
    return f": {steady(steady_words(str(message['text']))).splitlines()[0]}"


def _stored(stage: Stage, since: Mark) -> list[str]:
    with stage.store().read() as tx:
        assert audit.verify(tx) is None
        rows = [f"{row.actor} {row.action}" for row in audit.rows(tx, after=since.row)]
    return [f"a row {row}" for row in rows if row != ASKED_OF_US]
