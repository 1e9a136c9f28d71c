"""The runtime context of a foreign graph, in a turn and in its resume."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt

from tests.support.foreign_parts import make_foreign
from tests.support.house import House
from tests.support.people import CHANNEL, MINA


@dataclass
class Context:
    secret: str
    tone: str = "short"
    user_id: str = "nobody"
    user_name: str = "nobody"
    channel_id: str = ""


SAID = "U0RAVI Ravi C0GENERAL short"


def words(context: Context) -> str:
    who = f"{context.user_id} {context.user_name} {context.channel_id}"
    return f"{who} {context.tone}"


def ask(
    state: MessagesState, runtime: Runtime[Context], config: RunnableConfig
) -> dict[str, Any]:
    given = words(runtime.context)
    answer = interrupt({"action": "ask", "by": given})
    old = config.get("configurable", {})  # as graphs with a `config_schema` read it
    return {"messages": [AIMessage(f"{answer}: {given} {old['secret']}")]}


async def test_a_context_says_who_asks_also_after_an_approval(house: House):
    builder = StateGraph(MessagesState, context_schema=Context).add_node(ask)
    graph = builder.add_edge(START, "ask").compile()
    agent = make_foreign(house, graph, context={"secret": "hush"})
    conversation = await agent.say()
    request = await agent.request(conversation)
    assert request.call.arguments["by"] == SAID
    assert CHANNEL in SAID
    await house.click(MINA, request)
    await agent.work()
    assert await agent.said() == [f"approve: {SAID} hush"]
    kept = "SELECT string_agg(metadata::text || checkpoint::text, '') FROM checkpoints"
    assert "hush" not in (await house.one(kept)).replace(f"{SAID} hush", "")
