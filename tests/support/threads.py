"""Small graphs of other people's making, on a saver in memory, one thread each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command, Interrupt
from typing_extensions import TypedDict


def _joined(left: list[Any], right: list[Any]) -> list[Any]:
    return [*left, *right]


class Log(TypedDict):
    """A state that keeps what each node returned."""

    log: Annotated[list[Any], _joined]


def graph_of(*nodes: Callable[..., Any], parallel: bool = False) -> StateGraph[Any]:
    """Nodes in a row, or all at once; each returns what it adds to the log."""
    builder = StateGraph(Log)
    before = START
    for node in nodes:
        builder.add_node(node.__name__, node)
        builder.add_edge(START if parallel else before, node.__name__)
        before = node.__name__
    return builder


def asking(ask: Callable[[], Any], ran: list[Any]) -> Callable[..., Any]:
    """A node that asks and writes down which answer it acts on."""

    def node(state: Any) -> dict[str, Any]:
        answer = ask()
        ran.append(answer)
        return {"log": [answer]}

    return node


@dataclass
class Thread:
    """One thread of one graph; `strict` as the bot runs it."""

    builder: StateGraph[Any]
    strict: bool = False
    saver: InMemorySaver = field(default_factory=InMemorySaver)
    compiled: Any = None

    def __post_init__(self) -> None:
        if self.compiled is None:
            self.compiled = self.builder.compile(checkpointer=self.saver)

    @property
    def config(self) -> Any:
        strict = {"__pregel_strict_resume": True} if self.strict else {}
        return {"configurable": {"thread_id": "t1", **strict}}

    async def run(self, given: Any, **how: Any) -> Any:
        return await self.compiled.ainvoke(
            given, self.config, **{"durability": "sync", **how}
        )

    async def begin(self) -> list[Interrupt[Any]]:
        """Start, and give what is asked."""
        await self.run({"log": []})
        return await self.pending()

    async def resume(self, answers: Any) -> Any:
        return await self.run(Command(resume=answers))

    async def state(self) -> Any:
        return await self.compiled.aget_state(self.config)

    async def pending(self) -> list[Interrupt[Any]]:
        return list((await self.state()).interrupts)
