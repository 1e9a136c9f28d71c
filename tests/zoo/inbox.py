"""Graphs that ask in the shape of Agent Inbox, as templates and wrappers do."""

from __future__ import annotations

import json
from typing import Any

from langchain_core.messages import ToolMessage
from langchain_core.tools import StructuredTool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command, interrupt

from tests.zoo.kit import Model, did, line, pay, refused, say, works
from tests.zoo.questions import chatbot

ALL = {
    "allow_accept": True,
    "allow_edit": True,
    "allow_respond": True,
    "allow_ignore": True,
}


def request(action: str, args: Any, **config: bool) -> dict[str, Any]:
    """A `HumanInterrupt`."""
    return {
        "action_request": {"action": action, "args": args},
        "config": config or ALL,
        "description": f"Please review {action}.",
    }


@works("They say: 7 is paid", "They say: ", ran=["paid 7"])
def wrapped_tool() -> Any:
    """A wrapper puts a question around any tool.

    As in: LangGraph docs, "Add human-in-the-loop to any tool".
    """

    def pay_with_review(amount: int) -> str:
        """Pay an amount of money."""
        config = {"allow_accept": True, "allow_edit": True, "allow_respond": True}
        response = interrupt([request("pay", {"amount": amount}, **config)])[0]
        if response["type"] == "accept":
            return pay.invoke({"amount": amount})
        if response["type"] == "edit":
            return pay.invoke(response["args"]["args"])
        return response["args"]

    wrapped = StructuredTool.from_function(pay_with_review, name="pay")
    return chatbot(Model(rounds=[[("pay", {"amount": 7})]]), [wrapped])


@works("They say: sent", "They say: ignored", ran=["sent to Ada"], long=True)
def email_assistant() -> Any:
    """A triage, then a node that puts each call into the inbox.

    As in: LangChain's agents-from-scratch, the email assistant.
    """
    model = Model(rounds=[[("write_email", {"to": "Ada"})]])

    def triage(state):
        return Command(goto="llm_call")

    def llm_call(state):
        answer = model.invoke(state["messages"])
        goto = "interrupt_handler" if answer.tool_calls else "__end__"
        return Command(goto=goto, update={"messages": [answer]})

    def interrupt_handler(state):
        results = []
        for call in state["messages"][-1].tool_calls:
            [answer] = interrupt([request(call["name"], call["args"])])
            text = "ignored"
            if answer["type"] == "accept":
                did(f"sent to {call['args']['to']}")
                text = "sent"
            results.append(ToolMessage(text, tool_call_id=call["id"]))
        return Command(goto="llm_call", update={"messages": results})

    builder = StateGraph(MessagesState).add_edge(START, "triage")
    builder.add_node("triage", triage, destinations=("llm_call",))
    builder.add_node("llm_call", llm_call, destinations=("interrupt_handler",))
    builder.add_node("interrupt_handler", interrupt_handler, destinations=("llm_call",))
    return builder.compile()


@works("notified: accept", "notified: ignore", ran=["accept"], long=True)
def inbox_notification() -> Any:
    """A notice that can only be accepted or ignored; other keys are left out.

    As in: langchain-ai/executive-ai-assistant, `notify`.
    """

    def notify(state):
        asked = request("Notify", "a text", allow_accept=True, allow_ignore=True)
        [answer] = interrupt(asked)
        if answer["type"] == "accept":
            did("accept")
        return say(f"notified: {answer['type']}")

    return line(notify)


@works(
    "answered: blue",
    "answered: This call did not run",
    typed={"your": "blue"},
    long=True,
)
def inbox_question() -> Any:
    """A question to a person that takes words alone.

    As in: langchain-ai/executive-ai-assistant, `Question`.
    """

    def ask(state):
        asked = request("Question", {"content": "Which colour?"}, allow_respond=True)
        [answer] = interrupt([asked])
        return say(f"answered: {answer['args']}")

    return line(ask)


@works("two: accept, accept", "two: ignore, ignore", ran=["two"], long=True)
def inbox_with_two() -> Any:
    """Two requests in one interrupt, as JSON text.

    As in: issue threads of langchain-ai/agent-inbox.
    """

    def ask(state):
        answers = interrupt(json.dumps([request("a", None), request("b", {"n": 1})]))
        types = [each["type"] for each in answers]
        if "accept" in types:
            did("two")
        return say(f"two: {', '.join(types)}")

    return line(ask)


@refused("in the shape of Agent Inbox, but its `config` allows nothing", long=True)
def inbox_that_allows_nothing() -> Any:
    """A request whose config has not one key that allows something.

    As in: issue threads of langchain-ai/agent-inbox.
    """

    def ask(state):
        answer = interrupt({"action_request": {"action": "pay", "args": {}}})
        return say(str(answer))

    return line(ask)
