"""One conversation of the shipped agent over its checkpoints."""

from __future__ import annotations

# LangGraph ships its types without the marker that pyright looks for.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.errors import UnknownInterruptError
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, Interrupt

from agent.asking import Decision
from agent.checkpointers import Kept
from agent.state import in_call_order

STEP_LIMIT = 60  # super-steps of one turn
Graph = CompiledStateGraph[Any, Any, Any, Any]
Question = Interrupt[Any]


@dataclass(frozen=True)
class Standing:
    """Where a conversation stands.

    Attributes:
        questions: what waits for a person.
        answer: the text of the model's last word; "" while it is not done.
        unknown: calls that were cut off in the middle, with nobody to say how far.
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

    async def look(self) -> Standing:
        """Read where the conversation stands; runs nothing."""
        state = await self._graph.aget_state(self._config)
        return _standing(state.values, state.interrupts)

    async def go_on(self) -> Standing | None:
        """Finish what the end of an earlier process has cut off; None if nothing was.

        A call that had begun by then is not asked about again: the graph is told what
        is known of it, and it never runs a second time.
        """
        state = await self._graph.aget_state(self._config)
        done = _standing(state.values, state.interrupts).answer
        if not state.next and (done or not state.values):
            return None
        standing = await self._invoke(None)
        answers: dict[str, Any] = {}
        unknown: list[Mapping[str, Any]] = []
        for question in standing.questions:
            begun = await self._begun(question.value)
            if begun is not None:
                answers[question.id], ended = begun
                unknown += [] if ended else [question.value]
        if answers:
            standing = await self._invoke(Command(resume=dict(answers)))
        return replace(standing, unknown=tuple(unknown))

    async def say(self, text: str) -> Standing:
        """Hand over what a person writes; nothing may wait for a decision."""
        return await self._invoke({"messages": [HumanMessage(text)]})

    async def decide(self, decided: Sequence[tuple[Question, Decision]]) -> Standing:
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

    async def _invoke(self, given: Any) -> Standing:
        values = await self._graph.ainvoke(given, self._config, durability="sync")
        return _standing(values, values.get("__interrupt__", ()))


def _standing(values: Mapping[str, Any], interrupts: Any) -> Standing:
    messages = cast("Sequence[AnyMessage]", values.get("messages", ()))
    questions = in_call_order(interrupts, messages)
    last = messages[-1] if messages else None
    if isinstance(last, AIMessage) and not last.tool_calls:
        return Standing(questions, str(last.text))
    return Standing(questions, "")
