"""Pictures on their way into messages: uploaded to Slack once, and named there by the file that it made of them.

Where Slack takes none, the message says in words what a picture shows; the rest of it stays as it is.
"""

from typing import Any

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.refusals import code_of, meaning_of
from commands.kit.blocks import PICTURE, context
from commands.kit.clock import Clock
from commands.kit.words import esc
from storage import pictures
from storage.database import Store

log = structlog.get_logger("courier")


class PictureRefused(Exception):
    """Slack will not take a picture."""


class Pictures:
    def __init__(self, store: Store, client: WebClient, clock: Clock) -> None:
        self._store = store
        self._client = client
        self._clock = clock

    def uploaded(self, blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The blocks with Slack's files in place of pictures. One whose upload was lost is uploaded again: a file that
        nobody sees may be left over, never a second message."""
        return [self._shown(block) for block in blocks]

    def _shown(self, block: dict[str, Any]) -> dict[str, Any]:
        digest = picture_in(block)
        if digest is None:
            return block
        try:
            return {**block, "slack_file": {"id": self._file(digest)}}
        except PictureRefused as refused:
            log.warning("picture_refused", picture=digest, reason=str(refused))
            return context(esc(block["alt_text"]))

    def _file(self, digest: str) -> str:
        with self._store.read() as tx:
            kept = pictures.get(tx, digest)
        if kept is None:
            raise PictureRefused("the picture is not kept any more")
        if kept.file_id:
            return kept.file_id
        try:
            answer = self._client.files_upload_v2(
                filename=kept.name, content=kept.content, title=kept.alt_text[:100], alt_txt=kept.alt_text
            )
        except SlackApiError as refused:
            if code_of(refused) == "missing_scope" or meaning_of(refused) == "refused":
                raise PictureRefused(code_of(refused)) from refused
            raise
        file_id = str(answer["files"][0]["id"])
        with self._store.write() as tx:
            pictures.sent(tx, digest, file_id, self._clock.now())
        return file_id


def picture_in(block: dict[str, Any]) -> str | None:
    """The digest of a kept picture that a block shows."""
    named = str((block.get("slack_file") or {}).get("id", ""))
    return named.removeprefix(PICTURE) if named.startswith(PICTURE) else None
