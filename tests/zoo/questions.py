"""Graphs that ask in their own words: LangGraph's how-tos on interrupts."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.errors import NodeInterrupt
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from langgraph.types import Command, interrupt

from tests.support.root import ROOT
from tests.zoo.kit import Model, did, line, pay, refused, say, works


@works("I went ahead.", "I left it alone.")
def the_first_example() -> Any:
    """A node asks, and its question says what it takes.

    As in: the top of this page.
    """
    page = (ROOT / "docs/graphs.md").read_text(encoding="utf-8")
    found: dict[str, Any] = {}
    exec(page.split("```python")[1].split("```")[0], found)
    return found["graph"]


@works("It is done", "It is cancelled", ran=["transfer"], long=True)
def approve_or_reject() -> Any:
    """A node asks, and goes one way or the other with `Command(goto=…)`.

    As in: LangGraph docs, Interrupts, "Approve or reject".
    """

    def approval(state):
        question = {"question": "Approve this action?", "details": "Transfer 500"}
        return Command(goto="proceed" if interrupt(question) else "cancel")

    def proceed(state):
        did("transfer")
        return say("It is done")

    builder = StateGraph(MessagesState).add_edge(START, "approval")
    builder.add_node("approval", approval, destinations=("proceed", "cancel"))
    builder.add_node(proceed)
    builder.add_node("cancel", lambda state: say("It is cancelled"))
    return builder.compile()


@works(
    "The final text: better",
    answers="{answer: '{text}'}",
    typed={"your": "better"},
    long=True,
)
def review_and_edit_state() -> Any:
    """A node gives a draft out of its hands, and takes the text that comes back.

    As in: LangGraph docs, Interrupts, "Review and edit state".
    """

    def review(state):
        asked = {"instruction": "Review and edit this content", "content": "a draft"}
        return say(f"The final text: {interrupt(asked)}")

    return line(review)


@works(
    "They say: Email sent",
    "They say: Email cancelled",
    ran=["mail Ada"],
    answers="{approve: {action: approve}, reject: {action: no}, timed_out: {}}",
    long=True,
)
def interrupt_in_a_tool() -> Any:
    """A tool in a `ToolNode` asks about itself before it acts.

    As in: LangGraph docs, Interrupts, "Interrupts in tools".
    """

    @tool
    def send_email(to: str) -> str:
        """Send an email."""
        asked = {"action": "send_email", "to": to, "message": "Approve this email?"}
        if interrupt(asked).get("action") == "approve":
            did(f"mail {to}")
            return "Email sent"
        return "Email cancelled"

    return chatbot(Model(rounds=[[("send_email", {"to": "Ada"})]]), [send_email])


def chatbot(model: Any, tools: list[Any], **options: Any) -> Any:
    """LangGraph's first graph: a model, a tool node, and back."""
    builder = StateGraph(MessagesState).add_edge(START, "chatbot")
    builder.add_node("chatbot", lambda state: {"messages": [_said(model, state)]})
    builder.add_node("tools", ToolNode(tools))
    builder.add_conditional_edges("chatbot", tools_condition)
    builder.add_edge("tools", "chatbot")
    return builder.compile(**options)


def _said(model: Any, state: Any) -> Any:
    return model.invoke(state["messages"])


@works(
    "They say: use LangGraph",
    answers="{answer: {data: '{text}'}}",
    typed={"your": "use LangGraph"},
    long=True,
)
def human_assistance() -> Any:
    """A tool asks an expert, and reads the words out of `["data"]`.

    As in: LangGraph tutorial, "Add human-in-the-loop".
    """

    @tool
    def human_assistance(query: str) -> str:
        """Request assistance from a human."""
        return interrupt({"query": query})["data"]

    rounds = [[("human_assistance", {"query": "How do I build an agent?"})]]
    return chatbot(Model(rounds=rounds), [human_assistance])


@works(
    "They say: in Berlin",
    answers="{answer: '{text}'}",
    typed={"your": "in Berlin"},
    long=True,
)
def wait_for_user_input() -> Any:
    """A node answers the model's call of a tool that is no tool, but a question.

    As in: LangGraph how-to, "Wait for user input".
    """
    model = Model(rounds=[[("AskHuman", {"question": "Where are you?"})]])

    def agent(state):
        return {"messages": [model.invoke(state["messages"])]}

    def ask_human(state):
        call = state["messages"][-1].tool_calls[0]
        heard = interrupt(call["args"]["question"])
        return {"messages": [ToolMessage(heard, tool_call_id=call["id"])]}

    builder = StateGraph(MessagesState).add_node(agent).add_node(ask_human)
    builder.add_edge(START, "agent").add_edge("ask_human", "agent")
    builder.add_conditional_edges(
        "agent", lambda s: "ask_human" if s["messages"][-1].tool_calls else END
    )
    return builder.compile()


REVIEWS = (
    "{approve: {action: continue}, reject: {action: feedback, data: not now},"
    " timed_out: {action: feedback, data: nobody there},"
    " answer: {action: feedback, data: '{text}'}}"
)


@works(
    "They say: 7 is paid",
    "They say: not now",
    "They say: nobody there",
    ran=["paid 7"],
    answers=REVIEWS,
)
def review_tool_calls() -> Any:
    """A node before the tools shows the call, and takes continue or feedback.

    As in: LangGraph how-to, "Review tool calls".
    """
    model = Model(rounds=[[("pay", {"amount": 7})]])

    def call_llm(state):
        return {"messages": [model.invoke(state["messages"])]}

    def human_review(state):
        call = state["messages"][-1].tool_calls[0]
        review = interrupt({"question": "Is this correct?", "tool_call": call})
        if review["action"] == "continue":
            return Command(goto="run_tool")
        heard = ToolMessage(review["data"], tool_call_id=call["id"])
        return Command(goto="call_llm", update={"messages": [heard]})

    builder = StateGraph(MessagesState).add_node(call_llm).add_edge(START, "call_llm")
    builder.add_node(human_review, destinations=("run_tool", "call_llm"))
    builder.add_node("run_tool", ToolNode([pay])).add_edge("run_tool", "call_llm")
    builder.add_conditional_edges(
        "call_llm", lambda s: "human_review" if s["messages"][-1].tool_calls else END
    )
    return builder.compile()


@works("You are 30", answers="{answer: '{text}'}", typed={"your": "30"}, long=True)
def validation_loop() -> Any:
    """A node asks again until the answer is a number.

    As in: LangGraph docs, Interrupts, "Validating human input".
    """

    def get_age(state):
        prompt = "What is your age?"
        while True:
            answer = interrupt(prompt)
            if answer.isdigit():
                return say(f"You are {answer}")
            prompt = f"{answer} is not a number. What is your age?"

    return line(get_age)


@works(
    "Hello 30, aged 30", answers="{answer: '{text}'}", typed={"your": "30"}, long=True
)
def two_questions_in_a_node() -> Any:
    """One node asks twice, one question after the other.

    As in: LangGraph docs, Interrupts, "Do not reorder interrupt calls".
    """

    def form(state):
        name = interrupt("What's your name?")
        age = interrupt("What's your age?")
        return say(f"Hello {name}, aged {age}")

    return line(form)


@works("step 3 is done", ran=["step 2"], long=True)
def static_breakpoints() -> Any:
    """A graph stops before a node that its author has named at compile time.

    As in: LangGraph docs, Interrupts, "Debugging with interrupts".
    """

    def step_2(state):
        did("step 2")

    builder = StateGraph(MessagesState).add_node(step_2).add_edge(START, "step_2")
    builder.add_node("step_3", lambda state: say("step 3 is done"))
    builder.add_edge("step_2", "step_3")
    return builder.compile(interrupt_before=["step_2"], interrupt_after=["step_2"])


@works("They say: 7 is paid", ran=["paid 7"], long=True)
def sensitive_tools() -> Any:
    """A model, its tools, and a breakpoint before the tools.

    As in: LangGraph tutorial, "Build a customer support bot".
    """
    model = Model(rounds=[[("pay", {"amount": 7})]])
    return chatbot(model, [pay], interrupt_before=["tools"])


@works(
    "You said: stop", answers="{answer: '{text}'}", typed={"your": "stop"}, long=True
)
def multi_turn_conversation() -> Any:
    """A node takes each of a person's next messages with `interrupt`.

    As in: LangGraph how-to, "Multi-turn conversations".
    """

    def human(state):
        heard = interrupt({"value": "Ready for user input."})
        target = END if heard == "stop" else "agent"
        return Command(goto=target, update=say(f"You said: {heard}"))

    builder = StateGraph(MessagesState).add_edge(START, "agent")
    builder.add_node("agent", lambda state: say("I am listening"))
    builder.add_node(human, destinations=("agent", END)).add_edge("agent", "human")
    return builder.compile()


@works(
    "Ordered: 3 of tea",
    typed={"item": "tea", "count": "3"},
    ran=["ordered 3 of tea"],
    long=True,
)
def response_schema() -> Any:
    """A question with a schema is a form.

    As in: LangGraph docs, `interrupt(…, response_schema=…)`.
    """
    schema = {
        "type": "object",
        "required": ["item", "count"],
        "properties": {"item": {"type": "string"}, "count": {"type": "integer"}},
    }

    def order(state):
        given = interrupt("What do you order?", response_schema=schema)
        did(f"ordered {given['count']} of {given['item']}")
        return say(f"Ordered: {given['count']} of {given['item']}")

    return line(order)


@refused("a question that takes no answer, such as a NodeInterrupt")
def node_interrupt() -> Any:
    """A node raises `NodeInterrupt` by itself.

    As in: LangGraph how-to, "Dynamic breakpoints" (before 1.0).
    """

    def step(state):
        raise NodeInterrupt("Received input that is longer than 5 characters")

    return line(step)


@refused("doesn't say which values mean yes and no", answers="", long=True)
def nobody_says_what_yes_is() -> Any:
    """`if interrupt(…):`, and no word in payload or policy on what it takes.

    As in: LangGraph README and many posts.
    """

    def ask(state):
        return {"messages": [AIMessage("yes" if interrupt("Sure?") else "no")]}

    return line(ask)
