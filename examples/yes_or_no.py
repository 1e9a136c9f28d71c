"""`if interrupt(…):` takes any word for yes, so the question says its own answers.

    AGENT=examples/yes_or_no.py:graph make run

Needs no model: write `Our new tea is here`.
"""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessage
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt

ANSWERS = {"approve": True, "reject": False, "timed_out": False}


def send(state: MessagesState) -> dict[str, Any]:
    """Send a newsletter, if somebody lets it."""
    text = state["messages"][-1].text
    asked = {"question": "Send this to all customers?", "text": text}
    if interrupt({**asked, "answers": ANSWERS}):
        return {"messages": [AIMessage("It is sent.")]}
    return {"messages": [AIMessage("It is not sent.")]}


graph = StateGraph(MessagesState).add_node(send).add_edge(START, "send").compile()
