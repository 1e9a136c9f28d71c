"""Send e-mails about requests to the people whom they still concern."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape
from textwrap import indent
from typing import Any, ClassVar, LiteralString

import structlog

from agent.tools.email import Mail, MaybeSent, NotSent
from bot.approvals import store
from bot.approvals.eligibility import (
    PolicyContext,
    closed_by,
    who_can_decide,
    with_current_people,
)
from bot.approvals.model import Person, Request
from bot.approvals.outside_slack import why_no_links
from bot.approvals.ports import People, Policies
from bot.base.errors import RetryLater
from bot.conversations.conversation import ASIDE
from bot.database.pool import Pool
from bot.notices import SQL
from bot.notices.feed import EMAILS_FOR, next_try
from bot.slack.cards.arguments import asked_fields, asked_text, tool_field
from bot.slack.directory import Addresses
from bot.slack.identity import Identity
from bot.texts.call import (
    ARGUMENTS,
    Field,
    html_fields,
    html_headline,
    left_out,
    plain_headline,
    text_fields,
)
from bot.texts.formatting import long_arguments, one_line, read_in
from bot.texts.notices import CARE, Letter, opening_lines, subject, ways_to_decide
from bot.web.links import tokens as links
from bot.web.links.tokens import Link, Signer

log = structlog.get_logger(__name__)
LEASE = 240.0  # seconds: a mail server may take its time for each answer


@dataclass(frozen=True)
class Emails:
    """The outbox of e-mails; see `bot.jobs.courier.Outbox`.

    Without a signer no e-mail has a link that decides.
    """

    pool: Pool
    people: People
    policies: Policies
    addresses: Addresses
    identity: Callable[[], Identity]
    mail: Mail
    signer: Signer | None
    signs_in: bool  # whether links may lead to what is critical
    statements: ClassVar[Mapping[str, LiteralString]] = {
        "pick": SQL["pick_email"],
        "take": SQL["take_email"],
        "postpone": SQL["postpone_email"],
    }

    @property
    def lease(self) -> float:
        return LEASE

    async def bring(self, row: Mapping[str, Any]) -> bool:
        """Send one e-mail; at least once, with one Message-ID.

        Raises:
            RetryLater, SlackUnavailable: it is to be tried again.
        """
        request = await self._request(row["request_id"])
        if request is None or not _concerns(row, request):
            await self._note(row, "it is over", "needless")
        else:
            await self._send_to(row, request)
        return False

    async def _send_to(self, row: Mapping[str, Any], request: Request) -> None:
        address = await self.addresses.of(row["user_id"])
        if not address:
            log.warning(
                "someone has no e-mail address in Slack",
                action="email_no_address",
                user=row["user_id"],
            )
            await self._note(row, "no address", "failed")
            return
        await self._send(row, request, address)

    async def _request(self, name: str) -> Request | None:
        async with self.pool.connection() as connection:
            found = await store.load_with_clock(connection, name)
        if found is None:
            return None
        request, now = found
        return with_current_people(
            request, PolicyContext(self.policies.current, now, {})
        )

    async def _send(
        self, row: Mapping[str, Any], request: Request, address: str
    ) -> None:
        message = written(
            await self._letter(row, request),
            sender=self.mail.sender,
            recipient=address,
            message_id=f"<{row['id']}@{self.mail.sender.rpartition('@')[2]}>",
        )
        try:
            async with asyncio.timeout(self.lease * 0.75):
                await self.mail.send(message, [address])
        except (NotSent, MaybeSent, TimeoutError) as error:
            await self._not_sent(row, error)
        else:
            await self._note(row, "", "sent")

    async def _not_sent(
        self, row: Mapping[str, Any], error: NotSent | MaybeSent | TimeoutError
    ) -> None:
        passes = not isinstance(error, NotSent) or error.passes
        answer = str(error) or "unknown"
        if passes and row["now"] - row["made_at"] < EMAILS_FOR:
            raise RetryLater(next_try(row["tries"]), answer)
        await self._note(row, answer, "failed")
        log.error(
            "an e-mail about a request was given up",
            action="email_given_up",
            request=row["request_id"],
            user=row["user_id"],
            answer=answer,
        )

    async def _note(self, row: Mapping[str, Any], answer: str, state: str) -> None:
        key = {"id": row["id"], "answer": answer, "state": state}
        async with self.pool.connection() as connection:
            await connection.execute(SQL["email_ends"], key)

    async def _letter(self, row: Mapping[str, Any], request: Request) -> Letter:
        kind, decider = row["kind"], closed_by(request)
        reader = Person("", request.team, row["user_id"])
        read_in((await self.people.look_up(reader)).zone)
        return Letter(
            request=request,
            kind=kind,
            requester=await self._name(request.team, request.people.requester.user),
            at=row["made_at"].astimezone(dt.UTC),
            decider=await self._name(request.team, decider) if decider else "",
            link="" if kind == "outcome" else await self._link(row, request),
            card=self._card(request),
        )

    async def _name(self, team: str, user: str) -> str:
        profile = await self.people.look_up(Person("", team, user))
        return f"{one_line(profile.name, 80)} ({user})"

    async def _link(self, row: Mapping[str, Any], request: Request) -> str:
        policy = self.policies.current
        if self.signer is None or why_no_links(request, policy, signs_in=self.signs_in):
            return ""
        digest = request.call.grant_digest
        link = Link(request.id, row["team_id"], row["user_id"], digest)
        async with self.pool.connection() as connection:
            return await links.make(connection, self.signer, link)

    def _card(self, request: Request) -> str:
        place = request.place
        if not place.ts or place.channel == ASIDE:
            return ""
        return self.identity().permalink(place.channel, place.ts)


def _concerns(row: Mapping[str, Any], request: Request) -> bool:
    """Return whether the recipient still has something to do, or to know."""
    if row["kind"] == "outcome":
        return not request.is_open
    return row["user_id"] in who_can_decide(request)


_STYLE = "font:16px/1.5 sans-serif;max-width:40rem"
_TITLE = "font-size:20px;font-weight:bold"
_PRE = "white-space:pre-wrap;background:#f4f4f5;padding:12px;border-radius:6px"
_BUTTON = (
    "display:inline-block;padding:12px 20px;border-radius:6px;text-decoration:none;"
    "font-weight:bold;border:1px solid #00674d;"
)
_FIRST = f"{_BUTTON}background:#00674d;color:#ffffff"
_OTHER = f"{_BUTTON}color:#00674d"

_LINK = "color:#55525b;overflow-wrap:anywhere"


def written(
    letter: Letter, *, sender: str, recipient: str, message_id: str
) -> EmailMessage:
    """The message, in both forms.

    `message_id` stays the same when it is sent again, so that mailboxes show it once.
    """
    message = EmailMessage()
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = subject(letter)
    message["Date"] = format_datetime(letter.at)
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation answers
    message.set_content(_text(letter))
    message.add_alternative(_html(letter), subtype="html")
    return message


def _call(request: Request) -> list[Field]:
    long = long_arguments(asked_text(request))
    if long is None:
        return [*asked_fields(request), tool_field(request)]
    gap = left_out(long.length, long.sha256)
    text = f"{long.head}\n{gap}\n{long.tail}"
    return [Field(ARGUMENTS, text, is_below=True), tool_field(request)]


def _text(letter: Letter) -> str:
    ways = [f"{label}:\n{address}" for label, address in ways_to_decide(letter)]
    care = [CARE] if letter.link else []
    call = indent(text_fields(_call(letter.request)), "    ", lambda _: True)
    return "\n\n".join([*opening_lines(letter), call, *ways, *care]) + "\n"


def _html(letter: Letter) -> str:
    request = letter.request
    title, *others = map(escape, opening_lines(letter))
    marked = title.replace(escape(plain_headline(request)), html_headline(request), 1)
    look = _TITLE if others else ""  # how a request ended is one sentence
    opening = f'<p style="{look}">{marked}</p>'
    opening += "".join(f"<p>{line}</p>" for line in others)
    ways = "".join(
        f'<p><a href="{escape(address)}" style="{look}">{escape(label)}</a></p>'
        f'<p><small><a href="{escape(address)}" style="{_LINK}">{escape(address)}</a>'
        "</small></p>"
        for (label, address), look in zip(
            ways_to_decide(letter), (_FIRST, _OTHER), strict=False
        )
    )
    care = f"<p><small>{CARE}</small></p>" if letter.link else ""
    call = html_fields(_call(request), _PRE)
    return (
        f'<!DOCTYPE html><html lang="en"><body style="{_STYLE}">'
        f"{opening}{call}{ways}{care}</body></html>"
    )
