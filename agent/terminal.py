"""Chat in a terminal: read, run, show, and ask about what needs approval."""

# LangGraph ships its types without the marker that pyright looks for.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

import logging
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar, cast

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool
from langgraph.errors import GraphRecursionError, UnknownInterruptError
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, Interrupt

from agent.checkpointers import TROUBLE, CheckpointerError, Kept, first_line
from agent.graph import in_call_order
from agent.models import explain_model_error
from agent.phrases import chat, tool_calls
from agent.safe_text import clean_text, harmless, visible_json
from agent.tool_arguments import ArgumentsError, parse_arguments, problem_with

logger = logging.getLogger(__name__)
PROMPT = "> "
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
        state = self._try(self._session.go_on())
        if state is not None:
            self._person.tell(chat.GOING_ON)
            self._finish(state)
        while True:
            text = clean_text(self._person.ask(PROMPT)).strip()
            if text:
                self._finish(self._try(self._session.say(text)))

    def _finish(self, state: SessionState | None) -> None:
        """Ask about all that waits, however often, then show the answer."""
        while state is not None and state.questions:
            self._tell_unknown(state)
            state = self._ask(state)
        if state is not None:
            self._tell_unknown(state)
            self._person.tell(harmless(state.answer) or chat.NOTHING_TO_SAY)

    def _ask(self, state: SessionState) -> SessionState | None:
        self.waits = True
        decided: list[tuple[Question, Decision]] = []
        for question in state.questions:
            show_call(question.value, self._person)
            tool = self._tools[question.value["name"]]
            decided.append((question, ask_about(question.value, tool, self._person)))
        self.waits = False
        return self._try(self._session.decide(decided))

    def _tell_unknown(self, state: SessionState) -> None:
        for call in state.unknown:
            shown = f"{harmless(call['name'])} {visible_json(call['args'])}"
            self._person.tell(chat.unknown(shown))

    def _try(
        self, work: Coroutine[Any, Any, SessionState | None]
    ) -> SessionState | None:
        """Run; after a failure of the agent say so and look what is open now."""
        try:
            return self._run(work)
        except TROUBLE as error:
            raise _not_stored(error) from error
        except Exception as error:
            logger.debug("the agent failed", exc_info=error)
            self._person.tell(_failure(error))
        try:
            state = self._run(self._session.look())
        except TROUBLE as error:
            raise _not_stored(error) from error
        return state if state.questions else None


def _not_stored(error: Exception) -> CheckpointerError:
    return CheckpointerError(chat.not_stored(first_line(error)))


def _failure(error: Exception) -> str:
    if isinstance(error, GraphRecursionError):
        return chat.ENDLESS
    # Its text may hold anything, so only the log gets it.
    return explain_model_error(error) or chat.failed(type(error).__name__)


STEP_LIMIT = 60  # super-steps of one turn
Graph = CompiledStateGraph[Any, Any, Any, Any]
Question = Interrupt[Any]


@dataclass(frozen=True)
class SessionState:
    """The state of a conversation.

    Attributes:
        questions: what waits for a person.
        answer: the text of the model's last word; "" while it is not done.
        unknown: calls that were cut off in the middle, with no record of how far.
    """

    questions: tuple[Question, ...]
    answer: str
    unknown: tuple[Mapping[str, Any], ...] = ()


class Session:
    """Runs the agent in one thread.

    Args:
        graph: the agent, compiled without a checkpointer.
        kept: where its checkpoints and grants are.
        thread: a name; the same name later is the same conversation.
    """

    def __init__(self, graph: Graph, kept: Kept, thread: str) -> None:
        self._graph = graph.copy(update={"checkpointer": kept.saver})
        self._grants = kept.grants
        # Of our own, so that no conversation of another program is continued here.
        self.thread = f"terminal:{thread}"
        self._config: RunnableConfig = {
            "configurable": {
                "thread_id": self.thread,
                # refuses an answer whose question is not pending, before it is saved
                "__pregel_strict_resume": True,
            },
            "recursion_limit": STEP_LIMIT,
        }

    async def look(self) -> SessionState:
        """Read where the conversation stands; runs nothing."""
        saved = await self._graph.aget_state(self._config)
        return _state_of(saved.values, saved.interrupts)

    async def go_on(self) -> SessionState | None:
        """Finish what the end of an earlier process has cut off; None if nothing was.

        A call that had begun by then is not asked about again: the graph is told what
        is known of it, and it never runs a second time.
        """
        saved = await self._graph.aget_state(self._config)
        done = _state_of(saved.values, saved.interrupts).answer
        if not saved.next and (done or not saved.values):
            return None
        state = await self._invoke(None)
        answers: dict[str, Any] = {}
        unknown: list[Mapping[str, Any]] = []
        for question in state.questions:
            begun = await self._begun(question.value)
            if begun is not None:
                answers[question.id], ended = begun
                unknown += [] if ended else [question.value]
        if answers:
            state = await self._invoke(Command(resume=dict(answers)))
        return replace(state, unknown=tuple(unknown))

    async def say(self, text: str) -> SessionState:
        """Hand over what a person writes; nothing may wait for a decision."""
        return await self._invoke({"messages": [HumanMessage(text)]})

    async def decide(
        self, decided: Sequence[tuple[Question, Decision]]
    ) -> SessionState:
        """Keep decisions, then hand them all to the graph at once, by interrupt id."""
        answers = {q.id: await self._keep(q.value, d) for q, d in decided}
        try:
            return await self._invoke(Command(resume=dict(answers)))
        except UnknownInterruptError:  # another terminal was faster
            return await self.look()

    async def _keep(self, question: Mapping[str, Any], decision: Decision) -> Any:
        call = question["tool_call_id"]
        if not await self._grants.decide(self.thread, call, decision.approved):
            begun = await self._begun(question)
            if begun is not None:
                return begun[0]
        return decision.answer

    async def _begun(self, question: Mapping[str, Any]) -> tuple[Any, bool] | None:
        """The answer that a call which has begun was given, and whether it ended."""
        found = await self._grants.begun(self.thread, question["tool_call_id"])
        if found is None:
            return None
        args, ended = found
        if args == question["args"]:
            return {"type": "approve"}, ended
        action = {"name": question["name"], "args": args}
        return {"type": "edit", "edited_action": action}, ended

    async def _invoke(self, given: Any) -> SessionState:
        values = await self._graph.ainvoke(given, self._config, durability="sync")
        return _state_of(values, values.get("__interrupt__", ()))


def _state_of(values: Mapping[str, Any], interrupts: Any) -> SessionState:
    messages = cast("Sequence[AnyMessage]", values.get("messages", ()))
    questions = in_call_order(interrupts, messages)
    last = messages[-1] if messages else None
    if isinstance(last, AIMessage) and not last.tool_calls:
        return SessionState(questions, str(last.text))
    return SessionState(questions, "")


class Person(Protocol):
    """The person at the terminal."""

    def ask(self, prompt: str) -> str:
        """Return one line. Raises EOFError when there are no more."""
        ...

    def tell(self, text: str) -> None:
        """Show a text that is harmless already."""
        ...


@dataclass(frozen=True)
class Decision:
    """A person's decision on one call.

    Attributes:
        answer: what the interrupt is resumed with, a LangChain decision.
        approved: the arguments that may run; None where the tool must not run.
    """

    answer: dict[str, Any]
    approved: dict[str, Any] | None = None


def show_call(question: Mapping[str, Any], person: Person) -> None:
    """Show the tool and all its arguments."""
    person.tell(chat.needs_yours(harmless(question["name"])))
    person.tell(visible_json(question["args"], indent=2))


def ask_about(question: Mapping[str, Any], tool: BaseTool, person: Person) -> Decision:
    """Ask until there is a decision.

    Args:
        question: the value of an interrupt of the gate.
        tool: the tool that it names.

    Raises:
        EOFError: nobody is there; nothing is decided.
    """
    while True:
        word, _, rest = clean_text(person.ask(chat.CHOICES)).strip().partition(" ")
        decided = _read(word.lower(), rest.strip(), question, tool, person)
        if decided is not None:
            return decided


def _read(
    word: str,
    rest: str,
    question: Mapping[str, Any],
    tool: BaseTool,
    person: Person,
) -> Decision | None:
    match word:
        # With more words, such as a condition, it is no approval of what is shown.
        case "approve" | "yes" | "y" if not rest:
            seen = {"seen": question["seen"]} if "seen" in question else {}
            return Decision({"type": "approve", **seen}, question["args"])
        case "reject" | "no" | "n":
            return Decision({"type": "reject", "message": tool_calls.rejected(rest)})
        case "answer":
            text = rest or clean_text(person.ask(chat.IN_ITS_PLACE)).strip()
            return Decision({"type": "respond", "message": text}) if text else None
        case "edit":
            return _edit(rest, question, tool, person)
        case _:
            person.tell(chat.NOT_DECIDED)
            return None


def _edit(
    text: str, question: Mapping[str, Any], tool: BaseTool, person: Person
) -> Decision | None:
    """Ask for arguments until they fit, or are left as they are."""
    if not text:
        person.tell(visible_json(question["args"]))
    while text := text or clean_text(person.ask(chat.NEW_ARGUMENTS)).strip():
        edited, problem = _arguments(text, tool)
        if not problem and edited == question["args"]:
            problem = chat.NOTHING_CHANGED
        if not problem:
            action = {"name": question["name"], "args": edited}
            return Decision({"type": "edit", "edited_action": action}, edited)
        person.tell(harmless(problem))
        text = ""
    return None


def _arguments(text: str, tool: BaseTool) -> tuple[dict[str, Any], str]:
    try:
        edited = parse_arguments(text)
    except ArgumentsError as error:
        return {}, str(error)
    return edited, problem_with(tool, edited)
