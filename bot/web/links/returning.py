"""A browser that comes back from Slack: who signed in there, and for which link."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from bot.approvals.decide import Decider
from bot.approvals.judge import Choice, Effect, Judgement
from bot.approvals.model import Person, Request, Verdict
from bot.database.pool import TRANSIENT
from bot.errors import SlackUnavailable
from bot.links.tokens import Link
from bot.web import sentences
from bot.web.links.opening import BY_SIGN_IN, NOT_GOOD, Opening, html
from bot.web.links.page import sentence_page
from bot.web.links.sign_in import BACK, SignIn

NOT_SIGNED_IN = (
    "Slack has not said who you are, so nothing was decided. Please open the link from "
    "your e-mail again and sign in from there."
)
ANOTHER = (
    "You are signed in to Slack as somebody else than the person whom this link is "
    "for, so nothing was decided. Please use the card in Slack."
)


@dataclass(frozen=True)
class Return:
    """Handler of the address that Slack sends browsers to."""

    opening: Opening
    decider: Decider
    sign_in: SignIn

    def routes(self) -> list[web.RouteDef]:
        """To be added before those of the pages, whose tokens it would be taken for."""
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
        if person == Person("", link.team, link.user):
            return self.sign_in.enter(token, link)
        attempt = Choice(found.token, person, Verdict.APPROVE, BY_SIGN_IN)
        refused = Judgement(Effect.REFUSED, "signed_in_as_another")
        await self.decider.refuse(attempt, refused)
        return html(403, sentence_page(ANOTHER))
