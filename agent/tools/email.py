"""E-mail: the tool `send_email`, and the mail server, which takes each e-mail once."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime, localtime, make_msgid
from typing import Annotated, Protocol

from aiosmtplib import SMTP, SMTPException, SMTPResponseException, SMTPTimeoutError
from langchain_core.tools import BaseTool, ToolException
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from agent.gate import OutcomeUnknown, PlainTool
from agent.phrases import results
from agent.tool_arguments import titled

MOST_RECIPIENTS = 50
MOST_ATTACHMENTS = 10
LONGEST_SUBJECT = 200  # characters
LONGEST_TEXT = 100_000  # characters of the body, and of each attachment
# One plain address: no name, no list, no comment in which another one could hide.
_ADDRESS = re.compile(
    r"[0-9A-Za-z.!#$%&'*+/=?^_`{|}~-]{1,64}@"
    r"(?:[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?\.)+"
    r"[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?"
)
_FILE_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z ._()-]{0,99}")


def _address(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise ValueError(results.ONE_ADDRESS)
    return text


def _subject(text: str) -> str:
    if not text.isprintable() or not text.strip():
        raise ValueError(results.ONE_LINE)
    return text


def _file_name(text: str) -> str:
    if not _FILE_NAME.fullmatch(text):
        raise ValueError(results.A_FILE_NAME)
    return text


Address = Annotated[str, AfterValidator(_address)]
Addresses = Address | Annotated[list[Address], Field(max_length=MOST_RECIPIENTS)]


class Attachment(BaseModel):
    """A text file that goes with the e-mail."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, AfterValidator(_file_name)] = Field(
        description="Its name, such as figures.csv."
    )
    text: str = Field(max_length=LONGEST_TEXT, description="Its whole content.")


class SendEmail(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    to: Addresses = Field(description="One plain address, or a list of them.")
    subject: Annotated[str, AfterValidator(_subject)] = Field(
        max_length=LONGEST_SUBJECT, description="One line."
    )
    body: str = Field(max_length=LONGEST_TEXT, description="Plain text.")
    cc: Addresses = Field([], description="As `to`; everybody sees them.")
    bcc: Addresses = Field([], description="As `to`; only the approvers see them.")
    attachments: list[Attachment] = Field(
        [], max_length=MOST_ATTACHMENTS, description="Text files, with their content."
    )

    @model_validator(mode="after")
    def _has_recipients(self) -> SendEmail:
        if not _listed(self.to):
            raise ValueError(results.NOBODY)
        if len(recipients(self)) > MOST_RECIPIENTS:
            raise ValueError(results.too_many_recipients(MOST_RECIPIENTS))
        return self


def make_email_tool(mail: Mail) -> BaseTool:
    """Make the tool; it sends through `mail`, from its sender."""

    async def send_email(
        to: str | list[str],
        subject: str,
        body: str,
        cc: str | list[str] | None = None,
        bcc: str | list[str] | None = None,
        attachments: list[Attachment] | None = None,
    ) -> str:
        """Send an e-mail. What is sent cannot be taken back."""
        email = SendEmail(
            to=to,
            subject=subject,
            body=body,
            cc=cc or [],
            bcc=bcc or [],
            attachments=attachments or [],
        )
        return await send(mail, email)

    return PlainTool.from_function(
        coroutine=send_email, args_schema=SendEmail, metadata=titled("send_email")
    )


async def send(mail: Mail, email: SendEmail) -> str:
    """Send, and say to whom.

    Raises:
        ToolException: it was not sent.
        OutcomeUnknown: nobody knows.
    """
    to_whom = recipients(email)
    try:
        await mail.send(written(email, mail.sender), to_whom)
    except NotSent as error:
        raise ToolException(results.not_sent(error)) from error
    except MaybeSent as error:
        raise OutcomeUnknown(results.UNCONFIRMED) from error
    return results.sent(to_whom)


def recipients(email: SendEmail) -> list[str]:
    """Everybody who gets it, each once: those of the card and nobody else."""
    named = [*_listed(email.to), *_listed(email.cc), *_listed(email.bcc)]
    return list(dict.fromkeys(named))


def written(email: SendEmail, sender: str) -> EmailMessage:
    """The message; `bcc` stands on the envelope alone."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = ", ".join(_listed(email.to))
    if copies := _listed(email.cc):
        message["Cc"] = ", ".join(copies)
    message["Subject"] = email.subject
    message["Date"] = format_datetime(localtime())
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    message.set_content(email.body)
    for attachment in email.attachments:
        message.add_attachment(attachment.text, filename=attachment.name)
    return message


def _listed(given: str | Sequence[str]) -> list[str]:
    return [given] if isinstance(given, str) else list(given)


# --- The mail server ------------------------------------------------------------------

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
    """Send the content; from here on the server may have it without saying so."""
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
