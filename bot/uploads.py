"""Pictures on their way into messages: uploaded to Slack once, and named there by the file that it made of them."""

from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.refusals import code_of, meaning_of
from commands.kit.blocks import PICTURE
from commands.kit.clock import Clock
from storage import pictures
from storage.database import Store


class PictureRefused(Exception):
    """Slack will not take a picture, so the message is shown without."""


class Pictures:
    def __init__(self, store: Store, client: WebClient, clock: Clock) -> None:
        self._store = store
        self._client = client
        self._clock = clock

    def uploaded(self, blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The blocks with Slack's files in place of pictures. One whose upload was lost is uploaded again: a file that
        nobody sees may be left over, never a second message. Raises PictureRefused."""
        files = {digest: self._file(digest) for digest in filter(None, map(picture_in, blocks))}
        return [
            {**block, "slack_file": {"id": files[digest]}} if (digest := picture_in(block)) else block
            for block in blocks
        ]

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
