"""Meet people where they open the agent: a first message, and what they could ask."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals.model import Person
from bot.approvals.ports import Jobs
from bot.base.time_limits import PATIENCE
from bot.database.pool import Pool, transaction
from bot.slack import SQL
from bot.slack.client import FAILURES, word_of
from bot.slack.identity import Identity
from bot.texts import conversation as say

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Welcome:
    """Greets each person once, and suggests what to ask each time.

    Attributes:
        tools: names of those that the agent has.
    """

    pool: Pool
    jobs: Jobs
    client: AsyncWebClient
    identity: Callable[[], Identity]
    tools: Collection[str]

    async def opened(
        self, person: Person, channel: str, thread_ts: str | None = None
    ) -> None:
        """Greet somebody who has opened the conversation with the app.

        Args:
            thread_ts: of the thread that is opened, in an app with the assistant pane.

        Raises:
            psycopg.Error, psycopg_pool.PoolTimeout: nothing was written; do not ack.
        """
        await self._greet(person, channel, thread_ts)
        if not self.identity().lacks("assistant:write"):
            await self._suggest(channel, thread_ts)

    async def _greet(self, person: Person, channel: str, thread_ts: str | None) -> None:
        async with transaction(self.pool) as connection:
            found = await connection.execute(
                SQL["greet"],
                {
                    "delivery": str(uuid.uuid4()),
                    "team": person.team,
                    "user": person.user,
                    "channel": channel,
                    "thread_ts": thread_ts,
                    "text": say.GREETING,
                },
            )
            self.jobs.post(connection, [row["id"] for row in await found.fetchall()])

    async def _suggest(self, channel: str, thread_ts: str | None) -> None:
        """Show the prompts; nothing is lost where Slack shows none."""
        shown: list[dict[str, Any]] = [
            {"title": title, "message": message}
            for title, message in say.prompts(self.tools)
        ]
        try:
            async with asyncio.timeout(PATIENCE):
                await self.client.assistant_threads_setSuggestedPrompts(
                    channel_id=channel, thread_ts=thread_ts, prompts=shown
                )
        except FAILURES as error:
            log.info("no prompts", action="prompts_not_shown", error=word_of(error))


def hint_of(identity: Callable[[], Identity]) -> Callable[[str], str]:
    """Return what says how to go on in a channel, where it's by mentions alone."""

    def hint(channel: str) -> str:
        scope = _SCOPES.get(channel[:1])
        return say.MENTION_ME if scope and identity().lacks(scope) else ""

    return hint


#: By which scope replies without a mention are heard, by the first letter of a channel.
_SCOPES = {"C": "channels:history", "G": "groups:history"}
