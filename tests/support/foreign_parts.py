"""Graphs of other people over the real database, whose jobs are done by hand."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessage
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from langgraph.types import interrupt

from agent.gate import Gate, guard
from bot.conversations.engine import Engine, ServedGraph
from bot.conversations.graph_context import make_context
from bot.conversations.graphs import adapt_langgraph
from bot.conversations.inspect_graph import describe
from bot.conversations.outcome import Settler
from bot.conversations.resume import Handover
from bot.conversations.stored_grants import StoredGrants
from tests.support.agent_parts import Agent, make_agent
from tests.support.house import House, parsed
from tests.support.people import DANA, MINA, OMAR
from tests.support.policies import policy_text

adapt_langgraph()  # before a test makes its graph
POLICY = policy_text(
    """
  - {name: looking, tools: [peek], approval: none}
  - {name: contracts, interrupts: [contract],
     stages: [{approvers: managers}, {approvers: directors}]}
""",
    defaults="{channel: C0APPROVAL, timeout: 24h, stages: [{approvers: managers}]}",
    approvers={"managers": (MINA, OMAR), "directors": (DANA,)},
    interrupts="{answers: words, levels: {director: directors}}",
)


@dataclass
class Theirs:
    """A graph that acts on what it is told, and what it did."""

    ran: list[str] = field(default_factory=list)

    def node(self, name: str, payload: Any = None) -> Any:
        def ask(state: MessagesState) -> dict[str, Any]:
            answer = interrupt(payload or {"action": name, "question": f"{name}?"})
            self.ran.append(f"{name} {answer}")
            return {"messages": [AIMessage(f"{name}: {answer}")]}

        ask.__name__ = name
        return ask

    def end(self, state: MessagesState) -> dict[str, Any]:
        """A node behind the others, that nobody is asked about."""
        self.ran.append("end")
        return {"messages": [AIMessage("It is over.")]}

    def parallel(self, *names: str) -> Any:
        """Nodes that ask at once, and then the end."""
        builder = StateGraph(MessagesState).add_node("end", self.end)
        for name in names:
            builder.add_node(name, self.node(name))
            builder.add_edge(START, name)
            builder.add_edge(name, "end")
        return builder.compile()


def tool_loop(model: Any, tool: Any) -> Any:
    """Build a model that calls a tool behind our gate, as LangGraph documents it."""

    async def answer(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await model.ainvoke(state["messages"])]}

    builder = StateGraph(MessagesState).add_node("model", answer)
    builder.add_node("tools", ToolNode([guard(tool)])).add_edge("tools", "model")
    builder.add_edge(START, "model").add_conditional_edges("model", tools_condition)
    return builder.compile()


def make_foreign(
    house: House,
    graph: Any,
    policy: str = POLICY,
    context: dict[str, Any] | None = None,
) -> Agent:
    """The runner as the app builds it for a graph that AGENT names.

    Args:
        context: what AGENT_CONTEXT gives it.
    """
    house.policies.current = parsed(policy)
    agent = make_agent(house)
    loaded = describe(graph, "theirs")
    served = ServedGraph(
        graph=graph,
        schemas=loaded.tools,
        explain=lambda error: None,
        guards=loaded.guards,
        stops=loaded.stops,
        input_channel=loaded.input_channel,
        version=loaded.version,
        context=make_context(graph, context),
        gate=Gate(StoredGrants(house.pool, house.policies, house.queue)),
    )
    people = house.people
    settler = Settler(house.pool, house.queue, house.policies, people, served)
    engine = Engine(served, house.pool, agent.runner.under_way.saved)
    agent.runner = dataclasses.replace(
        agent.runner,
        engine=engine,
        settler=settler,
        handover=Handover(house.pool, house.queue, house.policies, engine),
    )
    return agent
