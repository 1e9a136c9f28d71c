"""The conversation as a person at the terminal sees it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
from langgraph.errors import GraphRecursionError

from agent.checkpointers import CheckpointerError, open_checkpointer
from agent.gate import Gate
from agent.graph import build_graph
from agent.phrases import chat
from agent.terminal import Session, SessionState, Terminal
from tests.support.agent_stand_ins import FakePerson, Ledger, ScriptedModel, calls

A, B = {"path": "a"}, {"path": "b"}


@dataclass
class Sitting:
    """A person in front of a conversation that is kept in memory."""

    runner: asyncio.Runner
    session: Session
    model: ScriptedModel
    ledger: Ledger

    def type(self, *lines: str) -> FakePerson:
        """Chat with these lines until the person leaves."""
        self.terminal = Terminal(
            self.session,
            {tool.name: tool for tool in self.ledger.tools},
            person := FakePerson(*lines),
            self.runner.run,
        )
        with pytest.raises(EOFError):
            self.terminal.chat()
        return person


@pytest.fixture
def sitting() -> Iterator[Sitting]:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        opening = open_checkpointer("memory", {"peek"})
        kept = runner.run(stack.enter_async_context(opening))
        model, ledger = ScriptedModel(script=[]), Ledger()
        graph = build_graph(model, ledger.tools, Gate(kept.grants))
        yield Sitting(runner, Session(graph, kept, "t"), model, ledger)
        runner.run(stack.aclose())


def test_calls_are_asked_in_order_before_the_answer_is_shown(sitting: Sitting):
    sitting.model.script += [calls(("wipe", A), ("wipe", B)), "Done.\x1b[2J", ""]

    person = sitting.type("", "go", "approve", "reject", "and?")

    assert person.told == [
        "wipe needs your approval:",
        '{\n  "path": "a"\n}',
        "wipe needs your approval:",
        '{\n  "path": "b"\n}',
        "Done.\\u001b[2J",
        chat.NOTHING_TO_SAY,
    ]
    assert sitting.ledger.runs == ["wipe a"]
    assert not sitting.terminal.waits


def test_a_question_comes_again_before_anything_is_said(sitting: Sitting):
    sitting.model.script.append(calls(("wipe", A), ("wipe", B)))
    sitting.type("go", "approve")
    assert sitting.terminal.waits
    assert sitting.ledger.runs == []

    sitting.model.script.append("Done.")
    person = sitting.type("approve", "approve")

    assert person.told[0] == chat.GOING_ON
    assert person.told[-1] == "Done."
    assert sorted(sitting.ledger.runs) == ["wipe a", "wipe b"]


def test_a_call_cut_off_is_reported_as_unknown(sitting: Sitting):
    class Crash(BaseException):
        pass

    sitting.model.script.append(calls(("wipe", {"path": "a\u200b"})))
    sitting.ledger.fail["wipe"] = Crash()
    with pytest.raises(Crash):
        sitting.type("go", "approve")

    sitting.model.script.append("Sorry.")
    person = sitting.type()

    call = 'wipe {"path": "a\\u200b"}'
    assert person.told == [chat.GOING_ON, chat.unknown(call), "Sorry."]
    assert sitting.ledger.runs == ["wipe a\u200b"]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RuntimeError("secret"), chat.failed("RuntimeError")),
        (GraphRecursionError("60"), chat.ENDLESS),
    ],
)
def test_a_failure_is_one_sentence_and_the_chat_continues(
    sitting: Sitting, error: Exception, told: str
):
    sitting.model.script += [error, "Here I am."]

    person = sitting.type("go", "go")

    assert person.told == [told, "Here I am."]


def test_after_a_failure_what_still_waits_is_asked_again(
    sitting: Sitting, monkeypatch: pytest.MonkeyPatch
):
    sitting.model.script += [calls(("wipe", A)), "Done."]
    decide = sitting.session.decide

    async def fail_once(*given: object) -> SessionState:
        monkeypatch.setattr(sitting.session, "decide", decide)
        raise RuntimeError

    monkeypatch.setattr(sitting.session, "decide", fail_once)
    person = sitting.type("go", "approve", "approve")

    assert chat.failed("RuntimeError") in person.told
    assert person.told[-1] == "Done."
    assert sitting.ledger.runs == ["wipe a"]


def test_the_chat_ends_when_nothing_can_be_stored(
    sitting: Sitting, monkeypatch: pytest.MonkeyPatch
):
    async def full(_text: str) -> SessionState:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(sitting.session, "say", full)
    terminal = Terminal(sitting.session, {}, FakePerson("go"), sitting.runner.run)

    with pytest.raises(CheckpointerError, match=r"\(database or disk is full\)"):
        terminal.chat()
