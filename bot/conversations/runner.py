"""A turn, a resume: the two jobs that run the agent."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from langchain_core.messages import HumanMessage
from langgraph.errors import GraphRecursionError

from bot.approvals import store
from bot.approvals.grants import LostRun, Run
from bot.approvals.model import Profile, Request
from bot.approvals.ports import Jobs, People, Policies
from bot.approvals.raise_request import Turn
from bot.conversations import conversation as conversations
from bot.conversations.conversation import Conversation, Message
from bot.conversations.dialects import tool_approval
from bot.conversations.engine import Engine, Ran
from bot.conversations.intake import SQL
from bot.conversations.recheck import Recheck
from bot.conversations.settle import Settler
from bot.conversations.talk import Talk, unreadable
from bot.database.pool import Pool
from bot.errors import TRANSIENT
from bot.slack import sentences

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Runner:
    """Runs one conversation at a time: its jobs share a lock."""

    pool: Pool
    jobs: Jobs
    people: People
    policies: Policies
    engine: Engine
    settler: Settler
    recheck: Recheck
    talk: Talk

    async def turn(self, conversation: str) -> None:
        """Work off a conversation's open messages, as far as it can go now.

        Raises:
            TRANSIENT errors: nothing is lost; the job is tried again.
        """
        found = await conversations.load(self.pool, conversation)
        if found is None:
            return
        if found.waits:
            await self.talk.hold(found)
        elif found.running:
            await self._continue(found, found.running)
        elif found.unread:
            await self._begin(found, found.unread[0])

    async def resume(self, conversation: str) -> None:
        """Hand a conversation's decided answers to its graph, all at once."""
        found = await conversations.load(self.pool, conversation)
        if found is None:
            return
        run = await self._start_run(found)
        decided = [r for r in run.requests.values() if not r.is_open]
        standing = await self.recheck.standing(decided)
        if not standing:
            return
        answers = {r.interrupt: tool_approval.answer(r) for r in standing}
        ids = [request.id for request in standing]
        turn = _turn_of(found, standing[0])
        await self._run(run, found, turn, lambda: self.engine.resume(run, answers), ids)

    async def give_up(self, conversation: str) -> None:
        """Say in the thread that a job of ours has failed for good."""
        found = await conversations.load(self.pool, conversation)
        if found is None:
            return
        stuck = found.running is None and found.unread and not found.waits
        run = await self._start_run(found, found.unread[0] if stuck else None)
        decided = [r.id for r in run.requests.values() if not r.is_open]
        code = secrets.token_hex(3)
        log.error("a job was given up", action="job_given_up", code=code)
        await self.settler.fail(run, found, sentences.agent_failed(code), decided)

    async def _begin(self, conversation: Conversation, message: Message) -> None:
        profile = await self.people.look_up(message.author)
        if profile.refusal:
            await self.talk.turn_away(conversation, message, profile)
        elif problem := unreadable(message.text):
            await self.talk.answer_at_once(conversation, message, problem)
        else:
            await self._first_run(conversation, message, profile)

    async def _first_run(
        self, conversation: Conversation, message: Message, profile: Profile
    ) -> None:
        run = await self._start_run(conversation, message)
        given = {"messages": [_human(conversation, message, profile)]}
        turn = conversation.turn_of(message)
        await self._run(run, conversation, turn, lambda: self.engine.start(run, given))

    async def _continue(self, conversation: Conversation, message: Message) -> None:
        """Go on with a turn that a crash has cut off."""
        profile = await self.people.look_up(message.author)
        run = await self._start_run(conversation)
        given = _human(conversation, message, profile)

        async def go_on() -> Ran:
            if given.id and await self.engine.knows(run, given.id):
                return await self.engine.go_on(run)
            return await self.engine.start(run, {"messages": [given]})

        await self._run(run, conversation, conversation.turn_of(message), go_on)

    async def _start_run(
        self, conversation: Conversation, message: Message | None = None
    ) -> Run:
        key = {
            "conversation": conversation.id,
            "message": message.id if message else None,
        }
        open_ones: list[Request] = []
        async with self.pool.connection() as connection:
            row = await (await connection.execute(SQL["start_run"], key)).fetchone()
            if conversation.waits:
                open_ones = await store.unresumed(connection, conversation.id)
        if row is None:
            raise LostRun(conversation.id)
        stored = {request.tool_call: request for request in open_ones}
        return Run(conversation.team, conversation.id, row["generation"], stored)

    async def _run(
        self,
        run: Run,
        conversation: Conversation,
        turn: Turn,
        go: Callable[[], Coroutine[Any, Any, Ran]],
        answered: Sequence[str] = (),
    ) -> None:
        """Run the graph and write down what came of it, unless the run was replaced."""
        try:
            await self._run_owned(run, conversation, turn, go, answered)
        except LostRun:
            # the job must not be tried again: that would replace the run that goes on
            log.warning(
                "run replaced", action="run_lost", conversation=run.conversation
            )

    async def _run_owned(
        self,
        run: Run,
        conversation: Conversation,
        turn: Turn,
        go: Callable[[], Coroutine[Any, Any, Ran]],
        answered: Sequence[str],
    ) -> None:
        try:
            ran = await go()
        except (*TRANSIENT, LostRun):
            raise
        except Exception as error:
            await self.settler.fail(run, conversation, self._explain(error), answered)
            return
        await self.settler.settle(run, conversation, turn, ran, answered)

    async def prune(self, conversation: str) -> None:
        """Drop the checkpoints that nobody needs any more, when it is quiet.

        Not after each turn: that took a third of the turn's statements, and what it
        saves is the growth of long conversations.
        """
        async with self.pool.connection() as connection:
            key = {"conversation": conversation}
            found = await connection.execute(SQL["select_conversation"], key)
            row = await found.fetchone()
        if row is None:
            return
        await self.engine.prune(conversation)
        async with self.pool.connection() as connection:
            done = {**key, "generation": row["generation"]}
            await connection.execute(SQL["pruned"], done)

    def _explain(self, error: Exception) -> str:
        """One sentence for the thread; the rest goes to the log under its code."""
        code = secrets.token_hex(3)
        log.error("the run failed", action="run_failed", code=code, exc_info=error)
        if isinstance(error, GraphRecursionError):
            return sentences.AGENT_STEP_LIMIT
        known = self.engine.served.explain(error)
        return known or sentences.agent_failed(code)


def _human(
    conversation: Conversation, message: Message, profile: Profile
) -> HumanMessage:
    speaker = {"id": message.author.user, "name": profile.name}
    return HumanMessage(
        message.text,
        id=conversation.message_id(message),
        additional_kwargs={"speaker": speaker},
    )


def _turn_of(conversation: Conversation, request: Request) -> Turn:
    """The turn that goes on: later calls of it come from the same words."""
    return Turn(
        conversation.id,
        conversation.channel,
        conversation.thread_ts,
        request.requester,
        request.participants,
    )
