"""The documentation of graphs says what the code does."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.__main__ import main
from bot.conversations.dialects import DIALECTS
from bot.conversations.graphs import load_graph
from bot.conversations.inspect_graph import problem
from bot.texts.graphs import AT_RUN_TIME
from tests.support.root import ROOT
from tests.zoo.keeper import table

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def test_the_page_shows_the_drawing_of_the_agent(capsys: pytest.CaptureFixture):
    assert main(["--mermaid"]) == 0
    drawn = capsys.readouterr().out.rstrip()
    page = (ROOT / "docs/graphs.md").read_text(encoding="utf-8")
    assert f"```mermaid\n{drawn}\n```" in page


def test_the_order_of_the_dialects_is_written_down():
    text = (ROOT / "docs/graphs.md").read_text(encoding="utf-8")
    words = ["Static", "LangChain per", "LangChain batched", "Agent Inbox", "A form"]
    places = [text.index(f"**{word}") for word in [*words, "Raw**"]]
    assert places == sorted(places)
    assert [*DIALECTS] == [
        "static_breakpoint",
        "per_call",
        "batched",
        "agent_inbox",
        "form",
        "raw",
    ]


def test_the_zoos_table_says_what_the_zoo_has():
    text = (ROOT / "docs/graphs.md").read_text(encoding="utf-8")
    zoo = text.partition("## The zoo\n")[2].partition("|---|---|---|\n")[2]
    written = zoo.partition("\n\n")[0]
    assert written == table(), "python -m tests.zoo.keeper gives it"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_says_how_it_is_run(path: Path):
    assert f"AGENT=examples/{path.name}:graph make run" in path.read_text("utf-8")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
async def test_an_example_says_what_to_type(path: Path):
    async with load_graph(f"{path}:graph") as loaded:
        assert loaded.phrase


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
async def test_an_example_is_seen_to_ask(path: Path):
    async with load_graph(f"{path}:graph") as loaded:
        assert problem(loaded) == ""
        assert loaded.foresees != (AT_RUN_TIME,)
