"""Several agents in one graph, and longer plans: the shapes of templates."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import InjectedToolCallId, tool
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import InjectedState
from langgraph.types import Command, interrupt

from bot.texts.agent import REJECTED, TIMED_OUT
from tests.zoo.kit import Model, did, line, pay, say, works

PAYS = [[("pay", {"amount": 7})]]
NOT_RUN = (REJECTED, TIMED_OUT)


def payer(**options: Any) -> Any:
    """An agent that asks before it pays."""
    approval = HumanInTheLoopMiddleware({"pay": True})
    model = Model(rounds=PAYS, says="The payer: ")
    return create_agent(model, [pay], middleware=[approval], **options)


def handoff(to: str) -> Any:
    """A tool that hands the conversation to another agent of the graph."""

    @tool(f"transfer_to_{to}")
    def transfer(
        state: Annotated[dict[str, Any], InjectedState],
        tool_call_id: Annotated[str, InjectedToolCallId],
    ) -> Any:
        """Hand over to another agent."""
        done = ToolMessage(f"with {to} now", name=to, tool_call_id=tool_call_id)
        update = {"messages": [*state["messages"], done], "active": to}
        return Command(goto=to, graph=Command.PARENT, update=update)

    return transfer


@works("The boss: with payer now; 7 is paid", *NOT_RUN, ran=["paid 7"])
def supervisor() -> Any:
    """A supervisor hands over to a worker, which asks, and hears its result.

    As in: langgraph-supervisor, and LangGraph tutorial, "Multi-agent supervisor".
    """
    boss = create_agent(
        Model(rounds=[[("transfer_to_payer", {})]], says="The boss: "),
        [handoff("payer")],
        name="boss",
    )
    builder = StateGraph(MessagesState).add_edge(START, "boss")
    builder.add_node("boss", boss, destinations=("payer", END))
    builder.add_node("payer", payer(name="payer")).add_edge("payer", "boss")
    return builder.compile()


class Active(MessagesState):
    """The conversation, and who has it."""

    active: str


@works("The payer: ", *NOT_RUN, ran=["paid 7"])
def swarm() -> Any:
    """Agents hand the conversation to each other; the last one keeps it.

    As in: langgraph-swarm, and LangGraph docs, Multi-agent, "Handoffs".
    """
    model = Model(rounds=[[("transfer_to_payer", {})]])
    front = create_agent(model, [handoff("payer")], name="front")
    builder = StateGraph(Active).add_node("payer", payer(name="payer"))
    builder.add_node("front", front, destinations=("payer",))
    builder.add_conditional_edges(
        START, lambda state: state.get("active") or "front", ["front", "payer"]
    )
    return builder.compile()


@works("The boss has heard: The payer: 7 is paid", *NOT_RUN, ran=["paid 7"], long=True)
def subagent_as_a_tool() -> Any:
    """A supervisor calls a worker as a tool.

    As in: LangChain docs, Multi-agent, "Subagents".
    """
    worker = payer()

    @tool
    def payments(request: str) -> str:
        """Have something paid."""
        found = worker.invoke({"messages": [("user", request)]})
        return found["messages"][-1].text

    rounds = [[("payments", {"request": "pay 7"})]]
    return create_agent(Model(rounds=rounds, says="The boss has heard: "), [payments])


@works(
    "researched: the sky is blue", "researched: nothing", ran=["searched"], long=True
)
def worker_with_a_name() -> Any:
    """A worker's last word is a `HumanMessage` with the worker's name.

    As in: LangGraph tutorials, "Multi-agent network" and "Hierarchical teams".
    """

    def researcher(state):
        found = "nothing"
        if interrupt({"action": "search", "question": "Search the web?"}):
            did("searched")
            found = "the sky is blue"
        text = f"researched: {found}"
        return {"messages": [HumanMessage(text, name="researcher")]}

    return line(researcher)


class Plan(MessagesState):
    """Steps that are left, and what came of the others."""

    steps: list[str]
    done: list[str]


@works(
    "done: buy paint, paint it",
    "done: nothing",
    ran=["buy paint", "paint it"],
    long=True,
)
def plan_and_execute() -> Any:
    """A plan is approved as a whole, and then worked off step by step.

    As in: LangGraph tutorial, "Plan-and-execute".
    """

    def planner(state):
        return {"steps": ["buy paint", "paint it"], "done": []}

    def approve(state):
        if not interrupt({"question": "Follow this plan?", "plan": state["steps"]}):
            return {"steps": []}
        return {}

    def execute(state):
        if not state["steps"]:
            return {}
        step, *rest = state["steps"]
        did(step)
        return {"steps": rest, "done": [*state["done"], step]}

    def route(state) -> Literal["execute", "answer"]:
        return "execute" if state["steps"] else "answer"

    def answer(state):
        return say(f"done: {', '.join(state['done']) or 'nothing'}")

    builder = StateGraph(Plan).add_node(planner).add_node(approve).add_node(execute)
    builder.add_node(answer).add_edge(START, "planner").add_edge("planner", "approve")
    builder.add_conditional_edges("approve", route)
    return builder.add_conditional_edges("execute", route).compile()


@works("published: draft 3", "kept: draft 3", ran=["published"], long=True)
def reflection() -> Any:
    """A draft goes back and forth with a critic, before somebody lets it out.

    As in: LangGraph tutorial, "Reflection".
    """

    def generate(state):
        return say(f"draft {len(_drafts(state)) % 3 + 1}")

    def reflect(state):
        return {"messages": [HumanMessage("longer please", name="critic")]}

    def publish(state):
        draft = state["messages"][-1].text
        if interrupt({"question": "Publish this?", "draft": draft}):
            did("published")
            return say(f"published: {draft}")
        return say(f"kept: {draft}")

    builder = StateGraph(MessagesState).add_node(generate).add_node(reflect)
    builder.add_node(publish).add_edge(START, "generate")
    builder.add_edge("reflect", "generate")
    builder.add_conditional_edges(
        "generate", lambda s: "reflect" if len(_drafts(s)) % 3 else "publish"
    )
    return builder.compile()


def _drafts(state: Any) -> list[Any]:
    return [m for m in state["messages"] if m.text.startswith("draft")]


class Found(MessagesState):
    """What was found for a question."""

    documents: list[str]


@works(
    "from the web: 1 document",
    "from memory: 0 documents",
    ran=["web search"],
    long=True,
)
def rag_agent() -> Any:
    """Nothing fitting is found, so somebody is asked whether to search the web.

    As in: LangGraph tutorials, "Agentic RAG" and "Corrective RAG".
    """

    def retrieve(state):
        return {"documents": ["a page on something else"]}

    def grade(state):
        kept = [each for each in state["documents"] if "shed" in each]
        goto = "generate" if kept else "search"
        return Command(goto=goto, update={"documents": kept})

    def search(state):
        query = state["messages"][-1].text
        if not interrupt({"action": "web_search", "query": query}):
            return {}
        did("web search")
        return {"documents": ["a page on sheds"]}

    def generate(state):
        number = len(state["documents"])
        where = "from the web" if number else "from memory"
        return say(f"{where}: {number} document{'s' * (number != 1)}")

    builder = StateGraph(Found).add_node(retrieve).add_node(search).add_node(generate)
    builder.add_node("grade", grade, destinations=("search", "generate"))
    builder.add_edge(START, "retrieve").add_edge("retrieve", "grade")
    return builder.add_edge("search", "generate").compile()


SQL = "SELECT * FROM t"


@works("They say: t; 3 rows", *NOT_RUN, ran=[SQL], long=True)
def sql_agent() -> Any:
    """Schemas are read freely; a query is shown before it runs.

    As in: LangChain tutorial, "Build a SQL agent".
    """

    @tool
    def sql_db_list_tables() -> str:
        """List the tables."""
        return "t"

    @tool
    def sql_db_query(query: str) -> str:
        """Run a query."""
        did(query)
        return "3 rows"

    rounds = [[("sql_db_list_tables", {})], [("sql_db_query", {"query": SQL})]]
    tools = [sql_db_list_tables, sql_db_query]
    approval = HumanInTheLoopMiddleware({"sql_db_query": True})
    model = Model(rounds=rounds, says="They say: ")
    return create_agent(model, tools, middleware=[approval])


@works(
    "the route was billing; 7 is paid",
    "the route was billing",
    ran=["paid 7"],
    long=True,
)
def routing_workflow() -> Any:
    """A router sends the message to one of several graphs.

    As in: LangGraph docs, Workflows and agents, "Routing".
    """

    def route(state) -> Literal["billing", "support"]:
        return "billing" if "go" in state["messages"][-1].text else "support"

    def note(state):
        paid = [m.text for m in state["messages"] if isinstance(m, ToolMessage)][-1:]
        return {"messages": [AIMessage(f"the route was billing; {' '.join(paid)}")]}

    builder = StateGraph(MessagesState).add_node("billing", payer())
    builder.add_node("support", lambda state: say("support"))
    builder.add_node(note).add_edge("billing", "note").add_edge("support", END)
    return builder.add_conditional_edges(START, route).compile()
