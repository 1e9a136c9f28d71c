"""Sign in with Slack before a link decides what a rule calls critical."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from typing import Any, cast

import structlog
from aiohttp import web
from itsdangerous import BadData, URLSafeTimedSerializer

from bot.approvals.decide import Decider
from bot.approvals.judge import Result
from bot.approvals.model import Action, Effect, Person, Request, Verdict
from bot.approvals.ports import People
from bot.base.errors import SlackUnavailable
from bot.database.pool import TRANSIENT
from bot.slack.openid import NotSignedIn, OpenId
from bot.texts import web as sentences
from bot.texts.web import NOT_GOOD, NOT_SIGNED_IN, SIGNED_IN_AS_ANOTHER
from bot.web.links import guard
from bot.web.links.guard import BY_SIGN_IN, Opening, html
from bot.web.links.pages import sentence_page
from bot.web.links.tokens import SIGNED, Link, Signer, hash_of

log = structlog.get_logger(__name__)
GOING, SIGNED_IN = "sign-in", "signed-in"  # cookies
BACK = "signed-in"  # where Slack sends browsers: PUBLIC_URL/approve/signed-in


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
        self._set(response, GOING, self._sessions.going(going), GOING_FOR)
        return response

    def come_back(self, request: web.Request) -> Going | None:
        """The sign-in that this browser had begun; None for any other."""
        going = self._sessions.read_going(request.cookies.get(GOING, ""))
        state = request.query.get("state", "")
        return going if going is not None and going.is_back(state) else None

    async def person(self, request: web.Request, going: Going) -> tuple[str, str]:
        """Team and user who came back; two empty texts if Slack names nobody.

        Raises:
            SlackUnavailable: Slack did not say so.
        """
        code = request.query.get("code", "")
        if not 0 < len(code) <= guard.LONGEST_CODE:
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
        self._set(response, SIGNED_IN, held, SIGNED_IN_FOR)
        self._set(response, GOING, "", 0)
        return response

    def is_in(self, request: web.Request, token: str, link: Link) -> bool:
        """Return whether the link's own person signed in with this browser lately."""
        cookie = request.cookies.get(SIGNED_IN, "")
        return self._sessions.is_signed_in(cookie, token, link)

    def _set(self, response: web.Response, name: str, value: str, age: int) -> None:
        # Slack's redirect is a request that another site causes, so Lax it is; what
        # decides is a POST, which needs the strict cookie of the form too.
        guard.keep(response, name, value, self._signer, same_site="Lax", age=age)


def _to(address: str) -> web.Response:
    headers = {**guard.HEADERS, "Location": address}
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
        """A browser that Slack has sent back."""
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


GOING_FOR = 600  # seconds that signing in may take
SIGNED_IN_FOR = 900  # seconds that it holds
_GOING, _SIGNED_IN = "going", "signed-in"


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
    """A sign-in like no other."""
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
