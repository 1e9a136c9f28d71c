"""Serves each graph of the zoo by the real bot, decides what it asks, and tells it."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any

import pytest

from tests.support.bot_process import run_command
from tests.support.deciding import choose, filled_in, opened
from tests.support.demo import GENERAL, MINA
from tests.support.foreign import let_time_pass
from tests.support.policies import policy_text
from tests.support.shown import Message, buttons
from tests.support.stage import Stage
from tests.zoo.kit import GRAPHS, STOPPED, ZooGraph

KINDS = ("questions", "agents", "structures", "states", "teams", "inbox")


def graphs_of(*kinds: str) -> list[ZooGraph]:
    """The graphs of these modules, in their order."""
    names = [importlib.import_module(f"tests.zoo.{kind}").__name__ for kind in kinds]
    return [g for name in names for g in GRAPHS if g.make.__module__ == name]


def parameters(*kinds: str) -> list[Any]:
    """The same for `pytest.mark.parametrize`."""
    return [
        pytest.param(
            graph,
            id=graph.make.__name__,
            marks=[pytest.mark.long] if graph.long else [],
        )
        for graph in graphs_of(*kinds)
    ]


def address(graph: ZooGraph) -> str:
    """What AGENT is for a graph."""
    return f"{inspect.getsourcefile(graph.make)}:{graph.make.__name__}"


def policy_for(graph: ZooGraph) -> str:
    """Everything is asked, and raw questions take what the graph's author says."""
    said = {"interrupts": f"{{answers: {graph.answers}}}"} if graph.answers else {}
    defaults = "{channel: C0APPROVAL, timeout: 24h, stages: [{approvers: managers}]}"
    rules = [graph.rule] if graph.rule else []
    groups = {"managers": (MINA,)}
    return policy_text(*rules, defaults=defaults, approvers=groups, **said)


async def play(stage: Stage, graph: ZooGraph) -> None:
    """Ask a graph again and again in one thread, and see what each decision brings."""
    if graph.at_start:
        await _is_refused_at_start(stage, graph)
        return
    stage.write_policy(policy_for(graph))
    own = {**graph.settings, "AGENT": address(graph)}
    stage.environment.update(own)
    await stage.restart()
    for name in own:
        del stage.environment[name]
    if graph.refused:
        ts = await stage.ask("go")
        await stage.reply(GENERAL, ts, graph.refused)
        told = len(stage.texts(ts, graph.refused))
        await stage.ask("go", thread_ts=ts)  # the conversation can go on
        await stage.until(lambda: len(stage.texts(ts, graph.refused)) > told)
        return
    thread = ""
    for outcome, words in graph.said.items():
        before = len(stage.ledger)
        thread = await _answered(stage, graph, outcome, words, thread)
        expected = sorted(graph.ran) if outcome == "approve" else []
        assert sorted(stage.ledger[before:]) == expected, outcome


async def _is_refused_at_start(stage: Stage, graph: ZooGraph) -> None:
    settings = stage.environment | {"AGENT": address(graph)}
    outcome = await run_command(folder=stage.folder, environment=settings)
    assert (outcome.status, graph.refused in outcome.err) == (2, True), outcome.err


async def _answered(
    stage: Stage, graph: ZooGraph, outcome: str, words: str, thread: str
) -> str:
    """Ask, decide each card, wait for the answer; the thread of it."""
    seen = {card["ts"] for card in stage.cards()}
    told = len(stage.texts(thread)) if thread else 0
    ts = await stage.ask("go", thread_ts=thread or None)
    thread = thread or ts

    def news() -> Message | bool:
        said = stage.texts(thread)[told:]
        new = [card for card in stage.cards() if card["ts"] not in seen]
        return any(words in text for text in said) or (new[0] if new else False)

    while True:
        try:
            found = await stage.simulator.wait_for(news)
        except (AssertionError, TimeoutError) as error:
            raise AssertionError(_report(stage, outcome, words, thread)) from error
        if not isinstance(found, dict):
            return thread
        seen.add(found["ts"])
        await _decide(stage, graph, outcome, found)


async def _decide(stage: Stage, graph: ZooGraph, outcome: str, card: Message) -> None:
    if outcome == "timed out":
        let_time_pass(stage)
    elif outcome == "approve" and graph.typed:
        form = await opened(stage, MINA, card, "answer")
        await filled_in(stage, MINA, form, **graph.typed)
    else:
        shown = dict(buttons(card))
        if found := next((b for b in (f"{outcome}_all", outcome) if b in shown), ""):
            await stage.click(MINA, found, card)
        else:
            await choose(stage, MINA, card, outcome)


def _report(stage: Stage, outcome: str, words: str, thread: str) -> str:
    said = "\n---\n".join(stage.texts(thread))
    log = Path(stage.folder / "bot.log").read_text(encoding="utf-8")[-3000:]
    return f"{outcome}: no “{words}” in\n{said}\n=== the log\n{log}"


def table() -> str:
    """The rows of the table in `docs/graphs.md`."""
    return "\n".join(_row(graph) for graph in graphs_of(*KINDS))


def _row(graph: ZooGraph) -> str:
    shape, _, source = inspect.getdoc(graph.make).partition("\n\nAs in: ")
    source = " ".join(source.split()).removesuffix(".")
    return f"| {shape.removesuffix('.')} | {source} | {_end(graph)} |"


def _end(graph: ZooGraph) -> str:
    if graph.refused:
        when = "at start" if graph.at_start else "in the thread"
        return f"refused {when}: “… {graph.refused} …”"
    if graph.told:
        return f"works; the failure is told: “… {graph.said['approve']} …”"
    if graph.rule:
        return f"works, with the rule `{graph.rule}`"
    return "works; a no ends the turn" if graph.said["reject"] == STOPPED else "works"


if __name__ == "__main__":
    print(table())
