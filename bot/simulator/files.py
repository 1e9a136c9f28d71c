"""Files of the simulated workspace, as Slack's file objects."""

from __future__ import annotations

import base64
import mimetypes
import re
import secrets
from dataclasses import dataclass

from bot.simulator.shapes import Json

_PREVIEW_LINES = 5
_TEXTS = ("text/", "application/json", "application/xml", "application/yaml")


@dataclass
class StoredFile:
    """A file; `content` is None until it was sent, `shared` once it is in a channel."""

    id: str
    name: str
    user: str
    created: int
    title: str = ""
    content: bytes | None = None
    shared: bool = False

    @property
    def mimetype(self) -> str:
        """What kind of content the name promises."""
        return mimetypes.guess_type(self.name)[0] or "text/plain"

    def as_slack(self, base: str, team_id: str) -> Json:
        """Return the file object; `base` is where the simulator's addresses begin."""
        size = len(self.content or b"")
        safe = re.sub(r"[^A-Za-z0-9._-]", "_", self.name)
        url = f"{base}/files/{self.id}/{safe}"
        found: Json = {
            "id": self.id,
            "created": self.created,
            "timestamp": self.created,
            "name": self.name,
            "title": self.title or self.name,
            "mimetype": self.mimetype,
            "filetype": self.name.rpartition(".")[2] or "text",
            "pretty_type": "Plain Text" if self._is_text else "Binary",
            "user": self.user,
            "user_team": team_id,
            "editable": False,
            "size": size,
            "mode": "hosted",
            "is_external": False,
            "external_type": "",
            "is_public": self.shared,
            "public_url_shared": False,
            "display_as_bot": False,
            "username": "",
            "url_private": url,
            "url_private_download": url,
            "permalink": url,
            "has_rich_preview": False,
            "file_access": "visible",
        }
        return found | (self._preview() if self._is_text else {})

    @property
    def _is_text(self) -> bool:
        return self.mimetype.startswith(_TEXTS)

    def _preview(self) -> Json:
        lines = (self.content or b"").decode(errors="replace").splitlines()
        return {
            "preview": "\n".join(lines[:_PREVIEW_LINES]),
            "lines": len(lines),
            "lines_more": max(0, len(lines) - _PREVIEW_LINES),
            "preview_is_truncated": len(lines) > _PREVIEW_LINES,
        }

    def as_saved(self) -> Json:
        """Return the part that is written to the state file."""
        content = base64.b64encode(self.content or b"").decode()
        saved = {"id": self.id, "name": self.name, "user": self.user}
        return {**saved, "created": self.created, "title": self.title, "is": content}

    @classmethod
    def from_saved(cls, saved: Json) -> StoredFile:
        """Return the file that `as_saved` gave."""
        rest = {name: value for name, value in saved.items() if name != "is"}
        return cls(**rest, content=base64.b64decode(saved["is"]), shared=True)


def new_object_id(letter: str) -> str:
    """Return a fresh id of a file (F) or a group message (G)."""
    return f"{letter}0{secrets.token_hex(5).upper()}"
