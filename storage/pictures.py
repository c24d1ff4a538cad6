"""Pictures that messages show: their bytes, and the files that Slack made of them.

What people decided on is kept for good; others are forgotten in time, for Slack has their files.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, update

from storage.rows import Rows, insert_once
from storage.tables import pictures


@dataclass(frozen=True)
class PictureRow:
    """`digest` is the SHA-256 of `content`; `file_id` is Slack's, once it was uploaded."""

    digest: str
    content: bytes
    name: str
    alt_text: str
    made_at: datetime
    file_id: str | None = None
    sent_at: datetime | None = None


_rows = Rows(pictures, PictureRow)
get = _rows.get


def put(tx: Connection, content: bytes, name: str, alt_text: str, at: datetime) -> str:
    """Keeps a picture, once, as one that is wanted now; its digest."""
    digest = hashlib.sha256(content).hexdigest()
    about = {"content": content, "name": name, "alt_text": alt_text, "made_at": at}
    if not insert_once(tx, pictures, {"digest": digest, **about}):
        tx.execute(update(pictures).where(pictures.c.digest == digest).values(made_at=at))
    return digest


def forget(tx: Connection, *, sent_before: datetime, made_before: datetime, but: str) -> int:
    """Deletes pictures that Slack had by the one moment, or that nobody has wanted since the other, except those of the
    name `but`; how many. Messages go on showing Slack's files; whoever wants one shown anew puts it here again."""
    old = (pictures.c.sent_at < sent_before, pictures.c.made_at < made_before)
    return sum(tx.execute(delete(pictures).where(each, pictures.c.name != but)).rowcount for each in old)


def sent(tx: Connection, digest: str, file_id: str, at: datetime) -> None:
    tx.execute(update(pictures).where(pictures.c.digest == digest).values(file_id=file_id, sent_at=at))
