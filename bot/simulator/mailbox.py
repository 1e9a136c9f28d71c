"""The mailbox of the simulated workspace: what a mail server would have taken."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage

KEPT = 200  # e-mails; the oldest go


@dataclass(frozen=True)
class StoredMail:
    """One e-mail as it would have left."""

    number: int
    at: float  # Unix time
    recipients: tuple[str, ...]
    message: EmailMessage

    @property
    def subject(self) -> str:
        """Its subject, decoded."""
        return str(self.message["Subject"] or "")

    @property
    def text(self) -> str:
        """Its plain text."""
        body = self.message.get_body(("plain",))
        return str(body.get_content()) if body is not None else ""

    @property
    def attachments(self) -> tuple[str, ...]:
        """The names of what goes with it."""
        parts = self.message.iter_attachments()
        return tuple(str(part.get_filename() or "a file") for part in parts)


@dataclass
class Mailbox:
    """Takes e-mails from the bot and shows them to visitors; nothing leaves."""

    sender: str = "approval-bot@simulator.example"
    clock: Callable[[], float] = time.time
    mails: deque[StoredMail] = field(default_factory=lambda: deque(maxlen=KEPT))
    _count: int = 0

    async def send(self, message: EmailMessage, recipients: Sequence[str]) -> None:
        """Keep an e-mail."""
        self._count += 1
        mail = StoredMail(self._count, self.clock(), tuple(recipients), message)
        self.mails.append(mail)

    def to(self, address: str) -> list[StoredMail]:
        """What an address has got, newest first."""
        return [mail for mail in reversed(self.mails) if address in mail.recipients]
