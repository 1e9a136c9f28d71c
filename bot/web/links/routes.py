"""`/approve/{token}`: GET and HEAD only show, the POST from that page decides."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace

from aiohttp import web

from bot.approvals import store
from bot.approvals.choice import CHANGES
from bot.approvals.decide import Decider
from bot.approvals.eligibility import who_can_decide
from bot.approvals.judge import Choice, Effect
from bot.approvals.model import Person, Request, Verdict
from bot.approvals.outside import why_no_links
from bot.approvals.ports import People, Policies
from bot.approvals.standing import Standing, refreshed
from bot.database.pool import Pool
from bot.errors import TRANSIENT, SlackUnavailable
from bot.links import store as links
from bot.links.tokens import Link, Signer, hash_of
from bot.web import sentences
from bot.web.links import guard
from bot.web.links.page import Shown, request_page, sentence_page

NOT_GOOD = (
    "This link is not good: it may have been used already, be too old, or be about "
    "something that has changed since. Nothing was decided. Please use the card in "
    "Slack, or wait for the next e-mail."
)
NOT_FROM_HERE = (
    "This was not sent by the page of the link itself, so nothing was decided. Please "
    "open the link again and decide there."
)
_SHUT = {
    "no_links": "The policy does not let links decide this. Please use the card in "
    "Slack.",
    "critical": "This is marked as critical, and no link decides it. Please use the "
    "card in Slack.",
    "policy_changed": "The policy has changed since this was asked, so no link decides "
    "it any more. Please use the card in Slack.",
}
LARGEST = 30_000  # bytes of a form
WORDS = (Verdict.APPROVE, Verdict.REJECT, Verdict.ANSWER)
NAMES_IN = 1.0  # seconds that looking up names may take


@dataclass(frozen=True)
class LinkPages:
    """Handlers of both methods."""

    pool: Pool
    people: People
    policies: Policies
    decider: Decider
    signer: Signer

    def routes(self) -> list[web.RouteDef]:
        """The address, for whoever has a token."""
        return [
            web.get("/approve/{token}", self._show),
            web.post("/approve/{token}", self._take),
        ]

    async def _show(self, request: web.Request) -> web.Response:
        token = request.match_info["token"]
        try:
            opened = await self._open(token)
        except TRANSIENT:
            return _page(503, sentence_page(sentences.NOT_NOW))
        if opened is None:
            return _page(403, sentence_page(NOT_GOOD))
        link, found = opened
        shut = self._shut(found) if found.is_open else ""
        cookie = request.cookies.get(guard.COOKIE) or guard.new_cookie()
        decides = found.is_open and not shut
        form = guard.form_token(cookie, token, self.signer) if decides else ""
        response = _page(200, await self._drawn(link, found, form, shut))
        guard.set_cookie(response, cookie, self.signer)
        return response

    async def _take(self, request: web.Request) -> web.Response:
        token = request.match_info["token"]
        try:
            form = await _form_of(request)
            opened = await self._open(token)
            if opened is None:
                return _page(403, sentence_page(NOT_GOOD))
            if not self._is_ours(request, form, token):
                return _page(403, sentence_page(NOT_FROM_HERE))
            return await self._decide(token, *opened, form)
        except TRANSIENT:
            return _page(503, sentence_page(sentences.NOT_NOW))

    def _is_ours(
        self, request: web.Request, form: Mapping[str, str], token: str
    ) -> bool:
        own = guard.is_from_our_page(request, self.signer)
        given = form.get("form", "")
        return own and guard.is_our_form(request, given, token, self.signer)

    async def _decide(
        self, token: str, link: Link, found: Request, form: Mapping[str, str]
    ) -> web.Response:
        choice = _choice(token, link, found, form)
        if shut := self._shut(found):
            return _page(403, sentence_page(shut))
        if choice is None:
            return _page(422, sentence_page("Please choose one of the page's buttons."))
        async with self.pool.connection() as connection:
            if not await links.use(connection, token):
                return _page(403, sentence_page(NOT_GOOD))
        effect: Effect | None = None
        try:
            judgement, _ = await self.decider.decide(choice)
            effect = judgement.effect
        finally:
            if effect not in CHANGES | {Effect.LATE, Effect.REPEATED}:
                await self._give_back(token)
        now = await self._now(found.id) or found
        said = sentences.answer(judgement, now, choice.person)
        shown = await self._drawn(link, now, "", said.sentence)
        return _page(said.status, shown)

    async def _give_back(self, token: str) -> None:
        async with self.pool.connection() as connection:
            await links.give_back(connection, token)

    async def _open(self, token: str) -> tuple[Link, Request] | None:
        """Whom a good token invites to what; None for every other one, for one reason.

        Whoever holds a bad token is not told what is wrong with it.
        """
        link = self.signer.read(token)
        if link is None:
            return None
        async with self.pool.connection() as connection:
            if not await links.is_good(connection, token, link):
                return None
        found = await self._now(link.request)
        if found is None or found.grant_digest != link.digest:
            return None
        return link, found

    async def _now(self, request: str) -> Request | None:
        async with self.pool.connection() as connection:
            found = await store.load_with_clock(connection, request)
        return self._fresh(*found) if found else None

    def _fresh(self, request: Request, now: dt.datetime) -> Request:
        return refreshed(request, Standing(self.policies.current, now, {}))

    def _shut(self, request: Request) -> str:
        return _SHUT.get(why_no_links(request, self.policies.current), "")

    async def _drawn(
        self, link: Link, request: Request, form: str, said: str = ""
    ) -> str:
        users = {link.user, request.requester.user, *who_can_decide(request)[:6]}
        users |= {decision.person.user for decision in request.decisions}
        names = await self._names(request.team, sorted(users))
        return request_page(Shown(request, link.user, names, form, said))

    async def _names(self, team: str, users: list[str]) -> Mapping[str, str]:
        """Display names; a page without them is a page still."""
        asked = (self.people.look_up(Person("", team, user)) for user in users)
        try:
            async with asyncio.timeout(NAMES_IN):
                found = await asyncio.gather(*asked)
        except (SlackUnavailable, TimeoutError):
            return {}
        return {profile.person.user: profile.name for profile in found}


def _choice(
    token: str, link: Link, found: Request, form: Mapping[str, str]
) -> Choice | None:
    """The link's own person says it: nothing in the form says who."""
    word = form.get("decision", "")
    if word not in WORDS:
        return None
    choice = Choice(
        request=found.token,
        person=Person("", link.team, link.user),
        verdict=Verdict(word),
        via="link",
        reason=form.get("reason", "").strip(),
        click=f"link:{hash_of(token)[:32]}",
        typed=form.get("typed", ""),
    )
    if choice.verdict is Verdict.ANSWER:
        return replace(choice, reason=form.get("answer", "").strip())
    return choice if choice.verdict is Verdict.REJECT else replace(choice, reason="")


async def _form_of(request: web.Request) -> Mapping[str, str]:
    """The fields of a form; empty for what no page of ours sends."""
    plain = request.content_type == "application/x-www-form-urlencoded"
    if not plain or (request.content_length or LARGEST + 1) > LARGEST:
        return {}
    try:
        fields = await request.post()
    except (ValueError, LookupError):  # bytes or a charset that nobody can read
        return {}
    return {
        name: value.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")
        for name, value in fields.items()
        if isinstance(value, str)
    }


def _page(status: int, text: str) -> web.Response:
    return web.Response(
        status=status, text=text, content_type="text/html", headers=guard.HEADERS
    )
