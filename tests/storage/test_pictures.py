"""Pictures are not kept for ever, but what people decided on is."""

from datetime import UTC, datetime, timedelta

from storage import pictures
from storage.database import Store

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
EVIDENCE = "side-by-side.jpg"


def test_pictures_of_long_ago_are_forgotten_except_what_people_decided_on(store: Store) -> None:
    long_ago, month_ago = NOON - timedelta(days=31), NOON - timedelta(days=30)
    with store.write() as tx:
        old, new, again, shown, unsent = (
            pictures.put(
                tx,
                name.encode(),
                EVIDENCE if name == "shown" else f"{name}.jpg",
                "words",
                NOON if name == "new" else long_ago,
            )
            for name in ("old", "new", "again", "shown", "unsent")
        )
        for digest in (old, new, again, shown):
            pictures.sent(tx, digest, f"F{digest[:8]}", long_ago)
        assert pictures.put(tx, b"again", "again.jpg", "words", NOON) == again
        assert pictures.forget(tx, month_ago, but=EVIDENCE) == 2
        assert pictures.forget(tx, month_ago, but=EVIDENCE) == 0
        kept = {digest: pictures.get(tx, digest) for digest in (old, new, again, shown, unsent)}
    assert {digest: row and row.content for digest, row in kept.items()} == {
        old: None,
        new: b"new",
        again: b"again",
        shown: b"shown",
        unsent: None,
    }
    wanted_again = kept[again]
    assert wanted_again and wanted_again.file_id == f"F{again[:8]}", "and it is not uploaded again"
