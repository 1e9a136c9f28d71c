"""What is handed to a graph when it is resumed, and what is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from langgraph.errors import is_invalid_resume
from pydantic import ValidationError

from bot.approvals.grants import LostRun, Run
from bot.approvals.model import Request
from bot.approvals.ports import Jobs, Policies
from bot.approvals.resumes import claim_resume, needs_claim, unclaim
from bot.approvals.verdicts import ask_again, reopen
from bot.conversations import questions
from bot.conversations.dialects.interface import Question, RunOn, Stop, Unfit
from bot.conversations.dialects.per_call import describe
from bot.conversations.engine import Engine
from bot.conversations.questions import Answered
from bot.conversations.standpoint import Ran
from bot.database.pool import Pool, transaction
from bot.faults import reach
from bot.slack import graph_sentences
from bot.slack.text import one_line


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
        groups = questions.by_interrupt(decided)
        foreign = any(not request.guarded for request in decided)
        asked = await self._asked(run) if foreign else {}
        for interrupt, requests in groups.items():
            if requests[0].guarded:
                question = describe(questions.of_the_gate(requests[0]), {})
                self._sort(found, _of_gate(question), requests)
            elif (question := asked.get(interrupt)) is None:
                gone = any(needs_claim(request) for request in requests)
                (found.changed if gone else found.told).extend(requests)
            elif questions.is_decided(question, requests):
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

    async def hand_over(self, run: Run, batch: Sequence[Answered]) -> Ran:
        """Resume the graph with all values of a batch, in one map.

        Raises:
            Refused: LangGraph did not take a value; nothing was saved.
        """
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
        """Open requests again whose answers the graph did not take; nothing ran."""
        async with transaction(self.pool) as connection:
            await unclaim(connection, run, [request.id for request in requests])
            for request in requests:
                lost = request.decisions[-1]
                again = await reopen(connection, self.jobs, request, why, lost=lost)
                if again is not None:
                    await ask_again(connection, self.jobs, again)

    async def _asked(self, run: Run) -> dict[str, Question]:
        ran = await self.engine.look(run)
        served, policy = self.engine.served, self.policies.current
        read = [questions.read(each, served, policy) for each in ran.interrupts]
        return {question.interrupt: question for question in read}

    def _sort(
        self, found: Found, question: Question, requests: Sequence[Request]
    ) -> None:
        if question.problem:
            found.stop = question.problem
            return
        if not questions.is_what_was_shown(question, requests):
            found.changed += requests
            return
        try:
            answered = questions.answered(question, requests)
        except Unfit as error:
            given = [request for request in requests if needs_claim(request)]
            if not all(request.decisions for request in given) or not given:
                found.stop = str(error)
            found.unfit += [(request, str(error)) for request in given]
            return
        if isinstance(answered.value, Stop):
            found.stop = answered.value.why
        found.answered.append(answered)


class Refused(Exception):
    """LangGraph did not take an answer; the text is a sentence for people."""


def batches(answered: Sequence[Answered]) -> list[list[Answered]]:
    """What goes together: all in one map, but for what LangGraph may refuse."""
    together = [each for each in answered if not each.is_alone]
    alone = [[each] for each in answered if each.is_alone]
    return [*([together] if together else []), *alone]


def _of_gate(question: Question) -> Question:
    return Question(question.raised, question.calls, dialect="per_call")


def _complaint(error: BaseException) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        said = f"{where}: {first['msg']}" if where else first["msg"]
        return graph_sentences.graph_refuses(one_line(said, 200))
    return graph_sentences.graph_refuses(one_line(str(error), 200))
