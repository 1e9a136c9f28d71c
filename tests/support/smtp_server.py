"""A real mail server in the test's process, which can be slow, or refuse."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

from tests.support.bot_process import free_port

SENDER = "bot@example.com"


@dataclass
class Got:
    """One e-mail as it came in."""

    sender: str
    recipients: list[str]
    message: EmailMessage

    @property
    def text(self) -> str:
        body = self.message.get_body(("plain",))
        assert body is not None
        return body.get_content()

    @property
    def html(self) -> str:
        body = self.message.get_body(("html",))
        assert body is not None
        return body.get_content()


@dataclass
class SmtpServer:
    """The server's behaviour, and the e-mails that it got. Delays are in seconds."""

    port: int
    got: list[Got] = field(default_factory=list)
    slow_recipient: float = 0
    slow_data: float = 0  # after the whole e-mail has come in
    refuse: str = ""  # what it answers to a recipient
    drop: bool = False  # fall silent once the whole e-mail is there
    recipients_seen: int = 0

    @property
    def settings(self) -> dict[str, str]:
        url = f"smtp://127.0.0.1:{self.port}"
        return {"SMTP_URL": url, "SMTP_FROM": SENDER}

    def to(self, address: str) -> list[Got]:
        return [each for each in self.got if address in each.recipients]

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's own name
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        self.recipients_seen += 1
        await asyncio.sleep(self.slow_recipient)
        if self.refuse:
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: Any, session: Any, envelope: Any
    ) -> str:
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.got.append(Got(envelope.mail_from, list(envelope.rcpt_tos), message))
        await asyncio.sleep(self.slow_data)
        if self.drop:
            server.transport.abort()
        return "250 Taken"


@contextmanager
def smtp_server() -> Iterator[SmtpServer]:
    """A running server."""
    server = SmtpServer(free_port())
    controller = Controller(server, hostname="127.0.0.1", port=server.port)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()
