"""The one courier: makes Slack show what the store wants shown. Nothing else posts to channels.

Posts once, updates in place, coalesces (only the newest wish is sent), keeps to about one post a second and channel.
Every post carries its key as metadata; when the outcome of a post is unclear, or the bot died in the middle of one,
the channel's history is read before anything is posted again.
"""

import threading
from datetime import datetime, timedelta
from typing import Any

import structlog
from prometheus_client import Counter
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from commands.kit.blocks import section
from commands.kit.clock import Clock
from commands.kit.health import Health
from storage import audit, messages
from storage.database import Store
from storage.messages import WantedMessage

log = structlog.get_logger("courier")
SENT = Counter("spotter_slack_messages_total", "Messages that the courier sent", ["kind", "outcome"])

EVENT = "spotter_message"
SLACK = "Slack"
IDLE = 0.5
POST_GAP = timedelta(seconds=1.1)
PROGRESS_GAP = timedelta(seconds=5)
GRACE = timedelta(seconds=2)
LOOK_BACK = timedelta(seconds=60)
LONGEST_WAIT = timedelta(minutes=5)

PEOPLE, CHANNELS = ("U", "W"), ("C", "G")
NO_ENTRY = {"not_in_channel", "channel_not_found", "is_archived", "restricted_action", "user_not_in_channel"}
GONE = {"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"}
BAD_BLOCKS = {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "invalid_attachments"}
LOST_TOKEN = {
    "invalid_auth",
    "not_authed",
    "account_inactive",
    "token_revoked",
    "token_expired",
    "missing_scope",
}
UNCLEAR = {"fatal_error", "internal_error", "service_unavailable", "request_timeout"}


class Courier:
    def __init__(self, store: Store, client: WebClient, clock: Clock, health: Health) -> None:
        self._store = store
        self._client = client
        self._clock = clock
        self._health = health
        self._next_post: dict[str, datetime] = {}
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="courier", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        self._woken.set()

    def stop(self) -> None:
        """Finish the message under way, then end."""
        self._stopping.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(timeout=15)

    def _work(self) -> None:
        while not self._stopping.is_set():
            self._woken.wait(IDLE)
            self._woken.clear()
            try:
                self.deliver()
            except Exception:
                log.exception("courier_failed")
                self._stopping.wait(1)

    def deliver(self) -> None:
        """Send every message whose turn it is."""
        with self._store.read() as tx:
            waiting = messages.due(tx, self._clock.now())
        for message in waiting:
            if self._stopping.is_set():
                return
            if self._may_send(message):
                self._send(message)

    def _may_send(self, message: WantedMessage) -> bool:
        now = self._clock.now()
        if now < self._next_post.get(message.channel, now):
            return False
        if message.ts and message.urgency == messages.PROGRESS and message.shown_at:
            return now - message.shown_at >= PROGRESS_GAP
        return True

    def _send(self, message: WantedMessage) -> None:
        try:
            if message.ts:
                self._update(message)
            else:
                self._post(message)
        except SlackApiError as refused:
            self._refused(message, refused)
        except (SlackClientError, OSError) as lost:
            self._unclear(message, f"{type(lost).__name__}: {lost}")

    def _post(self, message: WantedMessage) -> None:
        if message.channel[0] in PEOPLE:
            self._open_conversation(message)
            return
        parent_ts = None
        if message.parent_key:
            with self._store.read() as tx:
                parent = messages.get(tx, message.parent_key)
            if parent is None or parent.ts is None:
                self._later(message, GRACE, "its thread is not posted yet")
                return
            parent_ts = parent.ts
        if message.posting_since and (found := self._posted_before(message, parent_ts)):
            self._shown(message, ts=found, revision=0)
            return
        with self._store.write() as tx:
            messages.change(tx, message.key, posting_since=self._clock.now())
        answer = self._client.chat_postMessage(
            channel=message.channel,
            thread_ts=parent_ts,
            text=message.wanted["text"],
            blocks=_blocks(message),
            metadata={"event_type": EVENT, "event_payload": {"key": message.key}},
            unfurl_links=False,
            unfurl_media=False,
        )
        self._next_post[message.channel] = self._clock.now() + POST_GAP
        SENT.labels("post", "ok").inc()
        self._shown(message, ts=answer["ts"], revision=message.wanted_revision, channel=answer["channel"])

    def _open_conversation(self, message: WantedMessage) -> None:
        """A person is written to in their conversation with Spotter, whose history can be read back."""
        answer = self._client.conversations_open(users=message.channel)
        with self._store.write() as tx:
            messages.change(tx, message.key, channel=answer["channel"]["id"])
        self.wake()

    def _update(self, message: WantedMessage) -> None:
        assert message.ts is not None  # noqa: S101  only posted messages are updated
        self._client.chat_update(
            channel=message.channel, ts=message.ts, text=message.wanted["text"], blocks=_blocks(message)
        )
        SENT.labels("update", "ok").inc()
        self._shown(message, ts=message.ts, revision=message.wanted_revision)

    def _shown(self, message: WantedMessage, *, ts: str, revision: int, channel: str | None = None) -> None:
        self._health.well(SLACK)
        with self._store.write() as tx:
            messages.change(
                tx,
                message.key,
                ts=ts,
                channel=channel or message.channel,
                shown_revision=revision,
                shown_at=self._clock.now(),
                posting_since=None,
                tries=0,
                next_try_at=None,
                trouble=None,
            )

    def _posted_before(self, message: WantedMessage, parent_ts: str | None) -> str | None:
        """The ts of this message if an earlier attempt reached Slack after all."""
        assert message.posting_since is not None  # noqa: S101  asked only after an attempt
        query: dict[str, Any] = {
            "channel": message.channel,
            "oldest": str((message.posting_since - LOOK_BACK).timestamp()),
            "include_all_metadata": True,
            "limit": 200,
        }
        cursor = None
        while True:
            page = (
                self._client.conversations_replies(ts=parent_ts, cursor=cursor, **query)
                if parent_ts
                else self._client.conversations_history(cursor=cursor, **query)
            )
            for posted in page["messages"]:
                metadata = posted.get("metadata") or {}
                if (
                    metadata.get("event_type") == EVENT
                    and metadata["event_payload"].get("key") == message.key
                ):
                    return str(posted["ts"])
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return None

    def _refused(self, message: WantedMessage, refused: SlackApiError) -> None:
        response = refused.response
        error = str(response.get("error") or response.status_code)
        SENT.labels("update" if message.ts else "post", error).inc()
        if response.status_code == 429 or error in ("ratelimited", "rate_limited"):
            wait = timedelta(seconds=float(response.headers.get("Retry-After", 1)))
            self._next_post[message.channel] = self._clock.now() + wait
            self._not_sent(message, wait, "Slack asks us to slow down")
        elif error in BAD_BLOCKS and message.form != "text":
            log.warning("blocks_refused", key=message.key, messages=_why(refused))
            self._simplify(message)
        elif error in NO_ENTRY and message.fallback and message.channel[0] in CHANNELS:
            self._say_privately(message, error)
        elif error in GONE:
            self._end(message, "gone", error)
        elif error in LOST_TOKEN:
            self._health.trouble(SLACK, f"Slack refused the bot's token: {error}")
            self._not_sent(message, timedelta(seconds=30), error)
        elif error in UNCLEAR or response.status_code >= 500:
            self._unclear(message, error)
        else:
            self._end(message, "refused", f"{error} {_why(refused)}".strip())

    def _simplify(self, message: WantedMessage) -> None:
        form = "plain" if message.form == "full" and message.wanted.get("plain") else "text"
        with self._store.write() as tx:
            messages.change(tx, message.key, form=form, posting_since=None)
        self.wake()

    def _say_privately(self, message: WantedMessage, error: str) -> None:
        with self._store.write() as tx:
            messages.change(tx, message.key, channel=message.fallback, posting_since=None, trouble=error)
            audit.record(
                tx,
                at=self._clock.now(),
                actor="spotter",
                action="message.private",
                subject=message.key,
                channel=message.channel,
                error=error,
            )
        self.wake()

    def _unclear(self, message: WantedMessage, reason: str) -> None:
        """It may have been posted: keep `posting_since`, so that the next attempt looks first."""
        self._health.trouble(SLACK, f"Slack did not answer ({reason})")
        self._later(message, GRACE, reason)

    def _not_sent(self, message: WantedMessage, wait: timedelta, reason: str) -> None:
        with self._store.write() as tx:
            messages.change(tx, message.key, posting_since=None)
        self._later(message, wait, reason)

    def _later(self, message: WantedMessage, wait: timedelta, reason: str) -> None:
        wait = min(max(wait, GRACE * 2 ** min(message.tries, 6)) if message.tries else wait, LONGEST_WAIT)
        with self._store.write() as tx:
            messages.change(
                tx,
                message.key,
                tries=message.tries + 1,
                next_try_at=self._clock.now() + wait,
                trouble=reason,
            )

    def _end(self, message: WantedMessage, state: str, reason: str) -> None:
        log.warning("message_given_up", key=message.key, state=state, reason=reason)
        with self._store.write() as tx:
            messages.change(tx, message.key, state=state, trouble=reason, posting_since=None)


def _blocks(message: WantedMessage) -> list[dict[str, Any]]:
    if message.form == "text":
        return [section(message.wanted["text"])]
    blocks: list[dict[str, Any]] = message.wanted["plain" if message.form == "plain" else "blocks"]
    return blocks


def _why(refused: SlackApiError) -> str:
    metadata = refused.response.get("response_metadata") or {}
    return "; ".join(metadata.get("messages") or [])
