"""Nothing is sent to Slack after another replica has come to lead; and what was sent all the same is made up for."""

import threading
from typing import Any

import structlog
from slack_sdk import WebClient

from bot.refusals import NO_ANSWER
from infra.http.types import Gate
from storage import messages
from storage.database import Store

log = structlog.get_logger("courier")
PATIENCE = 30  # seconds; the replica that leads waits as well before it posts what may have been posted


class GatedClient(WebClient):
    """As another client, but asks a gate right before anything is sent to Slack."""

    def __init__(self, client: WebClient, gate: Gate) -> None:
        super().__init__(client.token, base_url=client.base_url, timeout=client.timeout, retry_handlers=[])
        self._gate = gate

    def api_call(self, *args: Any, **options: Any) -> Any:
        self._gate()
        return super().api_call(*args, **options)


class Late:
    """What reached Slack too late, for a process may be stopped right between its look at the lease and what it sends:
    it may be there twice now, or be older than what was there. `store` and `client` are those that refuse nothing."""

    def __init__(self, store: Store, client: WebClient, stopping: threading.Event) -> None:
        self._store = store
        self._client = client
        self._stopping = stopping

    def sent(self, key: str, channel: str, ts: str) -> None:
        """Deletes it where the message is shown elsewhere, else lets it be shown anew as it is wanted now."""
        shown = self._shown_at(key)
        for _ in range(PATIENCE):
            if shown or self._stopping.wait(1):
                break
            shown = self._shown_at(key)
        if shown == ts:
            with self._store.write() as tx:
                messages.change(tx, key, shown_revision=0)
        elif shown:
            self._delete(key, channel, ts)

    def _shown_at(self, key: str) -> str | None:
        with self._store.read() as tx:
            there = messages.get(tx, key)
        return there.ts if there else None

    def _delete(self, key: str, channel: str, ts: str) -> None:
        log.warning("posted_late", key=key)
        try:
            self._client.chat_delete(channel=channel, ts=ts)
        except NO_ANSWER as failed:
            log.warning("late_post_stays", key=key, error=str(failed))
