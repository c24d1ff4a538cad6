"""Sends one message, a post or an update, and notes what became of it.

Every post carries its key as metadata; when the outcome of a post is unclear, or the bot died in the middle of one,
the channel's history is read before anything is posted again. Where it was posted again, a minute later it is looked
whether the first one came after all, and one of the two is deleted.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from prometheus_client import Counter
from slack_sdk.errors import SlackApiError
from sqlalchemy.exc import OperationalError

from bot.late import GatedClient
from bot.outcomes import GRACE, Outcomes
from bot.posted import delete_others, marked, posted
from bot.refusals import NO_ANSWER, code_of, meaning_of, reasons_of
from bot.uploads import Pictures, picture_in
from commands.kit.blocks import section
from commands.kit.clock import Clock
from commands.kit.health import SLACK, Health
from storage import messages
from storage.database import Store
from storage.leases import Lease, Lost
from storage.messages import WantedMessage

log = structlog.get_logger("courier")
SENT = Counter("spotter_slack_messages_total", "Messages that the courier sent", ["kind", "outcome"])

POST_GAP = timedelta(seconds=1.1)
STILL_COMES = timedelta(minutes=1)  # what Slack was handed and did not answer
NO_ENTRY_WAIT = timedelta(minutes=1)

PEOPLE = ("U", "W")
PROCESSING_TRIES = 6


class Sender:
    """`resting` tells until when a channel is left alone; `wake` asks for another look at what is wanted.

    `store` and `client` raise Lost where another replica leads.
    """

    def __init__(
        self,
        store: Store,
        client: GatedClient,
        clock: Clock,
        health: Health,
        lease: Lease,
        wake: Callable[[], None],
    ) -> None:
        self._outcomes = Outcomes(store, clock, health, wake)
        self.resting = self._outcomes.resting
        self._store = store
        self._client = client
        self._pictures = Pictures(store, client, clock)
        self._clock = clock
        self._health = health
        self._lease = lease
        self._wake = wake
        self._handed_twice: dict[str, tuple[datetime, datetime]] = {}

    def send(self, message: WantedMessage) -> None:
        try:
            if message.ts:
                self._update(message)
            elif message.channel[0] in PEOPLE:
                self._open_conversation(message)
            else:
                self._post(message)
        except SlackApiError as refused:
            self._refused(message, refused)
        except NO_ANSWER as lost:
            self._outcomes.unclear(message, f"{type(lost).__name__}: {lost}")
        except (OperationalError, Lost):
            raise
        except Exception:
            log.exception("message_failed", key=message.key)
            self._outcomes.later(message, GRACE, "Spotter failed to write it")

    def _post(self, message: WantedMessage) -> None:
        thread_ts = None
        if message.parent_key:
            with self._store.read() as tx:
                parent = messages.get(tx, message.parent_key)
            if parent is None or (parent.ts is None and parent.state != "open"):
                self._outcomes.end(message, "gone", "its thread is not there")
                return
            if parent.ts is None:
                self._outcomes.later(message, GRACE, "its thread is not posted yet")
                return
            message, thread_ts = replace(message, channel=parent.channel), parent.ts
        if message.posting_since and self._lease.held_for < self._client.timeout:
            return  # what another replica has begun to post may still arrive
        if message.posting_since and self._was_posted(message, thread_ts):
            return
        blocks = self._pictures.uploaded(_blocks(message))
        now = self._clock.now()
        if message.posting_since:
            first, _ = self._handed_twice.get(message.key, (message.posting_since, now))
            self._handed_twice[message.key] = first, now + STILL_COMES
        with self._store.write() as tx:
            messages.change(tx, message.key, posting_since=now)
        answer = self._client.chat_postMessage(
            channel=message.channel,
            thread_ts=thread_ts,
            reply_broadcast=thread_ts is not None and message.wanted.get("broadcast", False),
            text=message.wanted["text"],
            blocks=blocks,
            metadata=marked(message.key),
            unfurl_links=False,
            unfurl_media=False,
        )
        self.resting[message.channel] = self._clock.now() + POST_GAP
        SENT.labels("post", "ok").inc()
        self._outcomes.shown(
            replace(message, channel=answer["channel"]), ts=answer["ts"], revision=message.wanted_revision
        )

    def _was_posted(self, message: WantedMessage, thread_ts: str | None) -> bool:
        """Whether nothing is to be posted now: an earlier attempt reached Slack after all, or that cannot be told."""
        try:
            assert message.posting_since is not None  # noqa: S101  asked only after an attempt
            there = posted(
                self._client,
                message.key,
                channel=message.channel,
                thread_ts=thread_ts,
                since=message.posting_since,
            )
            found = next(there, None)
        except SlackApiError as refused:
            meaning = meaning_of(refused)
            if meaning == "no_entry":
                return False
            if meaning == "slow_down":
                self._outcomes.rest(message, refused)
            elif meaning == "gone":
                self._outcomes.end(message, "gone", code_of(refused))
            else:
                self._outcomes.unclear(message, f"reading the channel: {code_of(refused)}")
            return True
        if found:
            self._outcomes.shown(message, ts=found, revision=0)
        return found is not None

    def tidy(self) -> None:
        """Deletes what Slack has done after all of a post that it did not answer, and that was found nowhere then."""
        now = self._clock.now()
        for key, (first, due) in list(self._handed_twice.items()):
            if now < due:
                continue
            with self._store.read() as tx:
                message = messages.get(tx, key)
            try:
                if message is not None and message.ts:
                    delete_others(self._client, self._store, message, first)
            except NO_ANSWER as failed:
                log.warning("not_tidied", key=key, error=str(failed))
                self._handed_twice[key] = first, now + GRACE
            else:
                if message is None or message.ts or message.state != "open":
                    del self._handed_twice[key]

    def _open_conversation(self, message: WantedMessage) -> None:
        """A person is written to in their conversation with Spotter, whose history can be read back."""
        answer = self._client.conversations_open(users=message.channel)
        with self._store.write() as tx:
            messages.change(tx, message.key, channel=answer["channel"]["id"])
        self._wake()

    def _update(self, message: WantedMessage) -> None:
        assert message.ts is not None  # noqa: S101  only posted messages are updated
        blocks = self._pictures.uploaded(_blocks(message))
        self._client.chat_update(
            channel=message.channel, ts=message.ts, text=message.wanted["text"], blocks=blocks
        )
        SENT.labels("update", "ok").inc()
        self._outcomes.shown(message, ts=message.ts, revision=message.wanted_revision)

    def _refused(self, message: WantedMessage, refused: SlackApiError) -> None:
        meaning, code = meaning_of(refused), code_of(refused)
        SENT.labels("update" if message.ts else "post", meaning).inc()
        if meaning not in ("unclear", "no_token"):
            self._health.well(SLACK)
        if meaning == "slow_down":
            self._outcomes.not_posted(message)
            self._outcomes.rest(message, refused)
        elif meaning == "blocks" and _awaits_files(message, refused):
            self._outcomes.not_posted(message)
            self._outcomes.later(message, GRACE, "Slack is still processing a picture")
        elif meaning == "blocks" and message.form != "text":
            log.warning("blocks_refused", key=message.key, messages=reasons_of(refused))
            self._outcomes.simplify(message)
        elif meaning == "no_entry" and message.fallback:
            self._outcomes.say_privately(message, code)
        elif meaning == "no_entry":
            told = "it is archived" if code == "is_archived" else "invite it with /invite"
            trouble = f"Spotter cannot write to channel {message.channel}: {told}"
            self._health.trouble(SLACK, trouble, about=message.channel)
            self._outcomes.not_posted(message)
            self._outcomes.later(message, NO_ENTRY_WAIT, code)
        elif meaning == "gone":
            self._outcomes.end(message, "gone", code)
            if message.ts and message.urgency >= messages.RESULT:
                self._outcomes.post_anew(message)
        elif meaning == "no_token":
            self._health.trouble(SLACK, f"Slack refused the bot's token: {code}")
            self._outcomes.not_posted(message)
            self._outcomes.later(message, GRACE, code)
        elif meaning == "unclear":
            self._outcomes.unclear(message, code)
        else:
            self._outcomes.end(message, "refused", f"{code} {reasons_of(refused)}".strip())


def _awaits_files(message: WantedMessage, refused: SlackApiError) -> bool:
    """Slack takes a block with a file only some moments after the upload, when it has processed that."""
    has_pictures = any(map(picture_in, _blocks(message)))
    return has_pictures and "slack file" in reasons_of(refused) and message.tries < PROCESSING_TRIES


def _blocks(message: WantedMessage) -> list[dict[str, Any]]:
    if message.form == "text":
        return [section(message.wanted["text"])]
    blocks: list[dict[str, Any]] = message.wanted["blocks"]
    if message.form == "full":
        return blocks
    plain: list[dict[str, Any]] = message.wanted.get("plain", blocks)
    return message.wanted.get("drawn", plain) if message.form == "drawn" else plain
