"""Uploaded files: reserved with a name and a length, filled through an upload address, then shared."""

import mimetypes
import secrets
from dataclasses import dataclass, field
from pathlib import PurePath

from .refusal import Json, Refused
from .workspace import BOT_USER, TEAM, Workspace


@dataclass
class File:
    id: str
    name: str
    length: int
    upload_key: str
    alt_text: str = ""
    title: str = ""
    content: bytes | None = None
    created: int = 0
    completed: bool = False
    shares: dict[str, list[Json]] = field(default_factory=dict)

    @property
    def mimetype(self) -> str:
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"


class Files:
    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._files: dict[str, File] = {}
        self.viewer_key = secrets.token_urlsafe(12)

    def reserve(self, name: str, length: int, alt_text: str) -> File:
        file = File(self._workspace.fresh_id("F"), name, length, secrets.token_urlsafe(16), alt_text)
        file.title, file.created = name, int(self._workspace.clock())
        self._files[file.id] = file
        return file

    def fill(self, upload_key: str, content: bytes) -> File:
        """:raises Refused: an unknown or used address, or not as many bytes as were announced"""
        for file in self._files.values():
            if secrets.compare_digest(file.upload_key, upload_key):
                if len(content) != file.length:
                    raise Refused("file_upload_size_restricted", status=400)
                file.content = content
                return file
        raise Refused("file_not_found", status=404)

    def find(self, file_id: str) -> File:
        if file_id not in self._files:
            raise Refused("file_not_found")
        return self._files[file_id]

    def named(self, slack_file: Json) -> File | None:
        """The completed upload that a block's `slack_file` means, by id or by an address of it."""
        for file in self._files.values():
            if file.completed and (slack_file.get("id") == file.id or file.id in slack_file.get("url", "")):
                return file
        return None

    def share(self, file: File, channel: str, ts: str) -> None:
        file.shares.setdefault(channel, []).append({"ts": ts, "team_id": TEAM, "share_user_id": BOT_USER})

    def picture_url(self, file: File, url: str) -> str:
        """Where a person's browser finds it; no token is needed, as with Slack's cookie."""
        return f"{url}/files-pri/{TEAM}-{file.id}/{file.name}?t={self.viewer_key}"

    def json(self, file: File, url: str, *, for_person: bool = False) -> Json:
        """The file object; a person's browser needs no token for its addresses, as with Slack's cookie."""
        kind = PurePath(file.name).suffix.lstrip(".") or "binary"
        base, key = f"{url}/files-pri/{TEAM}-{file.id}", f"?t={self.viewer_key}" if for_person else ""
        public: dict[str, list[Json]] = {}
        private: dict[str, list[Json]] = {}
        for channel, shares in file.shares.items():
            secret = self._workspace.channel(channel).kind != "channels"
            (private if secret else public)[channel] = shares
        return {
            "id": file.id,
            "created": file.created,
            "timestamp": file.created,
            "name": file.name,
            "title": file.title,
            "mimetype": file.mimetype,
            "filetype": kind,
            "pretty_type": kind.upper(),
            "user": BOT_USER,
            "user_team": TEAM,
            "editable": False,
            "size": file.length,
            "mode": "hosted",
            "is_external": False,
            "external_type": "",
            "is_public": bool(public),
            "public_url_shared": False,
            "display_as_bot": False,
            "username": "",
            "alt_txt": file.alt_text,
            "url_private": f"{base}/{file.name}{key}",
            "url_private_download": f"{base}/download/{file.name}{key}",
            "permalink": f"{url}/files/{BOT_USER}/{file.id}/{file.name}",
            "has_rich_preview": False,
            "file_access": "visible",
            "shares": {name: group for name, group in (("public", public), ("private", private)) if group},
            "channels": list(public),
            "groups": [channel for channel in private if channel.startswith("C")],
            "ims": [channel for channel in private if channel.startswith("D")],
        }
