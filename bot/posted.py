"""Every post carries its message's key as metadata, by which it is found again where its outcome is not known."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from slack_sdk import WebClient

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
