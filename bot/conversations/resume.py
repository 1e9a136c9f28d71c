"""Resume a graph: check that a verdict still holds, then hand it over."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from langgraph.errors import is_invalid_resume
from langgraph.types import Interrupt
from pydantic import ValidationError

from agent.phrases.tool_calls import denied
from bot.approvals import digest, store
from bot.approvals.eligibility import (
    PolicyContext,
    holds,
    live_sources,
    with_current_people,
    with_current_policy,
    with_members,
)
from bot.approvals.grants import claim_resume, needs_claim, unclaim
from bot.approvals.judge import unfillable
from bot.approvals.model import (
    Decision,
    Execution,
    Outcome,
    Profile,
    Request,
    Status,
    Verdict,
)
from bot.approvals.policy.model import Denied
from bot.approvals.ports import (
    Jobs,
    PeopleNow,
    Policies,
    last_decision,
    look_up_groups,
)
from bot.approvals.run import LostRun, Run
from bot.approvals.stages import what_is_added
from bot.approvals.transitions import ask_again, reject_by_policy, reopen
from bot.base.faults import reach
from bot.conversations import dialects
from bot.conversations.dialects.interface import (
    Decided,
    End,
    Question,
    RunOn,
    Stop,
    Unfit,
)
from bot.conversations.engine import Engine
from bot.conversations.graph_state import GraphState
from bot.conversations.outcome import read_question
from bot.database.pool import Connection, Pool, transaction
from bot.texts import agent, cards, clicks, graphs
from bot.texts.formatting import one_line


@dataclass(frozen=True)
class Answered:
    """A question all of whose calls are decided, and the value that says so.

    Attributes:
        value: what the graph is resumed with, a `Stop` or a `RunOn`.
        is_alone: whether LangGraph may refuse it, so it is passed on alone.
    """

    question: Question
    requests: Sequence[Request]
    value: Any
    is_alone: bool = False


@dataclass
class Found:
    """The decided questions of a conversation, by what is to be done about them.

    Attributes:
        answered: to be handed over.
        unfit: requests whose verdict the graph would not take, each with a sentence.
        told: whose no a run before a crash has handed over already.
        changed: of questions that the graph no longer asks as they were shown.
        stop: why the turn ends instead, "" if it goes on.
    """

    answered: list[Answered] = field(default_factory=list[Answered])
    unfit: list[tuple[Request, str]] = field(default_factory=list[tuple[Request, str]])
    told: list[Request] = field(default_factory=list[Request])
    changed: list[Request] = field(default_factory=list[Request])
    stop: str = ""


@dataclass(frozen=True)
class Handover:
    """Turns verdicts into the values that a graph is resumed with."""

    pool: Pool
    jobs: Jobs
    policies: Policies
    engine: Engine

    async def find(self, run: Run, decided: Sequence[Request]) -> Found:
        """Read what the graph asks now, and put the verdicts to it.

        The questions of our own gate are known without that.
        """
        found = Found()
        groups = by_interrupt(decided)
        foreign = any(not request.call.guarded for request in decided)
        asked = await self._asked(run) if foreign else {}
        for interrupt, requests in groups.items():
            if requests[0].call.guarded:
                self._sort(found, question_of_gate(requests[0]), requests)
            elif (question := asked.get(interrupt)) is None:
                gone = any(needs_claim(request) for request in requests)
                (found.changed if gone else found.told).extend(requests)
            elif is_decided(question, requests):
                self._sort(found, question, requests)
        return found

    async def claim(self, run: Run, batch: Sequence[Answered]) -> None:
        """Take the right to do what was approved, right before the graph does it.

        Raises:
            LostRun: somebody else has it; nothing may be handed over.
        """
        requests = [request for each in batch for request in each.requests]
        claims = any(needs_claim(request) for request in requests)
        if claims:
            reach("claiming")
        if not await claim_resume(self.pool, run, requests):
            raise LostRun(run.conversation)
        if claims:
            reach("claimed")

    async def hand_over(self, run: Run, batch: Sequence[Answered]) -> GraphState:
        """Claim what was approved, then resume the graph with all values in one map.

        Raises:
            LostRun: somebody else has the claim; nothing was handed over.
            Refused: LangGraph did not take a value; nothing was saved.
        """
        await self.claim(run, batch)
        if any(isinstance(each.value, RunOn) for each in batch):
            return await self.engine.run_on(run)
        values = {each.question.interrupt: each.value for each in batch}
        try:
            return await self.engine.resume(run, values)
        except Exception as error:
            if is_invalid_resume(error):
                raise Refused(_complaint(error)) from error
            raise

    async def give_back(self, run: Run, requests: Sequence[Request], why: str) -> None:
        """Open requests again whose answers the graph did not take; nothing ran.

        Those who decided are told, since the form that they filled in has closed.
        """
        async with transaction(self.pool) as connection:
            await unclaim(connection, run, [request.id for request in requests])
            for request in requests:
                lost = request.chain.decisions[-1]
                again = await reopen(connection, request, why, lost=lost)
                if again is not None:
                    await ask_again(connection, self.jobs, again)
                    await self._tell(connection, request, why)

    async def _tell(self, connection: Connection, request: Request, why: str) -> None:
        place = await store.place_of_card(connection, request.id)
        has_form = request.call.form is not None
        for decision in request.chain.decisions:
            is_form = has_form and decision.verdict is Verdict.ANSWER
            said = clicks.open_again(request.code, why, is_kept=is_form)
            await store.tell(connection, self.jobs, decision.person, said, *place)

    async def _asked(self, run: Run) -> dict[str, Question]:
        ran = await self.engine.look(run)
        served, policy = self.engine.served, self.policies.current
        read = [read_question(each, served, policy) for each in ran.interrupts]
        return {question.interrupt: question for question in read}

    def _sort(
        self, found: Found, question: Question, requests: Sequence[Request]
    ) -> None:
        if question.problem:
            found.stop = question.problem
            return
        if not is_what_was_shown(question, requests):
            found.changed += requests
            return
        try:
            answered = answer_to(question, requests)
        except Unfit as error:
            given = [request for request in requests if needs_claim(request)]
            if not all(request.chain.decisions for request in given) or not given:
                found.stop = str(error)
            found.unfit += [(request, str(error)) for request in given]
            return
        if isinstance(answered.value, Stop):
            found.stop = answered.value.why
        found.answered.append(answered)


class Refused(Exception):
    """LangGraph did not take an answer; the text is a sentence for people."""


def batches(answered: Sequence[Answered]) -> list[list[Answered]]:
    """Group the answers: all in one map, except those that LangGraph may refuse."""
    together = [each for each in answered if not each.is_alone]
    alone = [[each] for each in answered if each.is_alone]
    return [*([together] if together else []), *alone]


def _complaint(error: BaseException) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        said = f"{where}: {first['msg']}" if where else first["msg"]
        return graphs.graph_refuses(one_line(said, 200))
    return graphs.graph_refuses(one_line(str(error), 200))


# --- The answer to a question, made of the requests that it became --------------------


def by_interrupt(requests: Iterable[Request]) -> dict[str, list[Request]]:
    """Requests by the question that they belong to, in call order."""
    found: dict[str, list[Request]] = {}
    for request in sorted(requests, key=lambda each: each.call.position):
        found.setdefault(request.interrupt, []).append(request)
    return found


def is_decided(question: Question, requests: Sequence[Request]) -> bool:
    """Return whether there is a verdict on each call of a question."""
    return [each.call.position for each in requests] == [*range(len(question.calls))]


def is_what_was_shown(question: Question, requests: Sequence[Request]) -> bool:
    """Return whether the graph still asks what people have decided on."""
    return all(
        call.name == request.call.tool
        and _same(call.arguments, request.call.first_arguments)
        for call, request in zip(question.calls, requests, strict=True)
    )


def answer_to(question: Question, requests: Sequence[Request]) -> Answered:
    """Give the value for a question.

    Raises:
        Unfit: the decisions do not fit it; the text says why.
    """
    decisions = [decided_of(request) for request in requests]
    value = dialects.answer(question, decisions)
    edits = any(decided.end is End.EDIT for decided in decisions)
    checked = question.raised.response_schema is not None
    alone = question.dialect == "form" or (edits and checked)
    return Answered(question, requests, value, alone)


def question_of_gate(request: Request) -> Question:
    """Return the question of our own gate, made anew from what is stored of it."""
    raised = Interrupt(
        {
            "type": "tool_approval",
            "tool_call_id": request.call.id,
            "name": request.call.tool,
            "args": request.call.first_arguments,
            "description": "",
        },
        id=request.interrupt,
    )
    return dialects.read(raised, {})


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return digest.canonical(one) == digest.canonical(other)


def decided_of(request: Request) -> Decided:
    """The decision that a request which is closed stands for."""
    call = request.call
    if request.status is Status.ANSWERED:
        value = call.answer_value if call.is_answered else request.answer
        return Decided(End.ANSWER, value=value)
    if request.status is Status.APPROVED and call.is_edited:
        return Decided(End.EDIT, arguments=call.arguments)
    if request.status is Status.APPROVED:
        return Decided(End.APPROVE)
    late = request.status is Status.TIMED_OUT
    return Decided(
        End.TIMED_OUT if late else End.REJECT, message=_reason_for_agent(request)
    )


def _reason_for_agent(request: Request) -> str:
    if request.status is Status.TIMED_OUT:
        return agent.TIMED_OUT_FOR_AGENT
    if request.status is Status.WITHDRAWN:
        return agent.WITHDRAWN_FOR_AGENT
    end = request.end
    if end.outcome is Outcome.DENIED:
        return denied(end.note.strip())
    if end.outcome is Outcome.REPEATED:
        return agent.REPEATED_FOR_AGENT
    if end.outcome is Outcome.UNFILLABLE:
        reason = cards.unfillable(end.note)
        return agent.rejected_for_agent(reason=reason)
    return agent.rejected_for_agent(reason=end.note)


# --- People and policy once more, while the question is pending -----------------------


@dataclass(frozen=True)
class Doubt:
    """The reason why a verdict does not hold: a sentence, and what is behind it."""

    why: str
    lost: Decision | None = None
    tight: Request | None = None
    denied: Denied | None = None


@dataclass(frozen=True)
class Recheck:
    """Looks at people and policy once more, while the question is pending."""

    pool: Pool
    jobs: Jobs
    people: PeopleNow
    policies: Policies

    async def upheld(self, requests: Sequence[Request], now: datetime) -> list[Request]:
        """The requests whose verdicts stand; the others are open again, or rejected.

        Args:
            now: the database's clock, of a moment ago.

        Raises:
            SlackUnavailable: nobody can tell; try again later.
        """
        stands: list[Request] = []
        for request in requests:
            if not await self._is_voided(request, now):
                stands.append(request)
        return stands

    async def _is_voided(self, request: Request, now: datetime) -> bool:
        given = (Status.APPROVED, Status.ANSWERED)
        if request.status not in given or _has_begun(request):
            return False
        if request.end.outcome is Outcome.WAIVED:
            return False
        policy = self.policies.current
        tight = with_current_policy(request, policy)
        chain = request.chain if isinstance(tight, Denied) else tight.chain
        sources = live_sources(chain.stages, policy)
        members = await look_up_groups(self.people, sources, request.people.requester)
        context = PolicyContext(policy, now, members)
        doubt = await self._doubt(request, tight, context)
        return doubt is not None and await self._reopen(request, doubt, context)

    async def _doubt(
        self, request: Request, tight: Request | Denied, context: PolicyContext
    ) -> Doubt | None:
        if isinstance(tight, Denied):
            return Doubt(tight.why, denied=tight)
        own, *profiles = await self._profiles(request)
        for number, decision in enumerate(request.chain.decisions):
            profile, earlier = profiles[number], profiles[:number]
            why = profile.refusal or _second_account(profile, own, earlier)
            if not why and not holds(decision, request, context):
                why = cards.no_longer_in(request.chain.stages[decision.stage].approvers)
            if why:
                said = cards.may_no_longer_decide(decision.person.user, why)
                return Doubt(said, lost=decision)
        is_run = request.status is Status.APPROVED or request.call.is_answered
        if is_run and tight.chain.stages != request.chain.stages:
            added = what_is_added(request, tight)
            return Doubt(added, tight=with_members(tight, context))
        return None

    async def _profiles(self, request: Request) -> list[Profile]:
        """Look up the requester and those who decided, in order."""
        deciders = (decision.person for decision in request.chain.decisions)
        people, decision = (request.people.requester, *deciders), last_decision(request)
        return await asyncio.gather(
            *(self.people.look_again(each, decision) for each in people)
        )

    async def _reopen(
        self, request: Request, doubt: Doubt, context: PolicyContext
    ) -> bool:
        """Ask again; False if the call has begun meanwhile."""
        async with transaction(self.pool) as connection:
            again = await reopen(
                connection,
                request,
                doubt.why,
                lost=doubt.lost,
                tight=doubt.tight,
            )
            if again is None:
                return False
            await self._go_on(connection, again, doubt, context)
            return True

    async def _go_on(
        self,
        connection: Connection,
        again: Request,
        doubt: Doubt,
        context: PolicyContext,
    ) -> None:
        """Ask the people of a reopened request, or reject it where that is no use.

        One that is overdue is left to the clock, which alone closes those.
        """
        if await store.clock(connection) >= again.deadline:
            return
        if doubt.denied is not None:
            await reject_by_policy(
                connection, self.jobs, again, Outcome.DENIED, doubt.why
            )
        elif stuck := unfillable(_without(with_current_people(again, context), doubt)):
            await reject_by_policy(
                connection, self.jobs, again, Outcome.UNFILLABLE, stuck.approvers
            )
        else:
            await ask_again(connection, self.jobs, again)


def _second_account(who: Profile, own: Profile, earlier: Sequence[Profile]) -> str:
    """Say whose other account has decided: the requester's, or an approver's; or ""."""
    if who.person.is_same(own.person):
        return ""  # a stage of the requester's own is theirs to decide
    if who.account and who.account == own.account:
        return cards.same_account()
    if who.mailbox and who.mailbox == own.mailbox:
        return cards.same_mailbox()
    for other in earlier:
        same = who.account == other.account != "" or who.mailbox == other.mailbox != ""
        if same and not who.person.is_same(other.person):
            return cards.counted_already(other.person.user)
    return ""


def _without(request: Request, doubt: Doubt) -> Request:
    """Exclude the person who lost the right from those who can decide it again."""
    if doubt.lost is None:
        return request
    people, gone = request.people, doubt.lost.person.user
    people = replace(people, participants=(*people.participants, gone))
    return replace(request, people=people)


def _has_begun(request: Request) -> bool:
    """Return whether a run before a crash took the grant: nothing is left to void."""
    return request.end.execution not in (None, Execution.APPROVED)
