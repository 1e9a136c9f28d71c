"""Each example through the bot: approved, rejected, and left alone until it is late."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.deciding import asked, asked_to_delete
from tests.support.demo import DORA, GENERAL, MINA
from tests.support.foreign import example, let_time_pass, said_in
from tests.support.shown import Message, everything
from tests.support.stage import NewStage, Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
OUTCOMES = ["approve", "reject", "timed out"]
WORDS = {"approve": "Approved", "reject": "Rejected", "timed out": "Timed out"}


@pytest_asyncio.fixture(
    scope="module",
    loop_scope="module",
    params=["question", "yes_or_no", "two_levels", "file_agent", "langchain_agent"],
)
async def shown(
    request: pytest.FixtureRequest, new_stage: NewStage
) -> AsyncIterator[tuple[str, Stage]]:
    """One stage for each example."""
    async with new_stage(**example(request.param)) as made:
        yield request.param, made


async def decide(stage: Stage, card: Message, outcome: str, user: str = MINA) -> None:
    """Give a card its outcome, and see that it shows it."""
    if outcome == "timed out":
        let_time_pass(stage)
    else:
        await stage.click(user, outcome, card)
    await stage.outcome(card, WORDS[outcome])


@pytest.mark.parametrize("outcome", OUTCOMES)
async def test_an_example_in_each_outcome(shown: tuple[str, Stage], outcome: str):
    name, stage = shown
    await PLAYS[name](stage, outcome)


async def question(stage: Stage, outcome: str) -> None:
    card, ts = await asked(stage, "paint the shed")
    words = everything(card)
    assert "Shall I go ahead?" in words
    assert "paint the shed" in words
    await decide(stage, card, outcome)
    said = {
        "approve": "I went ahead",
        "reject": "Rejected: I left it alone",
        "timed out": "It timed out: no one decided",
    }
    await said_in(stage, ts, said[outcome])


async def yes_or_no(stage: Stage, outcome: str) -> None:
    card, ts = await asked(stage, "Buy our tea")
    await decide(stage, card, outcome)
    await said_in(stage, ts, "It is sent." if outcome == "approve" else "It is not")


async def two_levels(stage: Stage, outcome: str) -> None:
    name = "analytics" if outcome == "approve" else "staging"
    file = stage.files / f"example_databases/{name}.sqlite"
    card, ts = await asked(stage, f"please delete {name}")
    assert file.exists()
    await stage.click(DORA, "approve", card)
    await stage.whisper(DORA, "You can't decide this one")
    await decide(stage, card, "approve")
    assert file.exists()
    second = await stage.simulator.wait_for(
        lambda: next((c for c in stage.cards() if _waits(c, name)), None)
    )
    assert second is not None
    await decide(stage, second, outcome, DORA)
    said = {"approve": "is deleted", "reject": "was rejected", "timed out": "timed out"}
    await said_in(stage, ts, said[outcome])
    assert file.exists() is (outcome != "approve")


def _waits(card: Message, name: str) -> bool:
    words = everything(card)
    return "Approval needed" in words and f"<@{DORA}>" in words and name in words


async def file_agent(stage: Stage, outcome: str) -> None:
    await files(stage, outcome, "plain")


async def langchain_agent(stage: Stage, outcome: str) -> None:
    await files(stage, outcome, "langchain")


async def files(stage: Stage, outcome: str, kind: str) -> None:
    name = f"{kind}-{outcome.replace(' ', '-')}.txt"
    file, card, ts = await asked_to_delete(stage, name)
    assert "Deleted files cannot be restored." in everything(card)
    await decide(stage, card, outcome)
    answer = await stage.answer(GENERAL, ts)
    assert file.exists() is (outcome != "approve")
    if outcome != "approve":
        assert WORDS[outcome].lower() in answer


PLAYS = {
    "question": question,
    "yes_or_no": yes_or_no,
    "two_levels": two_levels,
    "file_agent": file_agent,
    "langchain_agent": langchain_agent,
}
