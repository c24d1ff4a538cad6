"""The audit trail: every row is bound to the one before, so that a changed byte is found."""

import tracemalloc
from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, text

from storage import audit, tables
from storage.database import Store

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def store(store: Store) -> Store:
    with store.write() as tx:
        for number in range(5):
            audit.record(
                tx, at=AT, actor="U0TRAINER1", action="train.request", subject=f"run-{number}", number=number
            )
    return store


def test_an_untouched_trail_is_whole(store: Store) -> None:
    with store.read() as tx:
        assert audit.verify(tx) is None
        assert [row.subject for row in audit.rows(tx, subject="run-3")] == ["run-3"]


@pytest.mark.parametrize(
    ("tampering", "seq", "reason"),
    [
        ("UPDATE audit SET actor = 'U0OUTSIDE1' WHERE seq = 3", 3, "content does not match"),
        ("UPDATE audit SET details = '{\"number\": 9}' WHERE seq = 2", 2, "content does not match"),
        ("UPDATE audit SET at = '2026-11-23 00:00:00' WHERE seq = 1", 1, "content does not match"),
        ("DELETE FROM audit WHERE seq = 4", 4, "missing"),
        ("UPDATE audit SET hash = 'x' || substr(hash, 2) WHERE seq = 5", 5, "content"),
    ],
)
def test_tampering_is_found(store: Store, tampering: str, seq: int, reason: str) -> None:
    with store.write() as tx:
        tx.execute(text(tampering))
    with store.read() as tx:
        broken = audit.verify(tx)
    assert broken is not None
    assert broken.seq == seq
    assert reason in broken.reason


def test_a_kept_end_finds_rows_cut_off_the_end(store: Store) -> None:
    with store.write() as tx:
        kept = audit.end(tx)
        audit.record(tx, at=AT, actor="spotter", action="train.ask", subject="run-5")
        assert audit.verify(tx, kept=kept) is None

        tx.execute(text("DELETE FROM audit WHERE seq > 3"))
        assert audit.verify(tx) is None
        assert audit.verify(tx, kept=kept) == audit.Broken(4, "rows 4 to 5 are missing at the end")

        for _ in range(3):  # the chain fits, but it is another one
            audit.record(tx, at=AT, actor="spotter", action="train.ask", subject="run-5")
        assert audit.verify(tx, kept=kept) == audit.Broken(5, "it is not the row that the kept hash is of")

        tx.execute(text("DELETE FROM audit"))
        assert audit.verify(tx, kept=kept) == audit.Broken(1, "rows 1 to 5 are missing at the end")


def test_a_long_trail_is_read_in_portions(store: Store) -> None:
    with store.write() as tx:
        row = {"at": AT, "actor": "U0", "action": "a", "subject": "s", "previous": "", "hash": ""}
        tx.execute(
            insert(tables.audit),
            [{**row, "seq": seq, "details": {"words": "w" * 5000}} for seq in range(6, 3006)],
        )
    with store.read() as tx:
        tracemalloc.start()
        read = sum(len(row.details.get("words", "")) for row in audit.rows(tx))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert audit.end(tx).seq == 3005
    assert read == 15_000_000 > 2 * most
