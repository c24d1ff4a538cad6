"""The content of old messages is let go, and still none of them is said twice."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from storage import messages
from storage.database import Store

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LONG_AGO, MONTH_AGO = NOON - timedelta(days=31), NOON - timedelta(days=30)
CONTENT: dict[str, Any] = {"text": "Cap_Model v3 registered", "blocks": [{"type": "divider", "share": 0.1}]}
CHANGED = {**CONTENT, "text": "Cap_Model v3 is on line-1"}


def wanted(store: Store, key: str, content: dict[str, Any] = CONTENT, at: datetime = LONG_AGO) -> bool:
    with store.write() as tx:
        return messages.want(tx, key, channel="C0LINEVIS1", content=content, at=at)


def shown(store: Store, key: str, **about: Any) -> None:
    with store.write() as tx:
        messages.change(tx, key, **{"shown_revision": 1, "ts": f"1700000000.{key}", **about})


def thinned(store: Store, limit: int = messages.PAGE) -> int:
    with store.write() as tx:
        return messages.thin(tx, MONTH_AGO, limit)


def test_what_was_shown_long_ago_keeps_its_place_and_lets_go_of_its_words(store: Store) -> None:
    for key in ("old", "gone", "refused", "waits"):
        wanted(store, key)
    wanted(store, "new", at=NOON)
    shown(store, "old", form="plain")
    shown(store, "gone", shown_revision=0, state="gone")
    shown(store, "refused", shown_revision=0, state="refused")
    shown(store, "new")
    assert (thinned(store, 2), thinned(store, 2), thinned(store, 2)) == (2, 1, 0)
    with store.read() as tx:
        kept = {key: messages.get(tx, key) for key in ("old", "gone", "refused", "waits", "new")}
        assert [each.key for each in messages.due(tx, NOON)] == ["waits"]
    whole = {key for key, each in kept.items() if each and each.wanted == CONTENT}
    assert whole == {"waits", "new"}, "who has not been told yet still will be"
    old = kept["old"]
    assert old and (old.ts, old.channel, old.form) == ("1700000000.old", "C0LINEVIS1", "thin")
    assert len(str(old.wanted)) < 100


def test_the_same_wish_is_no_news_and_another_one_is_shown_in_place(store: Store) -> None:
    wanted(store, "card")
    shown(store, "card")
    assert thinned(store) == 1
    assert not wanted(store, "card", at=NOON), "it stands there already"
    assert wanted(store, "card", CHANGED, NOON)
    with store.read() as tx:
        (due,) = messages.due(tx, NOON)
    assert (due.wanted, due.form, due.ts) == (CHANGED, "full", "1700000000.card"), (
        "an update, not another post"
    )
    assert thinned(store) == 0


def test_old_messages_are_found_without_reading_all(store: Store) -> None:
    if store.is_shared:
        return  # PostgreSQL decides by what it has counted
    query = "SELECT key FROM messages WHERE form != 'thin' AND wanted_at < :before"
    with store.read() as tx:
        plan = tx.execute(text(f"EXPLAIN QUERY PLAN {query}"), {"before": "2026-11-22"}).all()
    assert "ix_messages_whole" in str(plan)
