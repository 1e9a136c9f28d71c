"""Run a graph, and see to it that whatever comes of it is written down."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import structlog
from langgraph.errors import GraphRecursionError

from bot.approvals.grants import LostRun, Run
from bot.approvals.model import Execution
from bot.approvals.raise_request import Turn
from bot.conversations.conversation import Conversation
from bot.conversations.engine import Engine
from bot.conversations.handover import Refused
from bot.conversations.settle import Settler
from bot.conversations.standpoint import Ran
from bot.conversations.trouble import report
from bot.database.pool import TRANSIENT
from bot.errors import RetryLater
from bot.slack import sentences

log = structlog.get_logger(__name__)
Go = Callable[[], Coroutine[Any, Any, Ran]]


class RunGraph(Protocol):
    """See `Running.run`."""

    async def __call__(
        self,
        run: Run,
        conversation: Conversation,
        turn: Turn,
        go: Go,
        answered: Sequence[str] = (),
    ) -> bool: ...


@dataclass(frozen=True)
class Running:
    """One run of a conversation's graph, as long as it is not replaced."""

    engine: Engine
    settler: Settler

    async def run(
        self,
        run: Run,
        conversation: Conversation,
        turn: Turn,
        go: Go,
        answered: Sequence[str] = (),
    ) -> bool:
        """Run the graph and write down what came of it, unless the run was replaced.

        Returns whether the graph asks something now.

        Args:
            answered: ids of the requests whose answers the graph takes.

        Raises:
            Refused: LangGraph did not take an answer.
            TRANSIENT errors, RetryLater: the job is to be tried again.
        """
        try:
            return await self._owned(run, conversation, turn, go, answered)
        except LostRun:
            # the job must not be tried again: that would replace the run that goes on
            log.warning(
                "run replaced", action="run_lost", conversation=run.conversation
            )
            return False

    async def _owned(
        self,
        run: Run,
        conversation: Conversation,
        turn: Turn,
        go: Go,
        answered: Sequence[str],
    ) -> bool:
        try:
            ran = await go()
        except (*TRANSIENT, RetryLater, LostRun, Refused):
            raise
        except Exception as error:
            # whoever comes to the limit has done all steps before it
            endless = isinstance(error, GraphRecursionError)
            became = Execution.DONE if endless else Execution.FAILED
            said = self._explain(error)
            await self.settler.fail(
                run, conversation, said, answered, became, again=not endless
            )
            return False
        await self.settler.settle(run, conversation, turn, ran, answered)
        return bool(ran.interrupts)

    def _explain(self, error: Exception) -> str:
        """One sentence for the thread; the rest goes to the log under its code."""
        if isinstance(error, GraphRecursionError):
            return report(sentences.AGENT_STEP_LIMIT, "run_failed", error)
        known = self.engine.served.explain(error)
        return report(known or sentences.AGENT_FAILED, "run_failed", error)
