"""Pictures that messages show: their bytes, and the files that Slack made of them.

What people decided on is kept for good; other bytes are forgotten some time after Slack has them.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, update

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
    """Keeps a picture, once; its digest."""
    digest = hashlib.sha256(content).hexdigest()
    about = {"content": content, "name": name, "alt_text": alt_text, "made_at": at}
    insert_once(tx, pictures, {"digest": digest, **about})
    return digest


def forget(tx: Connection, before: datetime, *, but: str) -> int:
    """Empties pictures that were uploaded before that moment, except those of the name `but`; how many. Their files
    stay known, so that messages go on showing them."""
    old = (pictures.c.sent_at < before) & (pictures.c.name != but) & (pictures.c.content != b"")
    return tx.execute(update(pictures).where(old).values(content=b"")).rowcount


def sent(tx: Connection, digest: str, file_id: str, at: datetime) -> None:
    tx.execute(update(pictures).where(pictures.c.digest == digest).values(file_id=file_id, sent_at=at))
