"""`/approve/{token}`: GET and HEAD only show, the POST from that page decides."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

from aiohttp import web

from bot.approvals.decide import Decider
from bot.approvals.eligibility import is_critical, who_can_decide
from bot.approvals.judge import Result
from bot.approvals.model import CHANGES, Action, Effect, Person, Request, Verdict
from bot.approvals.outside_slack import why_no_links
from bot.approvals.ports import People
from bot.approvals.rate_limit import count
from bot.base.errors import SlackUnavailable
from bot.base.settings_types import Rate
from bot.database.pool import TRANSIENT
from bot.texts import web as sentences
from bot.texts.web import NO_CHOICE, NOT_FROM_HERE, NOT_GOOD, SHUT, SIGN_IN_FIRST
from bot.web.links import guard
from bot.web.links import tokens as links
from bot.web.links.guard import BY_LINK, BY_SIGN_IN, Opening, html
from bot.web.links.pages import Shown, request_page, sentence_page, takes, used_page
from bot.web.links.sign_in import SignIn
from bot.web.links.tokens import Link, hash_of

NAMES_IN = 1.0  # seconds that looking up names may take


@dataclass(frozen=True)
class LinkPages:
    """Handlers of both methods. Without `sign_in` nothing critical is decided here."""

    opening: Opening
    people: People
    decider: Decider
    sign_in: SignIn | None
    rate: Rate | None

    def routes(self) -> list[web.RouteDef]:
        """The addresses, for whoever has a token."""
        return [
            web.get("/approve/{token}", self._show),
            web.post("/approve/{token}", self._take),
        ]

    async def _show(self, request: web.Request) -> web.Response:
        token = request.match_info["token"]
        try:
            opened = await self.opening.open(token)
            if opened is None:
                return await self._closed(token)
        except TRANSIENT:
            return html(503, sentence_page(sentences.NOT_NOW))
        link, found = opened
        if self.sign_in and "sign-in" in request.query and self._is_critical(found):
            return self.sign_in.go(token, link)
        return await self._shown(request, token, link, found)

    async def _shown(
        self, request: web.Request, token: str, link: Link, found: Request
    ) -> web.Response:
        shut = self._shut(found) if found.is_open else ""
        decides = found.is_open and not shut
        outside = decides and not self._is_in(request, token, link, found)
        cookie = request.cookies.get(guard.COOKIE) or guard.new_cookie()
        form = guard.form_token(cookie, token, self.opening.signer)
        shown = Shown(
            request=found,
            user=link.user,
            names=await self._names(link, found),
            form=form if decides and not outside else "",
            said=SIGN_IN_FIRST if outside else shut,
            signs_in=outside,
        )
        response = html(200, request_page(shown))
        guard.set_cookie(response, cookie, self.opening.signer)
        return response

    async def _take(self, request: web.Request) -> web.Response:
        token = request.match_info["token"]
        try:
            form = await fields_of(request)
            opened = await self.opening.open(token)
            if opened is None:
                return await self._closed(token)
            if not self._is_ours(request, form, token):
                return html(403, sentence_page(NOT_FROM_HERE))
            if complaint := await self._complaint(request, token, *opened):
                return complaint
            return await self._decide(token, *opened, form)
        except TRANSIENT:
            return html(503, sentence_page(sentences.NOT_NOW))

    async def _closed(self, token: str) -> web.Response:
        """Refuse a link; the person who used it is told what came of it."""
        used = await self.opening.used(token)
        if used is None:
            return html(403, sentence_page(NOT_GOOD))
        link, found = used
        names = await self._names(link, found)
        return html(403, used_page(link.user, found, names))

    def _is_ours(
        self, request: web.Request, form: Mapping[str, str], token: str
    ) -> bool:
        own = guard.is_from_our_page(request, self.opening.signer)
        given = form.get("form", "")
        return own and guard.is_our_form(request, given, token, self.opening.signer)

    async def _complaint(
        self, request: web.Request, token: str, link: Link, found: Request
    ) -> web.Response | None:
        """Return a refusal if this person's form is not taken, whatever it says."""
        counted = await count(
            self.opening.pool, self.rate, Person("", link.team, link.user)
        )
        if counted.is_over:
            said = sentence_page(sentences.too_many(counted.wait))
            return html(429, said, {"Retry-After": str(counted.wait)})
        if shut := self._shut(found):
            return html(403, sentence_page(shut))
        if not self._is_in(request, token, link, found):
            return html(403, sentence_page(SIGN_IN_FIRST))
        return None

    async def _decide(
        self, token: str, link: Link, found: Request, form: Mapping[str, str]
    ) -> web.Response:
        via = BY_SIGN_IN if self._is_critical(found) else BY_LINK
        action = action_from_link(token, link, found, form, via)
        if action is None:
            return html(422, sentence_page(NO_CHOICE))
        async with self.opening.pool.connection() as connection:
            is_first = await links.use(connection, token)
        if not is_first:
            return await self._closed(token)
        result = await self._judged(token, action)
        now = await self.opening.now(found.id) or found
        said = sentences.answer(result, now, action.person)
        names = await self._names(link, now)
        shown = Shown(now, link.user, names, said=said.sentence)
        return html(said.status, request_page(shown))

    async def _judged(self, token: str, action: Action) -> Result:
        """Decide; a link by which nothing came about is good still."""
        effect: Effect | None = None
        try:
            result, _ = await self.decider.decide(action)
            effect = result.effect
            return result
        finally:
            if effect not in CHANGES | {Effect.LATE, Effect.REPEATED}:
                async with self.opening.pool.connection() as connection:
                    await links.give_back(connection, token)

    def _shut(self, request: Request) -> str:
        policy, signs_in = self.opening.policies.current, self.sign_in is not None
        return SHUT.get(why_no_links(request, policy, signs_in=signs_in), "")

    def _is_critical(self, request: Request) -> bool:
        return is_critical(request, self.opening.policies.current)

    def _is_in(
        self, request: web.Request, token: str, link: Link, found: Request
    ) -> bool:
        """Return whether enough is known of the person at the browser."""
        if not self._is_critical(found):
            return True
        return self.sign_in is not None and self.sign_in.is_in(request, token, link)

    async def _names(self, link: Link, request: Request) -> Mapping[str, str]:
        """Display names; a page without them is a page still."""
        users = {link.user, request.people.requester.user, *who_can_decide(request)[:6]}
        users |= {decision.person.user for decision in request.chain.decisions}
        people = [Person("", request.team, user) for user in sorted(users)]
        try:
            async with asyncio.timeout(NAMES_IN):
                found = await asyncio.gather(*map(self.people.look_up, people))
        except (SlackUnavailable, TimeoutError):
            return {}
        return {profile.person.user: profile.name for profile in found}


LARGEST = 30_000  # bytes of a form


def action_from_link(
    token: str, link: Link, found: Request, form: Mapping[str, str], via: str
) -> Action | None:
    """The link's own person says it: nothing in the form says who."""
    word = form.get("decision", "")
    if word not in takes(found):
        return None
    action = Action(
        request=found.place.token,
        person=Person("", link.team, link.user),
        verdict=Verdict(word),
        via=via,
        reason=form.get("reason", "").strip(),
        click=f"link:{hash_of(token)[:32]}",
        typed=form.get("typed", ""),
    )
    if action.verdict is Verdict.ANSWER:
        return replace(action, reason=form.get("answer", "").strip())
    return action if action.verdict is Verdict.REJECT else replace(action, reason="")


async def fields_of(request: web.Request) -> Mapping[str, str]:
    """The fields of a form; empty for what no page of ours sends, such as one twice."""
    plain = request.content_type == "application/x-www-form-urlencoded"
    if not plain or (request.content_length or LARGEST + 1) > LARGEST:
        return {}
    try:
        fields = await request.post()
    except (ValueError, LookupError):  # bytes or a charset that nobody can read
        return {}
    if len({*fields}) < len(fields):
        return {}
    return {
        name: value.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")
        for name, value in fields.items()
        if isinstance(value, str)
    }
