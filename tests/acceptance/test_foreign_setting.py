"""AGENT: what is served, what is refused, and what becomes of it when it changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.asking_graph import ASKING, ASKING_STAGE, POLICY
from tests.support.bot_process import run_command
from tests.support.deciding import asked
from tests.support.demo import GENERAL, MINA
from tests.support.foreign import said_in
from tests.support.shown import everything
from tests.support.stage import make_stage, write_graph

WORDS_ALONE = """
from typing_extensions import TypedDict
from langgraph.graph import START, StateGraph

class State(TypedDict):
    word: str

def node(state):
    return {"word": "x"}

graph = StateGraph(State).add_node(node).add_edge(START, "node").compile()
"""
NEEDS_CONTEXT = """
from dataclasses import dataclass
from langgraph.graph import START, MessagesState, StateGraph

@dataclass
class Context:
    key: str
    user_id: str

def node(state):
    return {}

builder = StateGraph(MessagesState, context_schema=Context)
graph = builder.add_node(node).add_edge(START, "node").compile()
"""


@pytest.mark.parametrize(
    ("text", "agent", "words"),
    [
        (ASKING, "nowhere.py:graph", "there is no Python file"),
        (ASKING, "theirs.py:grahp", "no `grahp` in theirs.py; it has `graph`"),
        ("import nothing_at_all", "theirs.py:graph", "nothing_at_all"),
        (
            WORDS_ALONE,
            "theirs.py:graph",
            "no key of its input takes a list of messages",
        ),
        (NEEDS_CONTEXT, "theirs.py:graph", "context needs key; give it in AGENT"),
    ],
    ids=["no file", "no name", "no import", "no messages", "no context"],
)
async def test_what_cannot_be_served_ends_the_start_with_one_sentence(
    tmp_path: Path, database: str, text: str, agent: str, words: str
):
    write_graph(tmp_path, text)
    (tmp_path / "policy.yml").write_text(POLICY)
    settings = {
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_APP_TOKEN": "xapp-1",
        "DATABASE_URL": database,
        "AGENT": agent,
    }
    outcome = await run_command(folder=tmp_path, environment=settings)
    assert outcome.status == 2
    assert words in outcome.err
    assert len(outcome.err.splitlines()) == 1
    assert "Traceback" not in outcome.err


async def test_check_describes_a_graph_and_removed_nodes_orphan_their_questions(
    tmp_path: Path, database: str
):
    async with make_stage(tmp_path, database, "socket", **ASKING_STAGE) as stage:
        environment = stage.environment
        checked = await run_command("check", folder=tmp_path, environment=environment)
        assert "graph: graph takes messages under messages." in checked.out
        assert "in ask; " in checked.out
        assert "in inner|twice" in checked.out
        assert "graph: ok" in checked.out
        missing = environment | {"AGENT": "nowhere.py:graph"}
        checked = await run_command("check", folder=tmp_path, environment=missing)
        assert checked.status == 1
        assert "graph: AGENT=nowhere.py:graph: there is no Python file" in checked.out

        gone, gone_ts = await asked(stage, "effect one")
        kept, kept_ts = await asked(stage, 'ask "Still?"')
        await stage.stop()
        write_graph(tmp_path / "theirs", ASKING.replace("effect", "renamed"))
        await stage.start_bot()

        final = await stage.outcome(gone, "Orphaned")
        assert "The agent's graph has changed" in everything(final)
        await said_in(stage, gone_ts, "The agent's graph has changed")
        await stage.click(MINA, "approve", kept)
        await said_in(stage, kept_ts, "got 'approve'")
        await stage.ask('ask "After?"', thread_ts=gone_ts)
        await stage.click(MINA, "reject", await stage.card_about("After?"))
        await stage.reply(GENERAL, gone_ts, "got 'reject'")
