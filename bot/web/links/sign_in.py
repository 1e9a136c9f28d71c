"""Sign in with Slack before a link decides what a rule calls critical."""

from __future__ import annotations

import structlog
from aiohttp import web

from bot.links.sessions import GOING_FOR, SIGNED_IN_FOR, Going, Sessions, new_going
from bot.links.tokens import Link, Signer
from bot.slack.openid import NotSignedIn, OpenId
from bot.web.links import guard

GOING, SIGNED_IN = "sign-in", "signed-in"  # cookies
BACK = "signed-in"  # where Slack sends browsers: PUBLIC_URL/approve/signed-in
log = structlog.get_logger(__name__)


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
        """To Slack, with a cookie that knows the way back."""
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
        """To the link's page, with a cookie that lets its form decide."""
        response = _to(self._signer.address(token))
        held = self._sessions.signed_in(token, link)
        self._set(response, SIGNED_IN, held, SIGNED_IN_FOR)
        self._set(response, GOING, "", 0)
        return response

    def is_in(self, request: web.Request, token: str, link: Link) -> bool:
        """Whether the link's own person has signed in with this browser, lately."""
        cookie = request.cookies.get(SIGNED_IN, "")
        return self._sessions.is_signed_in(cookie, token, link)

    def _set(self, response: web.Response, name: str, value: str, age: int) -> None:
        # Slack's redirect is a request that another site causes, so Lax it is; what
        # decides is a POST, which needs the strict cookie of the form too.
        guard.keep(response, name, value, self._signer, same_site="Lax", age=age)


def _to(address: str) -> web.Response:
    headers = {**guard.HEADERS, "Location": address}
    return web.Response(status=303, headers=headers)
