"""The parts that listeners, the API, links and jobs are built on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals import store
from bot.approvals.decide import Decider
from bot.approvals.delegations import Delegations
from bot.approvals.model import Person, Request
from bot.approvals.pause import Operators
from bot.approvals.policy.load import PolicyFile
from bot.approvals.ports import Jobs
from bot.approvals.standing_grants import StandingGrants
from bot.approvals.unknown_outcome import Marker
from bot.base.settings import Settings
from bot.base.settings_types import Rate
from bot.base.time_limits import PATIENCE
from bot.conversations.stop_and_retry import Retrier, Stopper
from bot.conversations.tool_servers import ServerAnswers
from bot.database.pool import Pool, transaction
from bot.slack.afresh import Afresh
from bot.slack.client import Troubles
from bot.slack.directory import Directory
from bot.slack.full_text import FullTexts
from bot.slack.home.desk import Desks
from bot.slack.home.viewers import Viewers
from bot.slack.identity import CurrentIdentity, SlackAccess
from bot.slack.openid import OpenId
from bot.slack.welcome import Welcome

Look = Callable[[str, Mapping[str, Any]], Awaitable[dict[str, Any] | None]]
Fill = Callable[[str, Mapping[str, Any]], Awaitable[dict[str, Any]]]


@dataclass(frozen=True)
class Deps:
    """Built once, in `bot.process.app`, for the code that takes in what people do.

    Attributes:
        pool: for runs, jobs and the API.
        listener_pool: small and the listeners' own: agents never starve a click.
        look: what a tool says that the arguments of a call name at the moment.
        fill: the arguments of a call with what the program fills in itself.
        openid: sign-in with Slack, where the app has an id and a secret.
        rates: by kind, "messages" and "clicks".
        troubles: what Slack refuses now.
        reads_files: whether the agent can look into text files that people share.
    """

    settings: Settings
    slack: SlackAccess
    session: aiohttp.ClientSession
    policies: PolicyFile
    identity: CurrentIdentity
    pool: Pool
    listener_pool: Pool
    jobs: Jobs
    people: Directory
    people_now: Afresh
    client: AsyncWebClient
    decider: Decider
    marker: Marker
    full_texts: FullTexts
    look: Look
    fill: Fill
    troubles: Troubles
    desks: Desks
    viewers: Viewers
    delegations: Delegations
    operators: Operators
    welcome: Welcome
    openid: OpenId | None = None
    rates: Mapping[str, Rate] = field(default_factory=dict[str, Rate])
    reads_files: bool = False

    @property
    def grants(self) -> StandingGrants:
        """Lists and revokes the grants that people have given ahead."""
        return StandingGrants(self.listener_pool, self.people, self.policies)

    @property
    def retrier(self) -> Retrier:
        """Runs a failed turn once more for people who may ask."""
        who = (self.people, self.jobs, self.identity.app)
        return Retrier(self.listener_pool, *who)

    @property
    def stopper(self) -> Stopper:
        """Ends turns for people who may end them."""
        who = (self.people, self.policies, self.jobs, self.identity.app)
        return Stopper(self.listener_pool, *who)

    @property
    def answers(self) -> ServerAnswers:
        """Takes what people answer to the servers of tools."""
        who = (self.people, self.jobs, self.identity.app)
        return ServerAnswers(self.listener_pool, *who)

    async def load(self, token: str) -> Request | None:
        """Read a request by what a button carries, on the listeners' own pool."""
        async with self.listener_pool.connection() as connection:
            return await store.load(connection, token)

    async def tell(
        self, person: Person, text: str, channel: str = "", thread: str = ""
    ) -> None:
        """Tell a person something privately: see `store.tell`."""
        async with transaction(self.listener_pool) as connection:
            await store.tell(connection, self.jobs, person, text, channel, thread)

    async def filled_for(
        self, request: Request, arguments: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Fill into an edit what the program fills in itself, as far as time allows.

        What stays as it was is compared when the call runs, and then stops it.
        """
        if request.people.agent:
            return dict(arguments)
        try:
            async with asyncio.timeout(PATIENCE):
                return await self.fill(request.call.tool, arguments)
        except TimeoutError:
            return dict(arguments)

    async def look_for(
        self, request: Request, arguments: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """Look what an edit names; the names of an agent outside are not ours."""
        if request.people.agent:
            return None
        return await self.look(request.call.tool, arguments)
