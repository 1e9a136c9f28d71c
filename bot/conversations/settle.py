"""What came of a run, written in one transaction: questions, an answer, a failure."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from langgraph.types import Interrupt

from bot.approvals.grants import LostRun, Run
from bot.approvals.ports import Job, Jobs, People, Policies, deliver_job, turn_job
from bot.approvals.raise_request import (
    Asked,
    Turn,
    look_up_groups,
    raise_requests,
)
from bot.approvals.verdicts import orphan
from bot.conversations.conversation import Conversation
from bot.conversations.dialects import tool_approval
from bot.conversations.engine import Ran, ServedGraph
from bot.conversations.intake import SQL
from bot.database.pool import Connection, Pool, transaction


@dataclass(frozen=True)
class Settler:
    """Writes the end of a run, if the run is still the conversation's own."""

    pool: Pool
    jobs: Jobs
    policies: Policies
    people: People
    served: ServedGraph

    async def settle(
        self,
        run: Run,
        conversation: Conversation,
        turn: Turn,
        ran: Ran,
        answered: Sequence[str] = (),
    ) -> None:
        """Store what the graph asks, or its answer.

        Args:
            answered: ids of the requests whose answers the graph has taken.

        Raises:
            LostRun: another run has taken the conversation over.
            SlackUnavailable: nobody can tell who is in a group; try again later.
        """
        policy, asked = self.policies.current, self._asked(ran.interrupts)
        members = await look_up_groups(self.people, policy, turn, asked)
        async with transaction(self.pool) as connection:
            await self._own(connection, run, answered)
            await self._orphan(connection, run, ran, answered)
            await raise_requests(connection, self.jobs, policy, turn, asked, members)
            if not ran.interrupts:
                await self._end(connection, conversation, "answer", ran.answer)

    async def fail(
        self,
        run: Run,
        conversation: Conversation,
        sentence: str,
        answered: Sequence[str] = (),
    ) -> None:
        """Say in the thread what went wrong; the conversation can go on."""
        async with transaction(self.pool) as connection:
            await self._own(connection, run, answered)
            await self._end(connection, conversation, "say", sentence)

    async def _own(
        self, connection: Connection, run: Run, answered: Sequence[str]
    ) -> None:
        found = await connection.execute(
            SQL["own_run"],
            {
                "conversation": run.conversation,
                "generation": run.generation,
                "answered": list(answered),
            },
        )
        if await found.fetchone() is None:
            raise LostRun(run.conversation)

    def _asked(self, interrupts: Sequence[Interrupt[Any]]) -> list[Asked]:
        return [
            tool_approval.describe(question.id, question.value, self.served.schemas)
            for question in interrupts
            if tool_approval.recognise(question.value)
        ]

    async def _orphan(
        self, connection: Connection, run: Run, ran: Ran, answered: Collection[str]
    ) -> None:
        """Close the cards of questions that the graph no longer asks."""
        pending = {question.id for question in ran.interrupts}
        gone = [
            request
            for request in run.requests.values()
            if request.interrupt not in pending and request.id not in answered
        ]
        if gone:
            await orphan(connection, self.jobs, gone)

    async def _end(
        self, connection: Connection, conversation: Conversation, kind: str, text: str
    ) -> None:
        delivery = str(uuid.uuid4())
        found = await connection.execute(
            SQL["end_turn"],
            {
                "conversation": conversation.id,
                "state": "answered" if kind == "answer" else "failed",
                "delivery": delivery,
                "kind": kind,
                "team": conversation.team,
                "channel": conversation.channel,
                "thread_ts": conversation.thread_ts,
                "text": text,
            },
        )
        follow: list[Job] = [deliver_job(delivery)]
        row = await found.fetchone()
        if row and row["more"]:
            follow.append(turn_job(conversation.id))
        await self.jobs.defer(connection, follow)
