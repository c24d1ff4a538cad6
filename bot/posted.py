"""Every post carries its message's key as metadata, by which it is found again where its outcome is not known."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import structlog
from slack_sdk import WebClient

from storage import messages
from storage.database import Store
from storage.messages import WantedMessage

log = structlog.get_logger("courier")

EVENT = "spotter_message"
LOOK_BACK = timedelta(minutes=10)  # clocks differ


def marked(key: str) -> dict[str, Any]:
    """The metadata to post with."""
    return {"event_type": EVENT, "event_payload": {"key": key}}


def posted(
    client: WebClient, key: str, *, channel: str, thread_ts: str | None, since: datetime
) -> Iterator[str]:
    """The ts of each post of this message in its channel, or thread. Raises as slack_sdk."""
    query: dict[str, Any] = {
        "channel": channel,
        "oldest": str((since - LOOK_BACK).timestamp()),
        "include_all_metadata": True,
        "limit": 200,
    }
    cursor = None
    while True:
        page = (
            client.conversations_replies(ts=thread_ts, cursor=cursor, **query)
            if thread_ts
            else client.conversations_history(cursor=cursor, **query)
        )
        for found in page["messages"]:
            metadata = found.get("metadata") or {}
            if metadata.get("event_type") == EVENT and metadata["event_payload"].get("key") == key:
                yield str(found["ts"])
        cursor = (page.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            return


def delete_others(client: WebClient, store: Store, shown: WantedMessage, since: datetime) -> None:
    """Deletes what was posted of this message besides the post that is shown. Raises as slack_sdk."""
    with store.read() as tx:
        parent = messages.get(tx, shown.parent_key) if shown.parent_key else None
    thread_ts = parent.ts if parent else None
    there = posted(client, shown.key, channel=shown.channel, thread_ts=thread_ts, since=since)
    for ts in [each for each in there if each != shown.ts]:
        log.warning("posted_late", key=shown.key)
        client.chat_delete(channel=shown.channel, ts=ts)
