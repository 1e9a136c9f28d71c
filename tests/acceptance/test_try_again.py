"""A turn that has failed is tried again by a click: once, and nothing happens twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from tests.support.demo import GENERAL, MINA, OLAF, RAVI
from tests.support.full_workspace import GUEST, full_workspace
from tests.support.model_server import (
    Answer,
    ModelServer,
    call,
    calls,
    failure,
    run_model_server,
    text,
)
from tests.support.shown import Message, buttons, everything
from tests.support.stage import NewStage, Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
AGAIN = "try_again"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model() -> AsyncIterator[ModelServer]:
    async with run_model_server() as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def talking(model: ModelServer, new_stage: NewStage) -> AsyncIterator[Stage]:
    """A stage whose bot speaks to the model server, with guests among the people."""
    async with new_stage(workspace=full_workspace(), **model.settings) as made:
        yield made


async def offered(stage: Stage, ts: str, words: str = "") -> Message:
    """Wait for a sentence in the thread that can be tried again."""

    def found() -> list[Message]:
        said = stage.said(GENERAL, ts)
        return [m for m in said if words in m["text"] and AGAIN in dict(buttons(m))]

    return (await stage.simulator.wait_for(found, timeout=30))[-1]


async def failed(stage: Stage, model: ModelServer, words: str) -> tuple[str, Message]:
    """A thread whose turn has failed at the model, and the sentence about that."""
    model.script(otherwise=lambda: failure(500))
    ts = await stage.ask(words)
    return ts, await offered(stage, ts, "has a fault (500)")


TROUBLE = {
    "limit": (failure(429, **{"Retry-After": "1"}), "busy"),
    "broken off": (replace(text("half of this"), half=True), "cannot be reached"),
    "cut": (Answer(b"", cut=True), "cannot be reached"),
    "fault": (failure(503), "has a fault (503)"),
    "nonsense": (Answer(b'{"choices": [7]}'), "The model failed unexpectedly"),
    "too long": (failure(400, "context_length_exceeded"), "too long"),
}


@pytest.mark.parametrize("name", TROUBLE)
async def test_a_turn_can_be_tried_again_after_any_model_trouble(
    talking: Stage, model: ModelServer, name: str
):
    answer, sentence = TROUBLE[name]
    model.script(otherwise=lambda: answer)
    ts = await talking.ask(f"hello, {name}")
    told = await offered(talking, ts, sentence)
    assert len(talking.said(GENERAL, ts)) == 1
    tries = len(model.requests)
    assert tries == {"too long": 2, "nonsense": 1, "broken off": 4}.get(name, 3)

    model.script(text("Here I am."))
    await talking.click(RAVI, AGAIN, told)
    await talking.reply(GENERAL, ts, "Here I am.")

    await talking.reply(GENERAL, ts, sentence, f"Tried again by <@{RAVI}>")
    assert not buttons(talking.message(GENERAL, told["ts"]))
    [asked] = model.requests
    assert [m["content"] for m in asked["messages"][1:]] == [f"hello, {name}"]
    assert len(talking.said(GENERAL, ts)) == 2


async def test_a_slow_model_is_waited_for(talking: Stage, model: ModelServer):
    model.script(replace(text("At last."), seconds=4))

    ts = await talking.ask("take your time")

    await talking.reply(GENERAL, ts, "At last.")
    assert len(model.requests) == 1


async def test_a_second_click_gets_a_private_sentence(
    talking: Stage, model: ModelServer
):
    ts, told = await failed(talking, model, "once, please")
    model.script(text("Once."))

    first = await talking.click(RAVI, AGAIN, told)
    second = await talking.click(MINA, AGAIN, told)

    assert (first.acked, second.acked) == (True, True)
    assert "tried again already" in await talking.whisper(MINA)
    await talking.reply(GENERAL, ts, "Once.")
    await talking.rest()
    assert len(model.requests) == 1
    trail = talking.records.rows(
        "SELECT event, actor, detail->>'word', detail->>'on_behalf_of' FROM audit"
        " WHERE detail->>'delivery' = %s AND event <> 'delivered' ORDER BY seq",
        dict(buttons(told))[AGAIN],
    )
    assert trail == [
        ("tried_again", RAVI, None, RAVI),
        ("refused", MINA, "tried_already", RAVI),
    ]


async def test_who_may_not_ask_may_not_try_again_either(
    talking: Stage, model: ModelServer
):
    ts, told = await failed(talking, model, "not for guests")
    asked = len(model.requests)

    await talking.click(GUEST, AGAIN, told)

    assert "guest account" in await talking.whisper(GUEST)
    await talking.rest()
    assert len(model.requests) == asked
    model.script(text("For members."))
    await talking.click(OLAF, AGAIN, told)
    await talking.reply(GENERAL, ts, "For members.")


async def test_who_tries_again_does_not_become_the_requester(
    talking: Stage, model: ModelServer
):
    talking.put("theirs.txt")
    ts, told = await failed(talking, model, "delete it")
    model.script(calls(call("delete_file", {"path": "theirs.txt"})), text("Gone."))

    await talking.click(MINA, AGAIN, told)
    card = await talking.card_about("theirs.txt")
    assert f"<@{RAVI}>" in everything(card)
    await talking.click(MINA, "approve", card)

    await talking.reply(GENERAL, ts, "Gone.")
    assert not (talking.files / "theirs.txt").exists()


async def test_what_has_run_before_the_failure_does_not_run_again(
    talking: Stage, model: ModelServer
):
    file = talking.put("twice.txt")
    model.script(
        calls(call("delete_file", {"path": "twice.txt"})),
        otherwise=lambda: failure(500),
    )
    ts = await talking.ask("delete it")
    await talking.click(MINA, "approve", await talking.card_about("twice.txt"))
    told = await offered(talking, ts, "has a fault (500)")
    talking.put("twice.txt", "a new one")

    model.script(text("It was deleted."))
    await talking.click(RAVI, AGAIN, told)
    await talking.reply(GENERAL, ts, "It was deleted.")

    assert file.read_text() == "a new one"
    results = [m for m in model.requests[-1]["messages"] if m["role"] == "tool"]
    assert len(results) == 1
    assert "Deleted" in results[0]["content"]


async def test_after_another_message_the_old_turn_is_not_tried_again(
    talking: Stage, model: ModelServer
):
    ts, told = await failed(talking, model, "first")
    model.script(text("Both read."))
    await talking.ask("second", thread_ts=ts)
    await talking.reply(GENERAL, ts, "Both read.")

    await talking.click(RAVI, AGAIN, told)

    assert "has moved on" in await talking.whisper(RAVI)
    await talking.simulator.wait_for(
        lambda: not buttons(talking.message(GENERAL, told["ts"]))
    )
    await talking.rest()
    assert len(model.requests) == 1


async def test_a_forged_button_runs_nothing(talking: Stage, model: ModelServer):
    ts, told = await failed(talking, model, "mine")
    other, elsewhere = await failed(talking, model, "other")
    asked, before = len(model.requests), len(talking.whispers(OLAF))
    value = dict(buttons(told))[AGAIN]

    for forged in (value, "nonsense", "00000000-0000-0000-0000-000000000000"):
        payload = talking.simulator.click_payload(
            OLAF, GENERAL, elsewhere["ts"], AGAIN, dict(buttons(elsewhere))[AGAIN]
        )
        payload["actions"][0]["value"] = forged
        await talking.simulator.send_payload(payload)

    await talking.simulator.wait_for(lambda: len(talking.whispers(OLAF)) == before + 3)
    said = talking.whispers(OLAF)[before:]
    assert sum("isn't from this message" in each for each in said) == 1
    assert sum("no longer works" in each for each in said) == 2
    await talking.rest()
    assert len(model.requests) == asked
    assert len(talking.said(GENERAL, ts)) == len(talking.said(GENERAL, other)) == 1
