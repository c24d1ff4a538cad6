"""Nothing is sent to Slack after another replica has come to lead; and what was sent all the same is made up for."""

import threading
from typing import Any

import structlog
from slack_sdk import WebClient
from sqlalchemy.exc import DBAPIError

from bot.posted import delete_others
from bot.refusals import NO_ANSWER
from infra.http.types import Gate
from storage import messages
from storage.database import Store
from storage.leases import Lease
from storage.messages import WantedMessage

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

    def __init__(self, store: Store, client: WebClient, lease: Lease, stopping: threading.Event) -> None:
        self._store = store
        self._client = client
        self._lease = lease
        self._stopping = stopping

    def tidy(self, key: str) -> None:
        """Once another replica shows the message: deletes what is there besides, and lets it be shown anew."""
        try:
            shown = self._shown_elsewhere(key)
            if shown is not None:
                delete_others(self._client, self._store, shown, shown.shown_at or shown.wanted_at)
                with self._store.write() as tx:
                    messages.change(tx, key, shown_revision=0)
        except (*NO_ANSWER, DBAPIError) as failed:
            log.warning("not_tidied", key=key, error=str(failed))

    def _shown_elsewhere(self, key: str) -> WantedMessage | None:
        for _ in range(PATIENCE):
            if self._lease.is_held:  # nobody else did anything
                return None
            with self._store.read() as tx:
                there = messages.get(tx, key)
            if there and there.ts:
                return there
            if self._stopping.wait(1):
                break
        return None
