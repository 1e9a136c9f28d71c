"""A turn, a resume: the two jobs that run the agent."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

import structlog
from langchain_core.callbacks import BaseCallbackHandler
from langgraph.errors import GraphRecursionError

from bot.approvals.assess import Turn
from bot.approvals.grants import give_up_claims, may_begin, needs_claim, was_cut_off
from bot.approvals.model import Execution, Profile, Request
from bot.approvals.ports import People, at_work
from bot.approvals.run import LostRun, Run
from bot.base.errors import RetryLater
from bot.conversations import SQL
from bot.conversations.conversation import (
    Conversation,
    Message,
    Started,
    Talk,
    Work,
    asks_for_help,
    human,
    start,
    started_by,
    unreadable,
)
from bot.conversations.engine import Engine, watching
from bot.conversations.graph_context import asker, introduced
from bot.conversations.graph_state import (
    GraphState,
    done_calls,
    execution_of,
    node_of,
    open_calls,
)
from bot.conversations.outcome import Became, Settler, report
from bot.conversations.resume import Answered, Handover, Recheck, Refused, batches
from bot.conversations.run_saver import Unstorable
from bot.conversations.stop_and_retry import Stopped, UnderWay
from bot.database.pool import TRANSIENT, Pool
from bot.texts import agent, graphs, notices
from bot.texts import conversation as texts
from bot.texts.conversation import stopped as stopped_by

log = structlog.get_logger(__name__)
UNKNOWN = Execution.UNKNOWN


class MessageReader(Protocol):
    """Reads a message for the agent, outside of any transaction."""

    async def read(
        self, conversation: Conversation, message: Message
    ) -> tuple[str, str]:
        """Return its words, and a sentence on what could not be read, or ""."""
        ...


class Following(Protocol):
    """Shows people what one run does."""

    @property
    def watch(self) -> BaseCallbackHandler | None:
        """Hears what the graph tells of its models and tools."""
        ...

    async def stop(self, *, asks: bool) -> None:
        """Show no more: the run is over, and what comes of it is written next.

        Args:
            asks: it waits for people now.
        """
        ...


class Live(Protocol):
    """Shows in a thread what its run does; it never fails or holds up the run."""

    def follow(
        self, run: Run, conversation: Conversation, turn: Turn, *, again: bool
    ) -> AbstractAsyncContextManager[Following]:
        """Show what a run does while the block goes on.

        Args:
            again: it goes on with what a process before has died of.
        """
        ...

    def tidy(self, conversation: Conversation) -> None:
        """Begin to close what a run before has left unfinished."""
        ...

    def idle(self, conversation: Conversation) -> None:
        """Begin to take away what says that it is at work, or waits for people.

        Where a turn has ended without a run that is followed to its end.
        """
        ...


class Unseen:
    """Shows nothing."""

    @property
    def watch(self) -> None:
        return None

    async def stop(self, *, asks: bool) -> None:
        pass

    @asynccontextmanager
    async def follow(
        self, run: Run, conversation: Conversation, turn: Turn, *, again: bool
    ) -> AsyncGenerator[Unseen]:
        yield self

    def tidy(self, conversation: Conversation) -> None:
        pass

    def idle(self, conversation: Conversation) -> None:
        pass


@dataclass(frozen=True)
class Runner:
    """Runs one conversation at a time: its jobs share a lock."""

    pool: Pool
    people: People
    engine: Engine
    settler: Settler
    recheck: Recheck
    handover: Handover
    talk: Talk
    words: MessageReader
    live: Live = field(default_factory=Unseen)
    under_way: UnderWay = field(default_factory=UnderWay)

    async def turn(self, conversation: str) -> None:
        """Work off a conversation's open messages, as far as it can go now.

        Raises:
            TRANSIENT errors: nothing is lost; the job is tried again.
        """
        started = await self._start_run(conversation, "turn")
        if started is None:
            return
        found = started.conversation
        if found.waits:
            await self.talk.hold(found)
        elif started.run and found.running:
            await self._work_off(started.run, found, found.running, started.is_new)

    async def resume(self, conversation: str) -> None:
        """Hand a conversation's decided answers to its graph."""
        started = await self._start_run(conversation, "resume")
        if started is None or started.run is None:
            return
        run, found = started.run, started.conversation
        if not run.asked:  # its turn was stopped, perhaps while something ran
            await give_up_claims(self.pool, self.settler.jobs, run)
        if found.stopped:
            self.live.idle(found)
        decided = [r for r in run.asked if not r.is_open]
        if cut := [request for request in decided if was_cut_off(request)]:
            await self._recover(run, found, cut)
            return
        if started.pause is not None:
            decided = await self._pausing(conversation, decided, started.pause)
        upheld = await self.recheck.upheld(decided, started.now)
        if upheld:
            await self._resume(run, found, upheld)

    async def _pausing(
        self, conversation: str, decided: Sequence[Request], why: str
    ) -> list[Request]:
        """Leave what would run where it is; the lift of the pause comes back to it."""
        told = [request for request in decided if not may_begin(request)]
        if len(told) < len(decided):
            await self.talk.say_once(conversation, texts.paused(why))
        return told

    async def reconcile(self, conversation: str) -> None:
        """See which questions a graph that has changed still asks."""
        started = await self._start_run(conversation, "reconcile")
        if started is None or started.run is None:
            return
        run, found = started.run, started.conversation
        ran = await self.engine.look(run)
        pending = {interrupt.id for interrupt in ran.interrupts}
        gone = [r for r in run.asked if r.interrupt not in pending]
        if await self.settler.reconcile(run, gone):
            self.live.idle(found)

    async def give_up(self, conversation: str) -> None:
        """Say in the thread that a job of ours has failed for good."""
        started = await self._start_run(conversation, "end")
        if started is None or started.run is None:
            return
        run = started.run
        decided = [r.id for r in run.asked if not r.is_open]
        said = report(texts.AGENT_FAILED, "job_given_up")
        await self.settler.fail(run, said, decided, UNKNOWN)
        self.live.idle(started.conversation)

    async def _start_run(self, conversation: str, work: Work) -> Started | None:
        job = at_work.get()
        if job and job.row:  # the statement that stored the job has started the run
            started = started_by(job.row)
        else:
            started = await start(self.pool, conversation, work)
        if started and started.run and started.conversation.unfinished:
            self.live.tidy(started.conversation)
        return started

    async def _work_off(
        self, run: Run, conversation: Conversation, message: Message, is_new: bool
    ) -> None:
        """Give the graph a message, or go on with a turn that a crash has cut off."""
        profile = await self.people.look_up(message.author)
        problem = unreadable(message.text)
        if asks_for_help(message.text):
            problem = self.talk.help() or problem
        if (profile.refusal or problem) and (
            is_new or not await self.engine.knows(run, conversation.message_id(message))
        ):
            await self._turn_away(conversation, message, profile, problem)
            return
        begin = self._begin if is_new else self._pick_up
        go = begin(run, conversation, message, profile)
        turn = conversation.turn_of(message)
        await self._run(run, conversation, turn, go, again=not is_new)

    async def _begin(
        self, run: Run, conversation: Conversation, message: Message, profile: Profile
    ) -> GraphState:
        text, missing = await self.words.read(conversation, message)
        if missing:
            await self.talk.say_once(conversation.id, missing)
        if conversation.stopped:
            text = agent.after_a_stop(text)
        given = human(conversation, message, profile, text)
        ran = await self.engine.start(run, given)
        if conversation.stopped:
            await self._carry_on(conversation)
        return ran

    async def _carry_on(self, conversation: Conversation) -> None:
        key = {"conversation": conversation.id}
        async with self.pool.connection() as connection:
            await connection.execute(SQL["carry_on"], key)

    async def _turn_away(
        self,
        conversation: Conversation,
        message: Message,
        profile: Profile,
        problem: str,
    ) -> None:
        if profile.refusal:
            await self.talk.turn_away(conversation, message, profile)
        else:
            await self.talk.answer_at_once(conversation, message, problem)

    async def _pick_up(
        self, run: Run, conversation: Conversation, message: Message, profile: Profile
    ) -> GraphState:
        """Go on from the last checkpoint, or start if the message is in none."""
        if await self.engine.knows(run, conversation.message_id(message)):
            return await self.engine.go_on(run)
        return await self._begin(run, conversation, message, profile)

    async def _resume(
        self, run: Run, conversation: Conversation, upheld: Sequence[Request]
    ) -> None:
        found = await self.handover.find(run, upheld)
        if found.stop:
            await self.settler.fail(run, found.stop)
            self.live.idle(conversation)
            return
        if found.told:
            await self._go_on(run, conversation, found.told)
        for request, why in found.unfit:
            await self.handover.give_back(run, [request], why)
        if found.changed and await self.settler.reconcile(run, found.changed):
            self.live.idle(conversation)
        for batch in batches(found.answered):
            if not await self._hand_over(run, conversation, batch):
                return

    async def _hand_over(
        self, run: Run, conversation: Conversation, batch: Sequence[Answered]
    ) -> bool:
        """Resume the graph with one batch; whether it can be resumed with another."""
        requests = [request for each in batch for request in each.requests]
        turn, ids = _turn_of(conversation, requests[0]), [r.id for r in requests]
        go = self.handover.hand_over(run, batch)
        try:
            return await self._run(run, conversation, turn, go, ids)
        except Refused as refused:
            await self.handover.give_back(run, requests, str(refused))
            return not await self._stop(run, (), {})

    async def _recover(
        self, run: Run, conversation: Conversation, cut: Sequence[Request]
    ) -> None:
        """A run before this one was cut off after its claim: never a second time.

        Where the graph has got beyond that, its checkpoints say so, and it is done.
        """
        ran = await self.engine.look(run)
        pending = {interrupt.id for interrupt in ran.interrupts}
        beyond = not any(request.interrupt in pending for request in cut)
        if beyond and not ran.is_cut_off:
            taken = [r for r in run.asked if r.interrupt not in pending]
            told = [r for r in taken if not (r.is_open or needs_claim(r))]
            await self._go_on(run, conversation, [*cut, *told])
            return
        said = notices.unknown_in_thread(cut)
        ids = [request.id for request in cut]
        await self.settler.fail(run, said, ids, UNKNOWN)
        self.live.idle(conversation)

    async def _go_on(
        self, run: Run, conversation: Conversation, taken: Sequence[Request]
    ) -> None:
        """Go on from what the graph has taken already."""
        turn, ids = _turn_of(conversation, taken[0]), [r.id for r in taken]
        await self._run(run, conversation, turn, self.engine.go_on(run), ids)

    async def _run(
        self,
        run: Run,
        conversation: Conversation,
        turn: Turn,
        go: Awaitable[GraphState],
        answered: Sequence[str] = (),
        *,
        again: bool = False,
    ) -> bool:
        """Run the graph and write what came of it, unless the run was replaced.

        Returns whether the graph asks something now.

        Args:
            go: the run of the graph, which begins here.
            answered: ids of the requests whose answers the graph takes.
            again: it goes on with what a process before has died of.

        Raises:
            Refused: LangGraph did not take an answer.
            TRANSIENT errors, RetryLater: the job is to be tried again.
        """
        try:
            try:
                async with self.live.follow(
                    run, conversation, turn, again=again
                ) as shown:
                    watching.set(shown.watch)
                    await self._introduce(turn)
                    bound = _bound(run, answered)
                    ran = await self.under_way.run(run.conversation, go, bound)
                    await shown.stop(asks=bool(ran.interrupts))
            except (*TRANSIENT, RetryLater, LostRun, Refused):
                raise
            except Exception as error:
                await self._fail(run, error, answered)
                return False
            await self.settler.settle(run, turn, ran, answered)
            if not ran.interrupts:
                await self.talk.after_answer(conversation)
            return bool(ran.interrupts)
        except Stopped as stopped:
            await self._stop(run, answered, stopped.ends)
            return False
        except LostRun:
            # the job must not be tried again: that would replace the run that goes on
            log.warning(
                "run replaced", action="run_lost", conversation=run.conversation
            )
            return False

    async def _stop(
        self, run: Run, answered: Sequence[str], ends: Mapping[str, Execution]
    ) -> bool:
        """End a turn that a person has stopped meanwhile; False if there is no stop."""
        key = {"conversation": run.conversation, "generation": run.generation}
        async with self.pool.connection() as connection:
            found = await connection.execute(SQL["select_stopping"], key)
            row = await found.fetchone()
        if row is None or row["stopping"] is None:
            return False
        said = stopped_by(row["stopping"], (), ())
        with suppress(LostRun):  # since it was read; that run ends the turn
            await self.settler.fail(run, said, answered, ends)
        return True

    async def _introduce(self, turn: Turn) -> None:
        """Let the graph know who asks, if its context has room for that."""
        context = self.engine.served.context
        if context is None:
            return
        name = ""
        if "user_name" in context.asks:
            name = (await self.people.look_up(turn.people.requester)).name
        asker.set(introduced(turn, name))

    async def _fail(self, run: Run, error: Exception, answered: Sequence[str]) -> None:
        # a run that comes to the limit has done all steps before it
        endless = isinstance(error, GraphRecursionError)
        became: Became = Execution.DONE if endless else Execution.FAILED
        ran = GraphState((), ())
        if not self.engine.served.is_own:
            ran = await self.engine.look_back(run)
        if not (endless or self.engine.served.is_own):
            taken = [r for r in run.asked if r.id in answered]
            asked = {request.interrupt for request in taken}
            became = {each.id: execution_of(each, ran, asked) for each in taken}
        said = self._explain(error, run, ran, became)
        # a call that was under way may have had its effect, approved or not
        again = not (endless or open_calls(ran))
        await self.settler.fail(run, said, answered, became, again=again)

    def _explain(
        self, error: Exception, run: Run, ran: GraphState, became: Became
    ) -> str:
        """One sentence for the thread; the rest goes to the log under its code."""
        if isinstance(error, GraphRecursionError):
            return report(texts.AGENT_STEP_LIMIT, "run_failed", error, foreseen=True)
        if isinstance(error, Unstorable):
            nodes = [task.node for task in ran.tasks if not task.is_over]
            return report(graphs.unstorable(str(error), nodes), "run_failed", error)
        known = self.engine.served.explain(error)
        foreseen = known is not None
        if not known and (node := node_of(error)) and isinstance(became, Mapping):
            unsure = [r.call.tool for r in run.asked if became.get(r.id) is UNKNOWN]
            done = done_calls(ran)
            known = graphs.graph_failed(node, type(error).__name__, done, unsure)
        return report(
            known or texts.AGENT_FAILED, "run_failed", error, foreseen=foreseen
        )

    async def prune(self, conversation: str) -> None:
        """Drop the checkpoints that nobody needs any more, when it is quiet.

        Not after each turn: that took a third of the turn's statements, and what it
        saves is the growth of long conversations.
        """
        async with self.pool.connection() as connection:
            key = {"conversation": conversation}
            found = await connection.execute(SQL["select_generation"], key)
            row = await found.fetchone()
        if row is None:
            return
        await self.engine.prune(conversation)
        async with self.pool.connection() as connection:
            done = {**key, "generation": row["generation"]}
            await connection.execute(SQL["pruned"], done)


def _bound(run: Run, answered: Collection[str]) -> list[Request]:
    """The approved requests that the graph carries out itself."""
    return [r for r in run.asked if r.id in answered and needs_claim(r)]


def _turn_of(conversation: Conversation, request: Request) -> Turn:
    """The turn that goes on: later calls of it come from the same words."""
    return Turn(
        conversation.id, conversation.channel, conversation.thread_ts, request.people
    )
