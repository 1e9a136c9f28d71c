"""One gated call in a graph of its own, with its decision, and grants that fail."""

from __future__ import annotations

from langchain_core.messages import ToolCall, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command

from agent.gate import Gate
from agent.grant_protocol import MemoryGrants
from agent.graph import State
from tests.support.agent_stand_ins import Ledger

CONFIG = {"configurable": {"thread_id": "t1"}}
ASK = frozenset({"wipe"})


def call(name="wipe", args=None, call_id="A") -> ToolCall:
    return ToolCall(name=name, args=args or {"path": "a"}, id=call_id, type="tool_call")


class Asked:
    """One gated call in a graph of its own."""

    def __init__(self, grants, tool, wanted=None):
        self.messages: list[ToolMessage] = []

        async def node(state, config):
            own = {**config, "configurable": config["configurable"] | {"mark": "own"}}
            self.messages.append(
                await Gate(grants).run(tool, wanted or call(tool.name), own)
            )

        builder = StateGraph(State)
        builder.add_node("node", node)
        builder.add_edge(START, "node")
        builder.add_edge("node", END)
        self.graph = builder.compile(checkpointer=InMemorySaver())

    async def ask(self):
        found = await self.graph.ainvoke({"messages": []}, CONFIG)
        (self.pending,) = found["__interrupt__"]
        return self.pending

    async def answer(self, decision):
        command = Command(resume={self.pending.id: decision})
        await self.graph.ainvoke(command, CONFIG)
        return self.messages[-1]


class Broken(MemoryGrants):
    """Grants whose database goes away at one step."""

    def __init__(self, step, **kwargs):
        super().__init__(**kwargs)
        self.step = step

    async def open(self, call):
        self._break("open")
        return await super().open(call)

    async def claim(self, call, ruling):
        self._break("claim")
        return await super().claim(call, ruling)

    async def finish(self, call, outcome):
        self._break("finish")
        await super().finish(call, outcome)
        self._break("after finish")

    def _break(self, step):
        if step == self.step:
            raise ConnectionError("the database is gone")


async def decided(decision, approve=True, args=None):
    ledger, grants = Ledger(), MemoryGrants(ask=ASK)
    asked = Asked(grants, ledger.tool("wipe"))
    await asked.ask()
    if approve:
        grants.approve("t1", "A", args)
    return await asked.answer(decision), ledger.runs


def edit_to(path):
    return {"type": "edit", "edited_action": {"name": "wipe", "args": {"path": path}}}
