"""Pictures that messages show: their bytes, and the files that Slack made of them."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from storage.once import insert_once
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


def put(tx: Connection, content: bytes, name: str, alt_text: str, at: datetime) -> str:
    """Keeps a picture, once; its digest."""
    digest = hashlib.sha256(content).hexdigest()
    about = {"content": content, "name": name, "alt_text": alt_text, "made_at": at}
    insert_once(tx, pictures, {"digest": digest, **about})
    return digest


def get(tx: Connection, digest: str) -> PictureRow | None:
    row = tx.execute(select(pictures).where(pictures.c.digest == digest)).first()
    return PictureRow(**row._mapping) if row else None


def sent(tx: Connection, digest: str, file_id: str, at: datetime) -> None:
    tx.execute(update(pictures).where(pictures.c.digest == digest).values(file_id=file_id, sent_at=at))
