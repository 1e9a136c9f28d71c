"""`create_agent` graphs with LangChain's own approval, a scripted model, a ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, HumanInTheLoopMiddleware
from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, Interrupt

from tests.support.agent_stand_ins import ScriptedModel, calls

MODES = ["batched", "per_call"]


@dataclass
class Office:
    """An agent with the tools `pay`, `wipe` and `ask`, of which `gated` are asked for.

    `ran` holds what the tools really did.
    """

    script: Sequence[Any]
    mode: Any = "per_call"
    gated: Any = field(default_factory=lambda: {"pay": True, "wipe": True})
    before: Sequence[AgentMiddleware[Any, Any, Any]] = ()
    after: Sequence[AgentMiddleware[Any, Any, Any]] = ()
    fails: int = 0

    def __post_init__(self) -> None:
        self.ran: list[str] = []
        self.model = ScriptedModel(script=[*self.script])
        approval = HumanInTheLoopMiddleware(self.gated, interrupt_mode=self.mode)
        self.graph = create_agent(
            self.model,
            self.tools(),
            middleware=[*self.before, approval, *self.after],
            checkpointer=InMemorySaver(),
        )
        self.config: Any = {
            "configurable": {"thread_id": "t1", "__pregel_strict_resume": True}
        }

    def tools(self) -> list[BaseTool]:
        @tool
        async def pay(to: str, amount: int) -> str:
            """Pay somebody."""
            self.ran.append(f"pay {to} {amount!r}")
            if self.fails > 0:
                self.fails -= 1
                raise ConnectionError
            return "paid"

        @tool
        async def wipe(name: str) -> str:
            """Wipe a database."""
            self.ran.append(f"wipe {name}")
            return "wiped"

        @tool
        async def ask(what: str) -> str:
            """Ask a person."""
            self.ran.append(f"ask {what}")
            return "nobody answered"

        return [pay, wipe, ask]

    async def say(self, text: str = "go") -> list[Interrupt[Any]]:
        """A message; what is asked then, by the names of the calls."""
        await self.run({"messages": [("human", text)]})
        return await self.pending()

    async def run(self, given: Any) -> Any:
        return await self.graph.ainvoke(given, self.config, durability="sync")

    async def resume(self, answers: dict[str, Any]) -> Any:
        return await self.run(Command(resume=answers))

    async def pending(self) -> list[Interrupt[Any]]:
        return list((await self.graph.aget_state(self.config)).interrupts)

    async def messages(self) -> list[Any]:
        return (await self.graph.aget_state(self.config)).values["messages"]

    async def results(self) -> dict[str, tuple[str, str]]:
        """Status and text of each call's result, as the model reads them."""
        found = [m for m in await self.messages() if isinstance(m, ToolMessage)]
        return {m.tool_call_id: (m.status, m.text) for m in found}


def pay(amount: int = 7, call: str = "P", to: str = "Ada") -> Any:
    return ("pay", {"to": to, "amount": amount}, call)


def wipe(name: str = "prod", call: str = "W") -> Any:
    return ("wipe", {"name": name}, call)


def turn(*wanted: Any) -> Any:
    """The model's answer with these calls."""
    return calls(*wanted)
