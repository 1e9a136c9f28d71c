"""A graph file that no author of ours has seen: the message says what it is to ask."""

from __future__ import annotations

from tests.support.demo import DORA, MAREK, MINA
from tests.support.policies import policy_text

ASKING = '''
"""Asks whatever it is told to, and repeats what it gets, with its types.

Write `order`, or another name of its nodes.
"""
import json
import time
from pathlib import Path

from langchain_core.messages import AIMessage
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Command, interrupt
from pydantic import BaseModel, Field, field_validator

LEDGER = Path("ledger.txt")


class Order(BaseModel):
    item: str
    count: int = Field(ge=1)
    express: bool = False

    @field_validator("item")
    @classmethod
    def known(cls, item):
        if item == "unicorn":
            raise ValueError("a unicorn is not in stock")
        return item


def words(state):
    return state["messages"][-1].text.partition(" ")


def got(value):
    return {"messages": [AIMessage(f"got {value!r}")]}


def ask(state):
    return got(interrupt(json.loads(words(state)[2])))


def form(state):
    asked = json.loads(words(state)[2])
    return got(interrupt(asked["value"], response_schema=asked["schema"]))


def order(state):
    return got(interrupt("What do you order?", response_schema=Order))


def left(state):
    answer = interrupt({"action": "left", "question": "Left?"})
    write(f"left {answer}")
    if "broken" in words(state)[2]:
        raise ValueError("secret detail")
    return got(("left", answer))


def right(state):
    answer = interrupt({"action": "right", "question": "Right?"})
    write(f"right {answer}")
    return got(("right", answer))


def joined(state):
    return {"messages": [AIMessage("both are over")]}


def twice(state):
    one = interrupt({"action": "first", "question": "First?"})
    two = interrupt({"action": "second", "question": "Second?"})
    return got([one, two])


def effect(state):
    """What a foreign graph does after an approval, slowly."""
    what = words(state)[2]
    if interrupt({"action": "effect", "what": what}) == "approve":
        write(f"begun {what}")
        if what.startswith("slow"):
            time.sleep(30)
        write(f"ended {what}")
        return {"messages": [AIMessage(f"done {what}")]}
    return {"messages": [AIMessage(f"left {what}")]}


def write(line):
    with LEDGER.open("a") as ledger:
        ledger.write(line + "\\n")


def boom(state):
    raise ValueError("secret detail")


def after(state):
    interrupt({"action": "after", "question": "Break it?"})
    write("after")
    raise ValueError("secret detail")


async def block(state):
    """Hold the loop up, as `requests` and `time.sleep` do."""
    while not Path("go on").exists():
        time.sleep(0.05)
    return {"messages": [AIMessage("it went on")]}


def silent(state):
    return {}


def loop(state):
    return Command(goto="loop")


inner = StateGraph(MessagesState).add_node(twice).add_edge(START, "twice").compile()
builder = StateGraph(MessagesState)
for node in (ask, form, order, left, right, twice, effect, boom, after, silent, block):
    builder.add_node(node)
builder.add_node("loop", loop, destinations=("loop",))
builder.add_node("inner", inner)
builder.add_node(joined)
builder.add_edge("left", "joined")
builder.add_edge("right", "joined")


def route(state):
    first = words(state)[0]
    return ["left", "right"] if first == "both" else first


builder.add_conditional_edges(START, route)
graph = builder.compile()
'''
POLICY = policy_text(
    """
  - {name: reading, tools: [read], approval: none}
  - {name: dropping, tools: [drop], stages: [{approvers: directors}]}
  - {name: paying, tools: [pay], stages: [{approvers: managers}],
     allow: [approve, reject, edit, answer]}
  - {name: contracts, interrupts: [contract],
     stages: [{approvers: managers}, {approvers: directors}]}
  - {name: choosing, interrupts: [choose], stages: [{approvers: managers}],
     answers: booleans}
""",
    defaults="{channel: C0APPROVAL, timeout: 24h, stages: [{approvers: managers}]}",
    approvers={"managers": (MINA, MAREK), "directors": (DORA,)},
    interrupts="{answers: words, levels: {manager: managers, director: directors}}",
)
#: A stage whose bot serves it.
ASKING_STAGE = {"policy": POLICY, "graph": ASKING}
