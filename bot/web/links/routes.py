"""`/approve/{token}`: GET and HEAD only show, a POST decides, some after a sign-in."""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import structlog
from aiohttp import web
from itsdangerous import BadData, URLSafeTimedSerializer

from agent.safe_text import clean_text
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
from bot.slack.openid import NotSignedIn, OpenId
from bot.texts import web as sentences
from bot.texts.formatting import read_in
from bot.texts.web import (
    NO_CHOICE,
    NOT_FROM_HERE,
    NOT_GOOD,
    NOT_SIGNED_IN,
    SHUT,
    SIGN_IN_FIRST,
    SIGNED_IN_AS_ANOTHER,
)
from bot.web.links import pages
from bot.web.links import tokens as links
from bot.web.links.pages import (
    Shown,
    html,
    request_page,
    sentence_page,
    takes,
    used_page,
)
from bot.web.links.tokens import SIGNED, Link, Opening, Signer, hash_of

log = structlog.get_logger(__name__)
BY_LINK, BY_SIGN_IN = "link", "link+sign-in"  # how the person was known
GOING_COOKIE, SIGNED_IN_COOKIE = "sign-in", "signed-in"
BACK = "signed-in"  # where Slack sends browsers: PUBLIC_URL/approve/signed-in
NAMES_IN = 1.0  # seconds that looking up names may take
LARGEST = 30_000  # bytes of a form


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
        cookie = request.cookies.get(pages.COOKIE) or pages.new_cookie()
        form = pages.form_token(cookie, token, self.opening.signer)
        shown = Shown(
            request=found,
            user=link.user,
            names=await self._names(link, found),
            form=form if decides and not outside else "",
            said=SIGN_IN_FIRST if outside else shut,
            signs_in=outside,
        )
        response = html(200, request_page(shown))
        pages.set_cookie(response, cookie, self.opening.signer)
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
        own = pages.is_from_our_page(request, self.opening.signer)
        given = form.get("form", "")
        return own and pages.is_our_form(request, given, token, self.opening.signer)

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
        names = await self._names(link, now)
        said = sentences.answer(result, now, action.person)
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
        """Display names; times are in the reader's zone from here on.

        A page without names, and with times in UTC, is a page still.
        """
        users = {link.user, request.people.requester.user, *who_can_decide(request)[:6]}
        users |= {decision.person.user for decision in request.chain.decisions}
        people = [Person("", request.team, user) for user in sorted(users)]
        try:
            async with asyncio.timeout(NAMES_IN):
                found = await asyncio.gather(*map(self.people.look_up, people))
        except (SlackUnavailable, TimeoutError):
            return {}
        known = {profile.person.user: profile for profile in found}
        read_in(known[link.user].zone)
        return {user: profile.name for user, profile in known.items()}


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
        name: clean_text(value)
        for name, value in fields.items()
        if isinstance(value, str)
    }


# --- A sign-in with Slack before a link decides what a rule calls critical ------------

GOING_FOR = 600  # seconds that signing in may take
SIGNED_IN_FOR = 900  # seconds that it holds
LONGEST_CODE = 1_000  # characters of what Slack sends a browser back with


class SignIn:
    """Sends browsers to Slack, and learns who has come back."""

    def __init__(self, openid: OpenId, signer: Signer) -> None:
        self._openid, self._signer = openid, signer
        self._sessions = Sessions(signer.secret)

    @property
    def redirect(self) -> str:
        """The address that the app's settings in Slack have to list."""
        return self._signer.address(BACK)

    def go(self, token: str, link: Link) -> web.Response:
        """Send the browser to Slack, with a cookie that knows the way back."""
        going = new_going(token)
        address = self._openid.address(
            redirect=self.redirect,
            state=going.state,
            nonce=going.nonce,
            team=link.team,
        )
        response = _to(address)
        self._set(response, GOING_COOKIE, self._sessions.going(going), GOING_FOR)
        return response

    def come_back(self, request: web.Request) -> Going | None:
        """The sign-in that this browser had begun; None for any other."""
        going = self._sessions.read_going(request.cookies.get(GOING_COOKIE, ""))
        state = request.query.get("state", "")
        return going if going is not None and going.is_back(state) else None

    async def person(self, request: web.Request, going: Going) -> tuple[str, str]:
        """Return the team and user who signed in; two empty texts if Slack names none.

        Raises:
            SlackUnavailable: Slack did not say so.
        """
        code = request.query.get("code", "")
        if not 0 < len(code) <= LONGEST_CODE:
            return "", ""
        try:
            return await self._openid.person(
                code, redirect=self.redirect, nonce=going.nonce
            )
        except NotSignedIn as error:
            log.warning("nobody signed in", action="sign_in_refused", why=str(error))
            return "", ""

    def enter(self, token: str, link: Link) -> web.Response:
        """Send the browser to the link's page, whose form its cookie lets decide."""
        response = _to(self._signer.address(token))
        held = self._sessions.signed_in(token, link)
        self._set(response, SIGNED_IN_COOKIE, held, SIGNED_IN_FOR)
        self._set(response, GOING_COOKIE, "", 0)
        return response

    def is_in(self, request: web.Request, token: str, link: Link) -> bool:
        """Return whether the link's own person signed in with this browser lately."""
        cookie = request.cookies.get(SIGNED_IN_COOKIE, "")
        return self._sessions.is_signed_in(cookie, token, link)

    def _set(self, response: web.Response, name: str, value: str, age: int) -> None:
        # Slack's redirect is a request that another site causes, so Lax it is; what
        # decides is a POST, which needs the strict cookie of the form too.
        pages.keep(response, name, value, self._signer, same_site="Lax", age=age)


def _to(address: str) -> web.Response:
    headers = {**pages.HEADERS, "Location": address}
    return web.Response(status=303, headers=headers)


@dataclass(frozen=True)
class Return:
    """Handler of the address that Slack sends browsers to."""

    opening: Opening
    people: People
    decider: Decider
    sign_in: SignIn

    def routes(self) -> list[web.RouteDef]:
        """Return the routes; add them before the pages', which take any path."""
        return [web.get(f"/approve/{BACK}", self._come_back)]

    async def _come_back(self, request: web.Request) -> web.Response:
        """Take a browser that Slack has sent back, and let its person in."""
        going = self.sign_in.come_back(request)
        if going is None:
            return html(403, sentence_page(NOT_SIGNED_IN))
        try:
            team, user = await self.sign_in.person(request, going)
            opened = await self.opening.open(going.token)
            if not user:
                return html(403, sentence_page(NOT_SIGNED_IN))
            if opened is None:
                return html(403, sentence_page(NOT_GOOD))
            return await self._enter(going.token, *opened, Person("", team, user))
        except SlackUnavailable:
            return html(503, sentence_page(sentences.COULD_NOT_CHECK))
        except TRANSIENT:
            return html(503, sentence_page(sentences.NOT_NOW))

    async def _enter(
        self, token: str, link: Link, found: Request, person: Person
    ) -> web.Response:
        if await is_whose(self.people, link, person):
            return self.sign_in.enter(token, link)
        attempt = Action(found.place.token, person, Verdict.APPROVE, BY_SIGN_IN)
        refused = Result(Effect.REFUSED, "signed_in_as_another")
        await self.decider.refuse(attempt, refused)
        return html(403, sentence_page(SIGNED_IN_AS_ANOTHER))


async def is_whose(people: People, link: Link, person: Person) -> bool:
    """Return whether a link is for the person who has signed in.

    In an organisation Slack may name another of their workspaces, or the id that they
    have in all of them. Raises SlackUnavailable.
    """
    whose = Person("", link.team, link.user)
    if person == whose:
        return True
    known = await people.look_up(whose)
    return person.team in known.teams and person.user in (whose.user, known.account)


_GOING, _SIGNED_IN = "going", "signed-in"  # what a cookie is signed for


@dataclass(frozen=True)
class Going:
    """A browser that is on its way to Slack, and the link that it comes back to."""

    token: str
    state: str
    nonce: str

    def is_back(self, state: str) -> bool:
        """Return whether it is this very sign-in that came back."""
        return hmac.compare_digest(self.state.encode(), state.encode())


def new_going(token: str) -> Going:
    """A new sign-in, with its own random state and nonce."""
    return Going(token, secrets.token_urlsafe(24), secrets.token_urlsafe(24))


@dataclass(frozen=True)
class Sessions:
    """Writes and reads the two cookies of a sign-in."""

    secret: str

    def going(self, going: Going) -> str:
        """Sign the cookie for the time at Slack."""
        said = [going.token, going.state, going.nonce]
        return str(self._serializer(_GOING).dumps(said))

    def read_going(self, cookie: str) -> Going | None:
        """Read that cookie; None for a text that is not ours or too old."""
        said = self._read(_GOING, cookie, GOING_FOR)
        return Going(*said) if said else None

    def signed_in(self, token: str, link: Link) -> str:
        """Sign the cookie of the link's own person, for this link alone."""
        return str(self._serializer(_SIGNED_IN).dumps(_whose(token, link)))

    def is_signed_in(self, cookie: str, token: str, link: Link) -> bool:
        """Return whether this browser's person has signed in."""
        return self._read(_SIGNED_IN, cookie, SIGNED_IN_FOR) == _whose(token, link)

    def _read(self, kind: str, cookie: str, age: int) -> list[str]:
        try:
            return self._serializer(kind).loads(cookie, max_age=age)
        except BadData:
            return []

    def _serializer(self, kind: str) -> Any:
        serializer = cast("Any", URLSafeTimedSerializer)
        salt = f"slack-approval-bot/{kind}/1"
        return serializer(self.secret, salt=salt, signer_kwargs=SIGNED)


def _whose(token: str, link: Link) -> list[str]:
    return [hash_of(token), link.team, link.user]
