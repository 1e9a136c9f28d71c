"""Chat in a terminal: read, run, show, and ask about what needs approval."""

from __future__ import annotations

import logging
from collections.abc import Coroutine, Mapping
from typing import Any, Protocol, TypeVar

from langchain_core.tools import BaseTool
from langgraph.errors import GraphRecursionError

from agent.arguments import clean_text
from agent.asking import Decision, Person, ask_about, show_call
from agent.checkpointers import TROUBLE, CheckpointerError, first_line
from agent.models import explain_model_error
from agent.session import Question, Session, Standing
from agent.visible import harmless, visible_json

logger = logging.getLogger(__name__)

PROMPT = "> "
GOING_ON = "Going on where this conversation was cut off."
UNKNOWN = (
    "It is unknown whether {call} was done: the process ended in the middle of it. It "
    "is not run again; please look for yourself."
)
NO_ANSWER = "(The agent has nothing to say.)"
ENDLESS = "The agent did not come to an end; ask for less at once."
FAILED = "The agent failed ({error}); with LOG_LEVEL=debug the log says where."
NOT_STORED = (
    "The conversation cannot be stored any more ({error}): start again to go on where "
    "it was."
)

T = TypeVar("T")


class Run(Protocol):
    """Runs a coroutine to its end."""

    def __call__(self, coroutine: Coroutine[Any, Any, T], /) -> T: ...


class Terminal:
    """Talks with one person about one conversation.

    Args:
        session: the conversation.
        tools: by name.
        person: who reads and writes.
        run: runs a coroutine to its end; nothing runs while a person thinks.
    """

    def __init__(
        self,
        session: Session,
        tools: Mapping[str, BaseTool],
        person: Person,
        run: Run,
    ) -> None:
        self._session = session
        self._tools = tools
        self._person = person
        self._run = run
        self.waits = False  # whether a question is open

    def chat(self) -> None:
        """Go on where the conversation stands, until there is nothing more to read.

        Raises:
            EOFError: the person has left; what is open stays open.
            CheckpointerError: the conversation cannot be stored any more.
        """
        standing = self._try(self._session.go_on())
        if standing is not None:
            self._person.tell(GOING_ON)
            self._finish(standing)
        while True:
            text = clean_text(self._person.ask(PROMPT)).strip()
            if text:
                self._finish(self._try(self._session.say(text)))

    def _finish(self, standing: Standing | None) -> None:
        """Ask about all that waits, however often, then show the answer."""
        while standing is not None and standing.questions:
            self._tell_unknown(standing)
            standing = self._ask(standing)
        if standing is not None:
            self._tell_unknown(standing)
            self._person.tell(harmless(standing.answer) or NO_ANSWER)

    def _ask(self, standing: Standing) -> Standing | None:
        self.waits = True
        decided: list[tuple[Question, Decision]] = []
        for question in standing.questions:
            show_call(question.value, self._person)
            tool = self._tools[question.value["name"]]
            decided.append((question, ask_about(question.value, tool, self._person)))
        self.waits = False
        return self._try(self._session.decide(decided))

    def _tell_unknown(self, standing: Standing) -> None:
        for call in standing.unknown:
            shown = f"{harmless(call['name'])} {visible_json(call['args'])}"
            self._person.tell(UNKNOWN.format(call=shown))

    def _try(self, work: Coroutine[Any, Any, Standing | None]) -> Standing | None:
        """Run; after a failure of the agent say so and look what is open now."""
        try:
            return self._run(work)
        except TROUBLE as error:
            raise _not_stored(error) from error
        except Exception as error:
            logger.debug("the agent failed", exc_info=error)
            self._person.tell(_failure(error))
        try:
            standing = self._run(self._session.look())
        except TROUBLE as error:
            raise _not_stored(error) from error
        return standing if standing.questions else None


def _not_stored(error: Exception) -> CheckpointerError:
    return CheckpointerError(NOT_STORED.format(error=first_line(error)))


def _failure(error: Exception) -> str:
    if isinstance(error, GraphRecursionError):
        return ENDLESS
    # Its text may hold anything, so only the log gets it.
    return explain_model_error(error) or FAILED.format(error=type(error).__name__)
