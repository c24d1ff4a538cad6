"""Pictures are not kept for ever, but what people decided on is."""

from datetime import UTC, datetime, timedelta

from storage import pictures
from storage.database import Store

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAYS_AGO, LONG_AGO = NOON - timedelta(days=3), NOON - timedelta(days=31)
EVIDENCE = "side-by-side.jpg"


def test_pictures_are_forgotten_in_time_except_what_people_decided_on(store: Store) -> None:
    with store.write() as tx:

        def kept(name: str, made: datetime, sent: datetime | None, file: str = "held-out.jpg") -> str:
            digest = pictures.put(tx, name.encode(), file, "words", made)
            if sent:
                pictures.sent(tx, digest, f"F{digest[:8]}", sent)
            return digest

        def forgotten() -> int:
            month, days = NOON - timedelta(days=30), NOON - timedelta(days=2)
            return pictures.forget(tx, sent_before=days, made_before=month, but=EVIDENCE)

        there = {
            "sent today": kept("sent today", LONG_AGO, NOON),
            "not sent yet": kept("not sent yet", DAYS_AGO, None),
            "decided on": kept("decided on", LONG_AGO, LONG_AGO, EVIDENCE),
        }
        gone = [kept("sent", DAYS_AGO, DAYS_AGO), kept("never sent", LONG_AGO, None)]
        assert pictures.put(tx, b"sent today", "held-out.jpg", "words", NOON) == there["sent today"]
        assert (forgotten(), forgotten()) == (2, 0)
        left = {name: pictures.get(tx, digest) for name, digest in there.items()}
        assert {name: row and row.content for name, row in left.items()} == {
            name: name.encode() for name in there
        }
        assert [pictures.get(tx, digest) for digest in gone] == [None, None]
        again = left["sent today"]
    assert again and again.file_id, "and what is wanted again is not uploaded again"
