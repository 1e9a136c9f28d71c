"""Write what came of a run, in one transaction: questions, an answer, a failure."""

from __future__ import annotations

import logging
import re
import secrets
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from langgraph.types import Interrupt
from psycopg.rows import DictRow

from agent.phrases import chat
from agent.safe_text import clean_text
from bot.approvals.assess import EarlierReject, ProposedCall, Turn, sources_of
from bot.approvals.eligibility import PolicyContext
from bot.approvals.grants import close_unrun, finish_resume, keep_version
from bot.approvals.model import Execution, Kind, Request, Verdict
from bot.approvals.policy.match import answers_of
from bot.approvals.policy.model import Policy
from bot.approvals.ports import (
    JobAtWork,
    Jobs,
    People,
    Policies,
    at_work,
    look_up_groups,
)
from bot.approvals.raise_request import (
    NewRequest,
    post_cards,
    raise_requests,
    rejected_lately,
    requests_for,
    requests_json,
)
from bot.approvals.run import LostRun, Run
from bot.approvals.transitions import orphan
from bot.base.errors import SlackUnavailable
from bot.base.faults import reach
from bot.conversations import SQL, dialects
from bot.conversations.dialects import raw
from bot.conversations.dialects.interface import AskedCall, Question
from bot.conversations.engine import ServedGraph
from bot.conversations.graph_state import GraphState, answered_nothing, last_word
from bot.conversations.run_saver import checkpoint_of, writes_of
from bot.conversations.stop_and_retry import Stopped
from bot.database.pool import Connection, Pool, transaction
from bot.texts import conversation, graphs
from bot.texts.conversation import STOPPED_BEFORE
from bot.texts.formatting import one_line

log = structlog.get_logger(__name__)
Became = Execution | Mapping[str, Execution]  # of all, or of each request by its id


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
        turn: Turn,
        ran: GraphState,
        answered: Sequence[str] = (),
    ) -> None:
        """Store what the graph asks, or its answer.

        Args:
            answered: ids of the requests whose answers the graph has taken.

        Raises:
            LostRun: another run has taken the conversation over.
            Stopped: nothing was written, since a person has said to ask no more.
            SlackUnavailable: nobody can tell who is in a group; try again later.
        """
        reach("asking" if ran.interrupts else "answering")
        if _is_deaf(run, ran, answered):
            said = report(graphs.ASKS_THE_SAME, "answer_not_taken")
            await self.fail(run, said, answered)
            return
        asked = self._asked(ran)
        if isinstance(asked, str):
            await self.fail(run, asked, answered, Execution.DONE)
            return
        policy = self.policies.current
        sources = sources_of(policy, asked, turn.people)
        try:
            members = await look_up_groups(self.people, sources, turn.people.requester)
        except SlackUnavailable:
            await run.save()  # so that the next try need not ask the model again
            raise
        context = PolicyContext(policy, run.clock(), members)
        await self._write(
            run, ran, answered, partial(requests_for, turn, asked, context)
        )
        if ran.interrupts:
            reach("asked")

    async def _write(
        self,
        run: Run,
        ran: GraphState,
        answered: Sequence[str],
        new_requests: Callable[[Mapping[str, EarlierReject]], Sequence[NewRequest]],
    ) -> None:
        """Write what a graph has come to, and raise the requests for what it asks.

        Args:
            new_requests: makes these, from what people have rejected before.
        """
        end = self._end_of(ran, answered)
        is_last = not answered  # a resume may have more answers to hand over
        if _takes_all(run, answered):
            end = replace(end, asked=new_requests(run.rejected))
            async with self.pool.connection() as connection:
                await self._end(connection, run, end, is_last=is_last)
            return
        async with transaction(self.pool) as connection:
            await self._end(connection, run, end, is_last=is_last)
            await self._finish(connection, run, answered, Execution.DONE)
            pending = {question.id for question in ran.interrupts}
            await self._orphan(connection, run, pending, answered)
            if ran.interrupts:
                # somebody may have rejected something else meanwhile
                before, _ = await rejected_lately(connection, run.conversation)
                await raise_requests(connection, self.jobs, new_requests(before))

    async def fail(
        self,
        run: Run,
        sentence: str,
        answered: Sequence[str] = (),
        became: Became = Execution.FAILED,
        *,
        again: bool = False,
    ) -> None:
        """Say in the thread what went wrong; the conversation can go on.

        What else it has asked is closed: to go on with that could run again what has
        failed.

        Args:
            became: of what the graph was about to do by itself, or had done.
            again: whether trying it again could mend it.
        """
        async with transaction(self.pool) as connection:
            known = became is not Execution.UNKNOWN
            end = RunEnd("say", sentence, answered, known, again)
            await self._end(connection, run, end)
            await self._finish(connection, run, answered, became)
            if not self.served.is_own:
                rest = [r for r in run.asked if r.id not in answered]
                await close_unrun(connection, self.jobs, rest, STOPPED_BEFORE)
                await self._orphan(connection, run, (), answered)

    async def reconcile(self, run: Run, gone: Sequence[Request]) -> bool:
        """Close what a changed graph no longer asks; True if that ends its turn."""
        ids = [request.id for request in gone]
        is_over = bool(gone) and all(request.id in ids for request in run.asked)
        async with transaction(self.pool) as connection:
            end = RunEnd("say", graphs.GRAPH_CHANGED) if is_over else RunEnd()
            await self._end(connection, run, end)
            await keep_version(connection, run.asked, self.served.version)
            await self._close(connection, gone, graphs.GRAPH_CHANGED)
        return is_over

    def _asked(self, ran: GraphState) -> list[ProposedCall] | str:
        """Read what the graph asks, call by call; a sentence if it cannot be asked."""
        policy, asked = self.policies.current, list[ProposedCall]()
        for interrupt in ran.interrupts:
            question = read_question(interrupt, self.served, policy)
            if question.problem:
                return report(question.problem, "question_refused")
            asked += asked_of(question, self.served)
        return asked

    async def _finish(
        self, connection: Connection, run: Run, ids: Sequence[str], became: Became
    ) -> None:
        if not any(r.id in ids and not r.call.guarded for r in run.asked):
            return
        each = became if isinstance(became, Mapping) else dict.fromkeys(ids, became)
        for state in sorted({*each.values()}):
            own = [key for key in ids if each.get(key) is state]
            await finish_resume(connection, self.jobs, run, own, state)

    async def _orphan(
        self,
        connection: Connection,
        run: Run,
        pending: Collection[str],
        answered: Collection[str],
    ) -> None:
        """Close the cards of questions that the graph no longer asks."""
        gone = [
            request
            for request in run.asked
            if request.interrupt not in pending and request.id not in answered
        ]
        await self._close(connection, gone, graphs.NO_LONGER_ASKED)

    async def _close(
        self, connection: Connection, gone: Sequence[Request], why: str
    ) -> None:
        if gone:
            await close_unrun(connection, self.jobs, gone, why)
            await orphan(connection, self.jobs, gone, why)

    def _end_of(self, ran: GraphState, answered: Sequence[str]) -> RunEnd:
        """Return what the run has come to: a question, or the last word of its turn."""
        if ran.interrupts:
            return RunEnd(answered=answered)
        if said := last_word(ran, self.served.schemas):
            return RunEnd("answer", said, answered)
        if answered_nothing(ran):
            said = report(chat.SAID_NOTHING, "no_answer")
            return RunEnd("say", said, answered, again=True)
        return RunEnd(
            "say", report(graphs.AGENT_RETURNED_NOTHING, "no_answer"), answered
        )

    async def _end(
        self, connection: Connection, run: Run, end: RunEnd, *, is_last: bool = False
    ) -> None:
        """Write the end of a run; its job ends too, if `is_last` or at a turn's end."""
        lease = None if end.again else self.jobs.lease  # an offer is drawn from more
        gated = self.served.is_own
        job = at_work.get() if end.kind or is_last else None
        said = await end_run(connection, run, end, gated=gated, lease=lease, job=job)
        if end.asked:
            post_cards(connection, self.jobs, end.asked, said["raised"])
        if end.kind:
            taken = {**said, **TAKEN} if lease else {}
            self.jobs.post(connection, [said["id"]], taken, run.conversation)


@dataclass(frozen=True)
class RunEnd:
    """The end of a run.

    Attributes:
        kind: of its turn's last word, "answer", or "say" for a sentence of ours; "" for
            a run that waits for people.
        answered: ids of the requests whose answers the graph has taken.
        known: False if nobody knows whether it has.
        again: whether it is offered to try the turn again.
        asked: the requests that are raised with it.
    """

    kind: str = ""
    text: str = ""
    answered: Sequence[str] = ()
    known: bool = True
    again: bool = False
    asked: Sequence[NewRequest] = ()


#: What `take_messages` reads beside the row of a message that is just being written.
TAKEN: Mapping[str, Any] = {
    "was": "queued",
    "is_late": False,
    "requests": (),
    "offer": None,
    "question": None,
}


async def end_run(
    connection: Connection,
    run: Run,
    end: RunEnd,
    *,
    gated: bool = True,
    lease: timedelta | None = None,
    job: JobAtWork | None = None,
) -> DictRow:
    """Write a run's end; return its last word's row, and the ids it has `raised`.

    Args:
        gated: whether all calls of the graph go by our own gate.
        lease: for which that word is taken to be sent; None: it is not.
        job: the job that ends with it.

    Raises:
        LostRun: another run has taken the conversation over.
        Stopped: a person has said to ask no more; nothing may be written.
    """
    if run.saving:  # is over; what kept it from that keeps the run from its end
        run.saving.result()
    written = writes_of(() if end.kind else run.written)
    key = {
        **checkpoint_of(run.unsaved() if run.unsaved else None),
        **written,
        "behind": None if run.unsaved else written["step"],
        "conversation": run.conversation,
        "generation": run.generation,
        "kind": end.kind,
        "text": clean_text(end.text),
        "delivery": str(uuid.uuid4()),
        "answered": list(end.answered),
        "known": end.known,
        "again": end.again,
        "asked": requests_json(end.asked) if end.asked else None,
        "gated": gated,
        "lease": lease,
        "job": job and job.number,
    }
    found = await connection.execute(SQL["end_run"], key)
    row = await found.fetchone()
    if row is None:
        raise LostRun(run.conversation)
    if row["stopping"] is not None and not end.kind and end.answered:
        ends = dict.fromkeys(end.answered, Execution.DONE)
        raise Stopped(run.conversation, ends)
    connection.after_commit.append(run.forget_unsaved)
    if job:
        connection.after_commit.append(job.end)
    return row


def _takes_all(run: Run, answered: Collection[str]) -> bool:
    """Return whether all that was asked has its answer, by our own gate.

    The end of such a run closes nothing else, and no stop waits for it.
    """
    return all(r.call.guarded and r.id in answered for r in run.asked)


def _is_deaf(run: Run, ran: GraphState, answered: Collection[str]) -> bool:
    """Return whether a graph still asks what it has just got an answer to."""
    pending = {interrupt.id for interrupt in ran.interrupts}
    given = [r for r in run.asked if r.id in answered and not r.call.guarded]
    return any(request.interrupt in pending for request in given)


def report(
    sentence: str,
    action: str,
    error: BaseException | None = None,
    *,
    foreseen: bool = False,
) -> str:
    """Log trouble under a new code, and give its sentence with that code.

    Args:
        foreseen: the sentence explains it, so where it comes from is told at debug.
    """
    code = secrets.token_hex(3)
    cause = one_line(f"{type(error).__name__}: {error}", 300) if error else None
    is_traced = not foreseen or logging.getLogger(__name__).isEnabledFor(logging.DEBUG)
    shown = error if is_traced else None
    log.error(sentence, action=action, code=code, cause=cause, exc_info=shown)
    return conversation.with_code(sentence, code)


# --- A graph's questions, read as calls for people to decide --------------------------

#: How LangGraph writes the ids of questions that it can match an answer with.
ANSWERABLE = re.compile("[0-9a-f]{32}")


def read_question(
    interrupt: Interrupt[Any], served: ServedGraph, policy: Policy
) -> Question:
    """Read an interrupt, with the answers and levels of the policy in force."""
    question = dialects.read(interrupt, served.schemas)
    if not ANSWERABLE.fullmatch(interrupt.id):
        return replace(question, problem=graphs.TAKES_NO_ANSWER)
    rule = None
    if question.calls[0].kind is Kind.INTERRUPT:
        rule = answers_of(policy, question.calls[0].name)
    return raw.resolve(
        question,
        rule=rule,
        default=policy.interrupts.answers,
        levels=policy.interrupts.levels,
    )


def asked_of(question: Question, served: ServedGraph) -> list[ProposedCall]:
    """The calls of a question, one for each that people decide."""
    guarded = is_guarded(question, served)
    return [
        ProposedCall(
            interrupt=question.interrupt,
            tool_call=call.tool_call,
            tool=call.name,
            arguments=call.arguments,
            schema=dict(call.schema),
            position=position,
            note="" if guarded else call.note,  # our own gate has no reason to give
            kind=call.kind,
            takes=call.allowed,
            waivable=call.waivable
            and _allows(call, Verdict.APPROVE)
            and not served.is_unsettled(call.name),
            guarded=guarded,
            headline=call.headline,
            tool_title=_tool_title(call, served),
            form=None if question.form is None else dict(question.form),
            graph_version=served.version,
            seen=question.raised.value.get("seen") if guarded else None,
        )
        for position, call in enumerate(question.calls)
    ]


def _tool_title(call: AskedCall, served: ServedGraph) -> str:
    return served.titles.get(call.name, "") if call.kind is Kind.TOOL else ""


def is_guarded(question: Question, served: ServedGraph) -> bool:
    """Return whether it comes from our own gate, whose tool claims its grant itself.

    The gate gives no schema of decisions, and LangChain's middleware always does: a
    tool behind both is asked about twice, and claimed for each.
    """
    plain = question.dialect == "per_call" and question.raised.response_schema is None
    return plain and question.calls[0].name in served.guards


def _allows(call: AskedCall, verdict: Verdict) -> bool:
    return call.allowed is None or verdict in call.allowed
