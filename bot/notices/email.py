"""Send the e-mails about requests, to whom they still concern."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from agent.mail import Mail, MaybeSent, NotSent
from bot.approvals import store
from bot.approvals.eligibility import who_can_decide
from bot.approvals.model import Person, Request
from bot.approvals.outside import why_no_links
from bot.approvals.ports import People, Policies
from bot.approvals.standing import Standing, refreshed
from bot.conversations.aside import ASIDE
from bot.database.pool import Pool
from bot.errors import RetryLater
from bot.links import store as links
from bot.links.tokens import Link, Signer
from bot.notices.jobs import EMAILS_FOR, SQL, wait_after
from bot.notices.letters import Letter, written
from bot.slack.addresses import Addresses
from bot.slack.drawing import closed_by
from bot.slack.identity import Identity
from bot.slack.text import one_line

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Emails:
    """Does the job `email`. Without a signer no e-mail has a link that decides."""

    pool: Pool
    people: People
    policies: Policies
    addresses: Addresses
    identity: Callable[[], Identity]
    mail: Mail
    signer: Signer | None
    signs_in: bool  # whether links may lead to what is critical

    async def send(self, email: str) -> None:
        """Send one e-mail; at least once, with one Message-ID.

        Raises:
            RetryLater, SlackUnavailable: it is to be tried again.
        """
        row = await self._row(email)
        if row is None:
            return
        request = await self._request(row["request_id"])
        if request is None or not _concerns(row, request):
            await self._note(row, "it is over", "needless")
            return
        address = await self.addresses.of(row["user_id"])
        if not address:
            log.warning(
                "somebody has no e-mail address in Slack",
                action="email_no_address",
                user=row["user_id"],
            )
            await self._note(row, "no address", "failed")
            return
        await self._send(row, request, address)

    async def _row(self, email: str) -> Mapping[str, Any] | None:
        key = {"id": email, "patience": EMAILS_FOR}
        async with self.pool.connection() as connection:
            return await (await connection.execute(SQL["select_email"], key)).fetchone()

    async def _request(self, name: str) -> Request | None:
        async with self.pool.connection() as connection:
            found = await store.load_with_clock(connection, name)
        if found is None:
            return None
        request, now = found
        return refreshed(request, Standing(self.policies.current, now, {}))

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
            await self.mail.send(message, [address])
        except (NotSent, MaybeSent) as error:
            await self._not_sent(row, error)
        else:
            await self._note(row, "", "sent")

    async def _not_sent(
        self, row: Mapping[str, Any], error: NotSent | MaybeSent
    ) -> None:
        passes = isinstance(error, MaybeSent) or error.passes
        answer = str(error) or "unknown"
        if passes and not row["is_over"]:
            await self._note(row, answer, "queued")
            raise RetryLater(wait_after(row["tries"]))
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
            await connection.execute(SQL["email_tried"], key)

    async def _letter(self, row: Mapping[str, Any], request: Request) -> Letter:
        kind, decider = row["kind"], closed_by(request)
        return Letter(
            request=request,
            kind=kind,
            requester=await self._name(request.team, request.requester.user),
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
        digest = request.grant_digest
        link = Link(request.id, row["team_id"], row["user_id"], digest)
        async with self.pool.connection() as connection:
            return await links.make(connection, self.signer, link)

    def _card(self, request: Request) -> str:
        if not request.card_ts or request.card_channel == ASIDE:
            return ""
        return self.identity().permalink(request.card_channel, request.card_ts)


def _concerns(row: Mapping[str, Any], request: Request) -> bool:
    """Whether there is still something to do, or to know, for who is written to."""
    if row["kind"] == "outcome":
        return not request.is_open
    return row["user_id"] in who_can_decide(request)
