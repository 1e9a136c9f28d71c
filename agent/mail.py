"""Send one e-mail once, and know whether it went out, or that nobody knows."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from typing import Protocol

from aiosmtplib import SMTP, SMTPException, SMTPResponseException, SMTPTimeoutError

from agent.phrases import results

FAREWELL = 2.0  # seconds; all is said by then


class NotSent(Exception):
    """The mail server did not take the e-mail; its text says why, in a sentence.

    `passes`: trying again later may help.
    """

    def __init__(self, sentence: str, *, passes: bool) -> None:
        super().__init__(sentence)
        self.passes = passes


class MaybeSent(Exception):
    """The whole e-mail was on its way when the mail server fell silent."""


class Mail(Protocol):
    """Takes e-mails to people."""

    @property
    def sender(self) -> str:
        """The address that they come from."""
        ...

    async def send(self, message: EmailMessage, recipients: Sequence[str]) -> None:
        """Send to all of these addresses, or to none.

        Raises:
            NotSent, MaybeSent: see there.
        """
        ...


@dataclass(frozen=True)
class SmtpMail:
    """A mail server, one connection for each e-mail.

    `tls`: from the first byte on; else STARTTLS where the server offers it.
    """

    host: str
    port: int
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    patience: float = 30.0  # seconds for each answer of the server

    async def send(self, message: EmailMessage, recipients: Sequence[str]) -> None:
        """Send to all of these addresses, or to none."""
        content = message.as_bytes(policy=policy.SMTP)
        async with self._connected() as client:
            try:
                await client.mail(self.sender)
                for recipient in recipients:
                    await client.rcpt(recipient)
            except (SMTPException, OSError) as error:
                raise _not_sent(error) from error
            await _hand_over(client, content)

    @asynccontextmanager
    async def _connected(self) -> AsyncGenerator[SMTP]:
        client = SMTP(
            hostname=self.host, port=self.port, use_tls=self.tls, timeout=self.patience
        )
        try:
            await client.connect()
            if self.user:
                await client.login(self.user, self.password)
        except (SMTPException, OSError) as error:
            client.close()
            raise _not_sent(error) from error
        try:
            yield client
        finally:
            with contextlib.suppress(SMTPException, OSError):
                await client.quit(timeout=FAREWELL)
            client.close()


async def _hand_over(client: SMTP, content: bytes) -> None:
    """From here on the server may have it although it does not say so."""
    try:
        await client.data(content)
    except SMTPResponseException as error:
        raise _not_sent(error) from error
    except (SMTPException, OSError) as error:
        raise MaybeSent from error


def _not_sent(error: Exception) -> NotSent:
    """Build the error without the server's words: they may repeat the message."""
    if isinstance(error, SMTPResponseException):
        code = error.code
        return NotSent(results.refused(code), passes=code < 500)
    if isinstance(error, SMTPTimeoutError):
        return NotSent(results.NO_ANSWER, passes=True)
    return NotSent(results.SERVER_AWAY, passes=True)
