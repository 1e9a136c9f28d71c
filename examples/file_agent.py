"""A file agent written with plain nodes: agent, check for approval, execute tools.

    AGENT=examples/file_agent.py:graph make run

Write `delete reports/q3.csv`; with no key the offline model answers. The check asks
about all calls of a turn at once, in the shape of LangChain's middleware: one card, a
row for each call.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

from langchain_core.messages import AIMessage, ToolMessage
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command, Send, interrupt

from agent.models import make_model
from agent.tools import make_tools

FREE = ("list_files", "read_file")
TOOLS = make_tools(
    ["files"], files_dir=Path(os.environ.get("FILES_DIR", ".data/files"))
)
MODEL = make_model(
    api_key=os.environ.get("OPENAI_API_KEY"),
    base_url=os.environ.get("OPENAI_BASE_URL"),
    model=os.environ.get("OPENAI_MODEL"),
).bind_tools(TOOLS)


async def agent(state: MessagesState) -> dict[str, Any]:
    """Let the model answer, or call tools."""
    return {"messages": [await MODEL.ainvoke(state["messages"])]}


def check(state: MessagesState) -> Command[Any]:
    """Ask about the calls that need it; what nobody wants does not run."""
    calls = last(state).tool_calls
    asked = [call for call in calls if call["name"] not in FREE]
    wanted = [call for call in calls if call not in asked]
    answer = interrupt(question(asked)) if asked else {"decisions": []}
    refused: list[ToolMessage] = []
    for call, decision in zip(asked, answer["decisions"], strict=True):
        if decision["type"] == "approve":
            wanted.append(call)
        else:
            said = decision.get("message", "Rejected.")
            refused.append(ToolMessage(said, tool_call_id=call["id"], status="error"))
    go = [Send("execute", [call]) for call in wanted] or "agent"
    return Command(goto=go, update={"messages": refused})


def question(calls: list[Any]) -> dict[str, Any]:
    """One question about all of them; it gets a decision for each, by position."""
    return {
        "action_requests": [{"name": c["name"], "args": c["args"]} for c in calls],
        "review_configs": [
            {"action_name": c["name"], "allowed_decisions": ["approve", "reject"]}
            for c in calls
        ],
    }


def route(state: MessagesState) -> str:
    return "check" if last(state).tool_calls else END


def last(state: MessagesState) -> AIMessage:
    return cast("AIMessage", state["messages"][-1])


builder = StateGraph(MessagesState)
builder.add_node("agent", agent)
builder.add_node("check", check, destinations=("execute", "agent"))
# what a tool cannot do is told to the model: a task that raised would run it again
builder.add_node("execute", ToolNode(TOOLS, handle_tool_errors=True))
builder.add_edge(START, "agent")
builder.add_conditional_edges("agent", route, ["check", END])
builder.add_edge("execute", "agent")
graph = builder.compile()
