"""Agents out of the box: `create_agent` with its middleware, and its predecessors."""

from __future__ import annotations

import asyncio
import warnings
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import (
    HumanInTheLoopMiddleware,
    SummarizationMiddleware,
    TodoListMiddleware,
    after_model,
)
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import create_react_agent
from langgraph.types import Command, interrupt
from pydantic import BaseModel

from agent.gate import guard
from bot.texts.agent import REJECTED, TIMED_OUT
from tests.zoo.kit import STOPPED, Model, did, look_up, pay, say, works
from tests.zoo.questions import chatbot

PAYS = [[("pay", {"amount": 7})]]
NOT_RUN = (REJECTED, TIMED_OUT)


def asking(mode: Any = "batched", **interrupt_on: Any) -> Any:
    """LangChain's middleware for `pay`, if nothing else is named."""
    wanted = interrupt_on or {"pay": True}
    return HumanInTheLoopMiddleware(wanted, interrupt_mode=mode)


@works("They say: 7 is paid", *NOT_RUN, ran=["paid 7"])
def human_in_the_loop() -> Any:
    """LangChain's agent and its approval middleware, as it comes.

    As in: LangChain docs, "Human-in-the-loop".
    """
    return create_agent(Model(rounds=PAYS), [pay], middleware=[asking()])


@works(
    "They say: 7 is paid; 9 is refunded",
    *NOT_RUN,
    ran=["paid 7", "refunded 9"],
    long=True,
)
def two_calls_of_one_message() -> Any:
    """Two calls in one message of the model are one card with two rows.

    As in: LangChain docs, "Human-in-the-loop", multiple decisions.
    """
    rounds = [[("pay", {"amount": 7}), ("refund", {"amount": 9})]]
    approval = asking(pay=True, refund={"allowed_decisions": ["approve", "reject"]})
    return create_agent(Model(rounds=rounds), [pay, refund], middleware=[approval])


@tool
def refund(amount: int) -> str:
    """Give money back."""
    did(f"refunded {amount}")
    return f"{amount} is refunded"


@works(
    "They say: 7 is paid; 9 is refunded",
    *NOT_RUN,
    ran=["paid 7", "refunded 9"],
    long=True,
)
def a_card_for_each_call() -> Any:
    """The same, asked call by call.

    As in: LangChain docs, "Human-in-the-loop", `interrupt_mode="per_call"`.
    """
    rounds = [[("pay", {"amount": 7}), ("refund", {"amount": 9})]]
    approval = asking("per_call", pay=True, refund=True)
    return create_agent(Model(rounds=rounds), [pay, refund], middleware=[approval])


@works("They say: price is 7; 7 is paid", *NOT_RUN, ran=["paid 7"], long=True)
def some_calls_are_free() -> Any:
    """One of two calls needs no approval.

    As in: LangChain docs, "Human-in-the-loop", `False` for safe tools.
    """
    rounds = [[("look_up", {"what": "price"}), ("pay", {"amount": 7})]]
    approval = asking(pay=True, look_up=False)
    return create_agent(Model(rounds=rounds), [look_up, pay], middleware=[approval])


@works("They say: left; right", "They say: no; no", ran=["left", "right"], long=True)
def two_asking_tools() -> Any:
    """Two tools of one message ask, in one tool node.

    As in: LangGraph issue threads on `interrupt` in parallel tool calls.
    """

    with warnings.catch_warnings(action="ignore"):
        model = Model(rounds=[[("left", {}), ("right", {})]])
        return create_react_agent(model, [left, right], version="v1")


@tool
def left() -> str:
    """Turn left."""
    return _turned("left")


@tool
def right() -> str:
    """Turn right."""
    return _turned("right")


def _turned(way: str) -> str:
    if not interrupt(f"Turn {way}?"):
        return "no"
    did(way)
    return way


class Invoice(BaseModel):
    """An invoice."""

    customer: str
    total: int


@works("**Customer**: Ada", "**Customer**: Ada", ran=["paid 7"], long=True)
def structured_output() -> Any:
    """The answer is a structure, and no text.

    As in: LangChain docs, "Structured output".
    """
    rounds = [*PAYS, [("Invoice", {"customer": "Ada", "total": 7})]]
    return create_agent(
        Model(rounds=rounds), [pay], middleware=[asking()], response_format=Invoice
    )


@works("9 is refunded directly", *NOT_RUN, ran=["refunded directly"], long=True)
def return_direct() -> Any:
    """A tool's result is the answer; the model has no last word.

    As in: LangChain docs, Tools, `return_direct`.
    """

    @tool(return_direct=True)
    def refund_directly(amount: int) -> str:
        """Give money back."""
        did("refunded directly")
        return f"{amount} is refunded directly"

    model = Model(rounds=[[("refund_directly", {"amount": 9})]])
    approval = asking(refund_directly=True)
    return create_agent(model, [refund_directly], middleware=[approval])


@works("They say: 7 is paid", *NOT_RUN, ran=["paid 7"], long=True)
def summarising_middleware() -> Any:
    """A middleware replaces old messages by their summary.

    As in: LangChain docs, Middleware, `SummarizationMiddleware`.
    """
    summary = SummarizationMiddleware(Model(), trigger=("messages", 6))
    return create_agent(Model(rounds=PAYS), [pay], middleware=[summary, asking()])


@works("7 is paid", *NOT_RUN, ran=["paid 7"], long=True)
def deep_agent() -> Any:
    """A planner with a list of tasks hands work to an agent that asks.

    As in: deepagents, `write_todos` and the tool `task`.
    """
    worker = create_agent(Model(rounds=PAYS), [pay], middleware=[asking()])

    @tool
    def task(description: str) -> str:
        """Hand a task to a helper."""
        found = worker.invoke({"messages": [("user", description)]})
        return found["messages"][-1].text

    todos = {"todos": [{"content": "pay", "status": "in_progress"}]}
    rounds = [[("write_todos", todos)], [("task", {"description": "pay it"})]]
    return create_agent(Model(rounds=rounds), [task], middleware=[TodoListMiddleware()])


@works("They say: 7 is paid", *NOT_RUN, ran=["paid 7"], long=True)
def guarded_tools() -> Any:
    """The bot's own gate on a tool, in place of a middleware.

    As in: this page, `guard`.
    """
    return create_agent(Model(rounds=PAYS), [guard(pay)])


@works(
    "failed in `tools` (ConnectionError)",
    *NOT_RUN,
    told=True,
    ran=["tried to pay"],
    long=True,
)
def tool_that_raises() -> Any:
    """An approved tool raises, as `create_agent` lets it.

    As in: LangChain issue threads on errors in tools.
    """

    @tool
    def pay_badly(amount: int) -> str:
        """Pay."""
        did("tried to pay")
        raise ConnectionError

    model = Model(rounds=[[("pay_badly", {"amount": 7})]])
    return create_agent(model, [pay_badly], middleware=[asking(pay_badly=True)])


@works("Already done: `pay`", *NOT_RUN, told=True, ran=["paid 7", "tried to pay"])
def one_of_two_tools_raises() -> Any:
    """Two calls are approved; the slower one raises when the other is done.

    As in: LangChain issue threads on errors in parallel tool calls.
    """

    @tool
    async def pay_slowly(amount: int) -> str:
        """Pay."""
        await asyncio.sleep(0.2)
        did("tried to pay")
        raise ConnectionError

    model = Model(rounds=[[("pay", {"amount": 7}), ("pay_slowly", {"amount": 9})]])
    approval = asking(pay=True, pay_slowly=True)
    return create_agent(model, [pay, pay_slowly], middleware=[approval])


@works("The model gave no answer", told=True, ran=["asked"])
def model_that_says_nothing() -> Any:
    """The model's answer is empty; it is never sent back to the server.

    As in: issue threads on `content: null` of open model servers.
    """

    def ask(state):
        if interrupt("Ask the model?"):
            did("asked")
            return Command(goto="model")
        return Command(goto="leave")

    empty = Model(says="")
    builder = StateGraph(MessagesState).add_edge(START, "ask")
    builder.add_node("ask", ask, destinations=("model", "leave"))
    builder.add_node("model", lambda s: {"messages": [empty.invoke(s["messages"])]})
    return builder.add_node("leave", lambda state: say(f"left, {STOPPED}")).compile()


@works("They say: 7 is paid", "reviewed: no", ran=["paid 7"], long=True)
def middleware_that_asks() -> Any:
    """A middleware of one's own asks after the model, and may end the turn.

    As in: LangChain docs, Middleware, "Custom middleware", `jump_to`.
    """

    @after_model(can_jump_to=["end"])
    def review(state, runtime):
        calls = state["messages"][-1].tool_calls
        if not calls or interrupt({"question": "Go on?", "calls": calls}):
            return None
        left = [ToolMessage("left", tool_call_id=call["id"]) for call in calls]
        return {"messages": [*left, AIMessage("reviewed: no")], "jump_to": "end"}

    return create_agent(Model(rounds=PAYS), [pay], middleware=[review])


@works("They say: left; right", "They say: no; no", ran=["left", "right"])
def subagent_with_two_asking_tools() -> Any:
    """A tool runs a graph whose tool node gets two calls that ask.

    As in: LangGraph issue threads on `interrupt` in subagents called as tools.
    """
    rounds = [[("left", {}), ("right", {})]]
    worker = chatbot(Model(rounds=rounds, says=""), [left, right])

    @tool
    def walk() -> str:
        """Walk."""
        return worker.invoke({"messages": [("user", "walk")]})["messages"][-1].text

    return create_agent(Model(rounds=[[("walk", {})]]), [walk])


@works(
    "They say: in Berlin",
    *NOT_RUN,
    typed={"your": "in Berlin"},
    rule="{tools: [ask_user], stages: [{approvers: managers}],"
    " allow: [answer, reject]}",
)
def tool_that_a_person_answers() -> Any:
    """A tool that never runs: what a person writes is its result.

    As in: LangChain docs, "Human-in-the-loop", the decision `respond`.
    """

    @tool
    def ask_user(question: str) -> str:
        """Ask the user something."""
        raise NotImplementedError

    model = Model(rounds=[[("ask_user", {"question": "Where are you?"})]])
    approval = asking(ask_user={"allowed_decisions": ["respond"]})
    return create_agent(model, [ask_user], middleware=[approval])
