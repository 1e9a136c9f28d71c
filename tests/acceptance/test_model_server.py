"""A model server of any quality: each turn ends in one clear sentence."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from agent.phrases.tool_calls import NO_OBJECT
from tests.support.demo import GENERAL, MINA, RAVI
from tests.support.model_server import (
    API_KEY,
    Answer,
    ModelServer,
    call,
    calls,
    failure,
    run_model_server,
    text,
)
from tests.support.stage import NewStage, Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model() -> AsyncIterator[ModelServer]:
    async with run_model_server() as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def talking(model: ModelServer, new_stage: NewStage) -> AsyncIterator[Stage]:
    """A stage whose bot speaks to the model server."""
    async with new_stage(**model.settings) as made:
        yield made


async def test_an_approved_call_runs_and_the_model_gets_its_result(
    talking: Stage, model: ModelServer
):
    file = talking.put("q3.csv")
    model.script(
        calls(call("delete_file", {"path": "q3.csv"})), text("Gone, as you wished.")
    )

    ts = await talking.ask("tidy up, please")
    card = await talking.card_about("q3.csv")
    assert file.exists()
    await talking.click(MINA, "approve", card)
    await talking.reply(GENERAL, ts, "Gone, as you wished.")

    assert not file.exists()
    first, second = model.requests
    assert {tool["function"]["name"] for tool in first["tools"]} >= {"delete_file"}
    assert second["messages"][-1]["role"] == "tool"
    assert "q3.csv" in second["messages"][-1]["content"]


async def test_a_rejected_call_is_told_to_the_model(talking: Stage, model: ModelServer):
    file = talking.put("kept.csv")
    model.script(calls(call("delete_file", {"path": "kept.csv"})), text("I may not."))

    ts = await talking.ask("tidy up, please")
    card = await talking.card_about("kept.csv")
    await talking.click(MINA, "reject", card)
    await talking.reply(GENERAL, ts, "I may not.")

    assert file.exists()
    assert "rejected" in model.requests[-1]["messages"][-1]["content"]


async def test_the_model_is_told_the_speaker_and_the_date(
    talking: Stage, model: ModelServer
):
    before = dt.datetime.now(dt.UTC).date()
    model.script(text("Hello Ravi."))

    ts = await talking.ask("hello")
    await talking.reply(GENERAL, ts, "Hello Ravi.")

    after = dt.datetime.now(dt.UTC).date()
    [system, human] = model.requests[0]["messages"]
    assert f"Ravi ({RAVI})" in system["content"]
    assert any(day.isoformat() in system["content"] for day in (before, after))
    assert human["content"] == "hello"


@pytest.mark.parametrize(
    ("name", "arguments", "complaint"),
    [
        ("read_file", "{", "not valid JSON"),
        ("read_file", "nothing", "not valid JSON"),
        ("read_file", "[1, 2]", NO_OBJECT),
        ("read_file", '"text"', NO_OBJECT),
        ("read_file", '{"path": NaN}', "NaN"),
        ("read_file", '{"path": "a.txt", "path": "b.txt"}', "same key twice"),
        ("read_file", '{"path": 7}', "path"),
        ("read_file", '{"path": ["a.txt"]}', "path"),
        ("read_file", "{}", "path"),
        ("read_file", '{"path": "a.txt", "force": true}', "force"),
        ("read_file", '{"path": "a\\u0000b"}', "NUL"),
        ("read_file", '{"path": "\\ud800"}', "surrogate"),
        ("delete_file", '{"path": 1e999}', ""),
        ("delete_file", '{"path": ' + "[" * 50 + "]" * 50 + "}", "nested"),
        ("delete_file", '{"path": 123456789012345678901234567890}', "2^53"),
        ("launch_rocket", '{"where": "moon"}', "no tool launch_rocket"),
        ("", "{}", "no tool"),
        ("delete_file; rm -rf /", "{}", "no tool"),
        ("read_file", '{"path": "missing.txt"}', "does not exist"),
        ("read_file", '{"path": "reports"}', "reports"),
    ],
)
async def test_the_model_is_told_why_a_call_is_unusable(
    talking: Stage, model: ModelServer, name: str, arguments: str, complaint: str
):
    cards = len(talking.cards())
    talking.put("reports/q3.csv")
    model.script(calls(call(name, arguments)), text("I could not do it."))

    ts = await talking.ask("try")
    await talking.reply(GENERAL, ts, "I could not do it.")

    assert complaint in model.requests[-1]["messages"][-1]["content"]
    assert len(talking.cards()) == cards
    assert len(talking.said(GENERAL, ts)) == 1


async def test_the_same_call_id_in_two_turns_is_two_calls(
    talking: Stage, model: ModelServer
):
    files = [talking.put("twin-1.txt"), talking.put("twin-2.txt")]
    turns = [calls(call("delete_file", {"path": file.name})) for file in files]
    model.script(turns[0], text("One."), turns[1], text("Two."))

    ts = await talking.ask("delete the first")
    await talking.click(MINA, "approve", await talking.card_about("twin-1.txt"))
    await talking.reply(GENERAL, ts, "One.")
    await talking.ask("and the second", thread_ts=ts)
    second = await talking.card_about("twin-2.txt")

    assert [file.exists() for file in files] == [False, True]
    await talking.click(MINA, "approve", second)
    await talking.reply(GENERAL, ts, "Two.")
    assert not files[1].exists()


async def test_two_calls_with_one_id_stay_two_calls(talking: Stage, model: ModelServer):
    files = [talking.put("same-1.txt"), talking.put("same-2.txt")]
    model.script(
        calls(*(call("delete_file", {"path": file.name}) for file in files)),
        text("Both looked at."),
    )

    ts = await talking.ask("delete both")
    card = await talking.card_about("same-2.txt")
    await talking.click(MINA, "approve", card, about="same-1.txt")
    await talking.click(MINA, "reject", card, about="same-2.txt")
    await talking.reply(GENERAL, ts, "Both looked at.")

    assert [file.exists() for file in files] == [False, True]


TROUBLE = {
    "unreachable": (Answer(b"", cut=True), "cannot be reached"),
    "500": (failure(500), "has a fault (500)"),
    "429": (failure(429), "busy"),
    "no quota": (failure(429, "insufficient_quota"), "quota"),
    "401": (failure(401, "invalid_api_key"), "OPENAI_API_KEY"),
    "404": (failure(404, "model_not_found"), "OPENAI_MODEL"),
    "too long": (failure(400, "context_length_exceeded"), "too long"),
    "no json": (Answer(b"<html>hello</html>"), "model"),
    "html": (Answer(b"<html>", headers={"Content-Type": "text/html"}), "model"),
    "empty": (Answer(b""), "model"),
    "null": (Answer(b"null"), "model"),
    "no choices": (Answer(b'{"choices": []}'), "model"),
    "odd choices": (Answer(b'{"choices": [7]}'), "model"),
    "odd message": (Answer(b'{"choices": [{"message": 7}]}'), "model"),
    "odd calls": (
        Answer(
            b'{"choices": [{"message": {"role": "assistant", "tool_calls": 7},'
            b' "finish_reason": "stop"}]}'
        ),
        "",
    ),
}


@pytest.mark.parametrize("name", TROUBLE)
async def test_model_trouble_is_one_sentence_and_the_thread_continues(
    talking: Stage, model: ModelServer, name: str
):
    answer, sentence = TROUBLE[name]
    model.script(otherwise=lambda: answer)

    ts = await talking.ask("hello")
    told = await talking.reply(GENERAL, ts, sentence)
    await talking.simulator.settled()
    assert len(talking.said(GENERAL, ts)) == 1
    assert "Traceback" not in told
    assert API_KEY not in told
    for code in re.findall(r"\(Code: (\w+)\)", told):
        [line] = [each for each in talking.bot.log.splitlines() if code in each]
        assert " cause=" in line
        assert "Traceback" not in line
        assert API_KEY not in line

    model.script(text("Better now."))
    await talking.ask("hello again", thread_ts=ts)
    await talking.reply(GENERAL, ts, "Better now.")
    assert (await talking.bot.get("/readyz"))[0] == 200


async def test_a_fault_that_passes_is_not_noticed(talking: Stage, model: ModelServer):
    model.script(
        failure(503), replace(text("Here I am."), seconds=1), otherwise=lambda: text("")
    )

    ts = await talking.ask("hello")

    await talking.reply(GENERAL, ts, "Here I am.")
    assert len(model.requests) == 2


async def test_a_model_failure_after_an_approved_call_repeats_nothing(
    talking: Stage, model: ModelServer
):
    file = talking.put("once.txt")
    model.script(
        calls(call("delete_file", {"path": "once.txt"})), otherwise=lambda: failure(500)
    )
    ts = await talking.ask("delete it")
    card = await talking.card_about("once.txt")
    await talking.click(MINA, "approve", card)
    await talking.reply(GENERAL, ts, "has a fault (500)")
    assert not file.exists()
    talking.put("once.txt")

    model.script(text("It was deleted."))
    await talking.ask("what became of it?", thread_ts=ts)
    await talking.reply(GENERAL, ts, "It was deleted.")

    assert file.exists()  # the new one
    results = [m for m in model.requests[-1]["messages"] if m["role"] == "tool"]
    assert "Deleted" in results[-1]["content"]


async def test_a_long_thread_is_summed_up_and_goes_on(
    talking: Stage, model: ModelServer
):
    def answer() -> Answer:
        first, *_, last = model.requests[-1]["messages"]
        if "sum it up" in str(first):
            return text("They wrote many words.")
        return text(f"Noted {str(last['content']).split()[0]}.")

    model.script(otherwise=answer)
    ts = await talking.ask("first " + "word " * 2_500)
    await talking.reply(GENERAL, ts, "Noted first.")
    for number in ("second", "third", "fourth", "fifth"):
        await talking.ask(f"{number} " + "word " * 2_500, thread_ts=ts)
        await talking.reply(GENERAL, ts, f"Noted {number}.")
    read = model.requests[-1]["messages"]
    assert "> They wrote many words." in str(read)
    assert sum("sum it up" in str(each["messages"]) for each in model.requests) == 1


async def test_a_model_that_never_stops_calling_is_stopped(
    talking: Stage, model: ModelServer
):
    talking.put("loop.txt", "again")
    model.script(otherwise=lambda: calls(call("read_file", {"path": "loop.txt"})))

    ts = await talking.ask("loop")
    await talking.reply(GENERAL, ts, "I stopped here")
    steps = len(model.requests)
    model.script(text("Calm again."))
    await talking.ask("and now?", thread_ts=ts)
    await talking.reply(GENERAL, ts, "Calm again.")

    assert steps < 60


async def test_an_answer_without_words_is_said_and_never_sent(
    talking: Stage, model: ModelServer
):
    model.script(text(""), text("Here I am."))
    ts = await talking.ask("hello")
    await talking.reply(GENERAL, ts, "The model gave no answer.")
    [said] = talking.said(GENERAL, ts)

    await talking.click(RAVI, "try_again", said)
    await talking.reply(GENERAL, ts, "Here I am.")
    assert [m["role"] for m in model.requests[-1]["messages"]] == ["system", "user"]
