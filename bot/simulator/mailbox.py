"""The mailbox that the simulator keeps, and its page."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from html import escape

from aiohttp import web

from bot.simulator.page_guard import reading
from bot.simulator.people import User
from bot.simulator.workspace import Workspace

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
        """The e-mail's subject, decoded."""
        return str(self.message["Subject"] or "")

    @property
    def text(self) -> str:
        """The e-mail's plain text."""
        body = self.message.get_body(("plain",))
        return str(body.get_content()) if body is not None else ""

    @property
    def html(self) -> str:
        """The e-mail's HTML; "" if it has plain text alone."""
        body = self.message.get_body(("html",))
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
        """Return the e-mails to an address, newest first."""
        return [mail for mail in reversed(self.mails) if address in mail.recipients]


_ADDRESS = re.compile(r"https?://[^\s<>\"']+")


class MailPage:
    """Handler of `/mailbox`: it shows text with links, as a mail program would."""

    def __init__(self, workspace: Workspace, mailbox: Mailbox) -> None:
        self._workspace, self._mailbox = workspace, mailbox

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/mailbox", reading(self._show)),
            web.get("/mailbox/{number}", reading(self._inside)),
        ]

    async def _show(self, request: web.Request) -> web.Response:
        person = self._workspace.users.get(request.query.get("user", ""))
        body = _page(person, self._people(), self._mails(person))
        return web.Response(text=body, content_type="text/html")

    async def _inside(self, request: web.Request) -> web.Response:
        """Give a mail's HTML for the frame that shows it: no script, no form."""
        number = request.match_info["number"]
        for mail in self._mailbox.mails:
            if str(mail.number) == number and mail.html:
                return web.Response(
                    text=_FRAME + mail.html,
                    content_type="text/html",
                    headers={"Content-Security-Policy": _STYLED},
                )
        return web.Response(status=404, text="There is no such e-mail.\n")

    def _people(self) -> list[User]:
        users = self._workspace.users.values()
        return [user for user in users if user.email and not user.deleted]

    def _mails(self, person: User | None) -> Iterable[StoredMail]:
        if person is None:
            return list(reversed(self._mailbox.mails))
        return self._mailbox.to(person.email)


# A link in a mail opens beside the mailbox, as in a mail program.
_FRAME = '<base target="_blank">'


_STYLED = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'"
)


def _page(
    person: User | None, people: Iterable[User], mails: Iterable[StoredMail]
) -> str:
    title = f"Mailbox of {person.shown_name}" if person else "Mailbox of everybody"
    listed = "".join(map(_mail, mails)) or "<p>There are no e-mails here yet.</p>"
    links = "".join(_choice(user, user is person) for user in people)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title>"
        '<link rel="icon" href="data:,">'
        '<link rel="stylesheet" href="/page/mailbox.css">'
        '<script type="module" src="/page/mailbox.js"></script></head><body>'
        f"<header><h1>{escape(title)}</h1><p>The bot's e-mails are kept here: nothing "
        "leaves the simulator unless SMTP_URL is set. "
        '<a href="/">Back</a></p>'
        f'<nav aria-label="Mailboxes"><a href="/mailbox">Everybody</a>{links}</nav>'
        f"</header><main>{listed}</main></body></html>\n"
    )


def _choice(user: User, is_open: bool) -> str:
    current = ' aria-current="page"' if is_open else ""
    return f'<a href="/mailbox?user={user.id}"{current}>{escape(user.shown_name)}</a>'


def _mail(mail: StoredMail) -> str:
    at = datetime.fromtimestamp(mail.at, UTC)
    to, recipients = str(mail.message["To"]), ", ".join(mail.recipients)
    facts = (
        ("From", str(mail.message["From"])),
        ("To", to),
        ("Cc", str(mail.message["Cc"] or "")),
        ("Delivered to", recipients if recipients != to else ""),
        ("Date", f"{at.day} {at:%b %Y %H:%M:%S} UTC"),
        ("Attachments", ", ".join(mail.attachments)),
    )
    rows = "".join(
        f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in facts if value
    )
    return (
        f'<article data-testid="mail-{mail.number}"><h2>{escape(mail.subject)}</h2>'
        f"<dl>{rows}</dl>{_content(mail)}</article>"
    )


def _content(mail: StoredMail) -> str:
    """The HTML as a mail program shows it, the text behind a click; or the text."""
    text = f"<pre>{_with_links(mail.text)}</pre>"
    if not mail.html:
        return text
    return (
        f'<iframe title="{escape(mail.subject)}" src="/mailbox/{mail.number}" '
        'sandbox="allow-same-origin allow-popups allow-popups-to-escape-sandbox">'
        f"</iframe><details><summary>Plain text</summary>{text}</details>"
    )


def _with_links(text: str) -> str:
    """Addresses become links, as in a mail program."""
    parts: list[str] = []
    end = 0
    for found in _ADDRESS.finditer(text):
        address = escape(found.group())
        parts.append(escape(text[end : found.start()]))
        parts.append(f'<a href="{address}" rel="noreferrer">{address}</a>')
        end = found.end()
    return "".join([*parts, escape(text[end:])])
