"""A chain: a manager, then a director, before a database is deleted.

    AGENT=examples/two_levels.py:graph make run

Needs no model: write `delete staging`. Each level is an interrupt of its own with a
`level`, whose people `interrupts.levels` of the policy names. The databases are SQLite
files of this example, in `example_databases` below FILES_DIR.
"""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Command, interrupt

FOLDER = Path(os.environ.get("FILES_DIR", ".data/files")) / "example_databases"
LEVELS = ("manager", "director")


class State(MessagesState):
    database: str


def understand(state: State) -> Command[Any]:
    """Find the database that is meant."""
    found = re.search(r"\bdelete (\w+)", state["messages"][-1].text)
    names = databases()
    if found is None or found[1] not in names:
        return say(f"Write “delete NAME”; there are: {', '.join(names) or 'none'}.")
    return Command(goto="manager", update={"database": found[1]})


def level(name: str, after: str) -> Any:
    """A node that asks one level; its name is part of what a checkpoint keeps."""

    def ask(state: State) -> Command[Any]:
        question = f"Delete the database {state['database']} for good?"
        answer = interrupt(
            {"action": "delete_database", "question": question}
            | {
                "database": state["database"],
                "level": name,
            }
        )
        if answer == "approve":
            return Command(goto=after)
        why = "it timed out" if answer == "timeout_reject" else "it was rejected"
        return say(f"{state['database']} stays: {why} by the level {name}.")

    return ask


def delete(state: State) -> dict[str, Any]:
    """Delete it, in a node of its own: nothing of it runs before both have agreed."""
    (FOLDER / f"{state['database']}.sqlite").unlink()
    return {"messages": [AIMessage(f"The database {state['database']} is deleted.")]}


def say(text: str) -> Command[Any]:
    return Command(goto=END, update={"messages": [AIMessage(text)]})


def databases() -> list[str]:
    """The names of the databases, made anew where there is none."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in () if any(FOLDER.glob("*.sqlite")) else ("analytics", "staging"):
        with closing(sqlite3.connect(FOLDER / f"{name}.sqlite")) as made:
            made.execute("CREATE TABLE notes (text)")
    return sorted(file.stem for file in FOLDER.glob("*.sqlite"))


builder = StateGraph(State)
builder.add_node("understand", understand, destinations=("manager", END))
builder.add_node(
    "manager", level("manager", "director"), destinations=("director", END)
)
builder.add_node("director", level("director", "delete"), destinations=("delete", END))
builder.add_node("delete", delete)
builder.add_edge(START, "understand")
graph = builder.compile()
