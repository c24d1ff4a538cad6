"""Pictures are not kept for ever, but what people decided on is."""

from datetime import UTC, datetime, timedelta

from storage import pictures
from storage.database import Store

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
EVIDENCE = "side-by-side.jpg"


def test_pictures_that_slack_has_are_forgotten_except_what_people_decided_on(store: Store) -> None:
    long_ago = NOON - timedelta(days=31)
    with store.write() as tx:
        old, new, shown, unsent = (
            pictures.put(tx, name.encode(), EVIDENCE if name == "shown" else f"{name}.jpg", "words", long_ago)
            for name in ("old", "new", "shown", "unsent")
        )
        for digest, at in ((old, long_ago), (shown, long_ago), (new, NOON)):
            pictures.sent(tx, digest, f"F{digest[:8]}", at)
        assert pictures.forget(tx, NOON - timedelta(days=30), but=EVIDENCE) == 1
        assert pictures.forget(tx, NOON - timedelta(days=30), but=EVIDENCE) == 0
        kept = {digest: pictures.get(tx, digest) for digest in (old, new, shown, unsent)}
    assert {digest: row.content for digest, row in kept.items() if row} == {
        old: b"",
        new: b"new",
        shown: b"shown",
        unsent: b"unsent",
    }
    forgotten = kept[old]
    assert forgotten and forgotten.file_id == f"F{old[:8]}", "messages go on showing it"
