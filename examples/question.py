"""The smallest graph that asks: one question, approve or reject.

    AGENT=examples/question.py:graph make run

Needs no model: write `paint the shed`. Words as answers are what the policy's
`interrupts: {answers: words}` says; a graph that hears nobody in time gets
`timeout_reject`.
"""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessage
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt

SAID = {
    "approve": "Approved: I went ahead.",
    "reject": "Rejected: I left it alone.",
    "timeout_reject": "It timed out: no one decided, so I left it alone.",
}


def ask(state: MessagesState) -> dict[str, Any]:
    """Nothing but pure code stands before `interrupt`: it runs again at the resume."""
    wish = state["messages"][-1].text
    answer = interrupt({"question": "Shall I go ahead?", "wish": wish})
    return {"messages": [AIMessage(SAID.get(answer, f"You said: {answer}"))]}


graph = StateGraph(MessagesState).add_node(ask).add_edge(START, "ask").compile()
