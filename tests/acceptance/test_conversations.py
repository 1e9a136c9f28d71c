"""Messages at odd moments and of odd shapes; several calls at once."""

from __future__ import annotations

import asyncio
import uuid

import aiohttp
import pytest

from tests.support.deciding import asked, asked_to_delete
from tests.support.demo import APPROVALS, GENERAL, MAREK, MINA, RAVI
from tests.support.shown import buttons, everything
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_two_clicks_at_once_on_two_rows_both_count(
    shared: Stage,
):
    for round_ in range(2):
        names = [f"left-{round_}.txt", f"right-{round_}.txt"]
        files = [shared.put(name) for name in names]
        ts = await shared.ask(f"delete {names[0]} and delete {names[1]}")
        card = await shared.card_about(names[1])
        left, right = names

        verdict = ("approve", "reject")[round_ % 2]
        await asyncio.gather(
            shared.click(MINA, "approve", card, about=left),
            shared.click(MAREK, verdict, card, about=right),
        )
        answer = await shared.answer(GENERAL, ts)

        assert all(name in answer for name in names)
        assert [file.exists() for file in files] == [False, verdict == "reject"]
        answers = [m for m in shared.said(GENERAL, ts) if "offline" in everything(m)]
        assert len(answers) == 1


async def test_messages_sent_while_waiting_are_answered_in_order(
    shared: Stage,
):
    file = shared.put("waiting.txt")
    shared.put("first.txt", "the first thing")
    shared.put("second.txt", "the second thing")
    ts = await shared.ask("delete waiting.txt")
    card = await shared.card_about("waiting.txt")

    await shared.ask("read first.txt", thread_ts=ts)
    held = await shared.reply(GENERAL, ts, "get to your message")
    await shared.ask("read second.txt", thread_ts=ts)
    await shared.simulator.wait_for(
        lambda: len(shared.texts(ts, "get to your message")) == 2
    )
    assert "*Delete*" in held
    assert file.exists()
    await shared.click(MINA, "approve", card)
    await shared.answer(GENERAL, ts, "the second thing")

    answers = shared.answers(ts)
    assert len(answers) == 3
    for answer, words in zip(
        answers, ("waiting.txt", "the first thing", "the second thing"), strict=True
    ):
        assert words in answer
    assert not file.exists()


async def test_a_thread_goes_on_after_a_reject(shared: Stage):
    shared.put("again.txt")
    file = shared.put("another.txt")
    ts = await shared.ask("delete again.txt")
    first = await shared.card_about("again.txt")
    await shared.click(MINA, "reject", first)
    await shared.answer(GENERAL, ts, "rejected")

    await shared.ask("delete another.txt", thread_ts=ts)
    second = await shared.card_about("another.txt")
    await shared.click(MAREK, "approve", second)

    await shared.simulator.wait_for(lambda: not file.exists())
    await shared.outcome(second, "Approved")
    assert "Rejected" in everything(shared.message(APPROVALS, first["ts"]))


@pytest.mark.parametrize("text", ["", "   ", "\n"])
async def test_an_empty_mention_is_told_what_to_write(shared: Stage, text: str):
    ts = await shared.ask(text)

    assert "no text in your message" in await shared.reply(GENERAL, ts)


async def test_a_message_of_40000_characters_gets_one_sentence(shared: Stage):
    dm = shared.simulator.dm(RAVI)

    ts = await shared.ask("x" * 40_000, channel=dm)
    await shared.reply(dm, ts, "40,000 characters", "Nothing was run")
    await shared.rest()

    assert len(shared.said(dm, ts)) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("read <http://notes.md|notes.md>", "a link's words"),
        ("read a&amp;b.txt", "an ampersand"),
        ("read `&lt;tags&gt;.txt`", "angle brackets"),
        ("please read   notes.md, thanks", "a link's words"),
    ],
)
async def test_links_and_entities_arrive_as_the_words_that_were_written(
    shared: Stage, text: str, words: str
):
    shared.put("notes.md", "a link's words")
    shared.put("a&b.txt", "an ampersand")
    shared.put("<tags>.txt", "angle brackets")

    ts = await shared.ask(text)

    assert words in await shared.answer(GENERAL, ts)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("read missing.txt", "missing.txt"),
        ("read ../../etc/passwd", "passwd"),
        ("read /etc/passwd", "passwd"),
        ("read reports", "reports"),
        ("make me a sandwich", "I didn't understand"),
    ],
)
async def test_what_cannot_be_done_ends_in_a_sentence(
    shared: Stage, text: str, told: str
):
    shared.put("reports/file.txt")

    ts = await shared.ask(text)

    answer = await shared.answer(GENERAL, ts, told)
    assert "root:" not in answer
    assert "Traceback" not in answer


async def test_a_call_that_fails_after_the_approval_says_so(shared: Stage):
    file, card, ts = await asked_to_delete(shared, "vanishing.txt")
    file.unlink()

    await shared.click(MINA, "approve", card)

    answer = await shared.answer(GENERAL, ts, "vanishing.txt")
    assert "Deleted" not in answer
    await shared.simulator.wait_for(
        lambda: "Failed" in everything(shared.message(APPROVALS, card["ts"]))
    )


async def test_long_arguments_are_approved_in_the_full_view(
    shared: Stage,
):
    name = "/".join(["x" * 200] * 25)

    card, ts = await asked(shared, f"delete {name}")
    assert [action for action, _ in buttons(card)] == ["view_full", "reject", "more"]
    await shared.click(MINA, "view_full", card)
    [view] = shared.simulator.open_views(MINA)
    assert name in everything({"blocks": view["blocks"]}).replace("\n", "")
    submitted = await shared.simulator.submit_view(MINA, view["id"], {})

    assert submitted.acked
    await shared.outcome(card, "Approved")
    await shared.answer(GENERAL, ts)


async def test_who_asked_needs_no_mention_in_the_thread(shared: Stage):
    shared.put("one.txt", "the first thing")
    shared.put("two.txt", "the second thing")
    ts = await shared.ask("read one.txt")
    await shared.answer(GENERAL, ts, "the first thing")

    say = shared.simulator.post_message
    await say(MINA, GENERAL, "read one.txt", ts)
    await say(RAVI, GENERAL, f"<@{MINA}> please read two.txt", ts)
    await say(RAVI, GENERAL, "read two.txt", ts)
    await say(RAVI, GENERAL, "not in the thread: read two.txt")
    await say(RAVI, GENERAL, "help", ts)
    await shared.reply(GENERAL, ts, "I can use these tools: delete file")

    assert [text for text in shared.answers(ts) if "first" in text] != []
    assert len(shared.answers(ts)) == 2
    assert "the second thing" in shared.answers(ts)[1]


async def test_an_edit_counts_while_the_message_waits(shared: Stage):
    file = shared.put("held.txt")
    shared.put("right.txt", "the right thing")
    ts = await shared.ask("delete held.txt")
    card = await shared.card_about("held.txt")
    say, simulator = shared.simulator.post_message, shared.simulator
    typo = await say(RAVI, GENERAL, "read wrong.txt", ts)
    gone = await say(RAVI, GENERAL, "read gone.txt", ts)
    held = "SELECT count(*) FROM messages WHERE state = 'held' AND ts IN (%s, %s)"
    await simulator.wait_for(lambda: shared.records.value(held, typo, gone) == 2)

    await simulator.edit_message(RAVI, GENERAL, typo, "read right.txt")
    await simulator.delete_message(RAVI, GENERAL, gone)
    await simulator.settled()
    await shared.click(MINA, "approve", card)
    await shared.answer(GENERAL, ts, "the right thing")
    await simulator.edit_message(RAVI, GENERAL, typo, "delete right.txt")
    await shared.rest()

    assert not file.exists()
    assert len(shared.answers(ts)) == 2
    assert (shared.files / "right.txt").exists()


async def test_the_agents_own_conversation_greets_and_suggests(shared: Stage):
    simulator, dm = shared.simulator, shared.simulator.dm(RAVI)
    for _ in range(2):
        await simulator.open_home(RAVI, "messages")
    called = "assistant.threads.setSuggestedPrompts"
    await simulator.wait_for(
        lambda: sum(call.method == called for call in simulator.calls) == 2
    )

    hello = await simulator.wait_for(
        lambda: [m for m in simulator.messages(dm) if "I'm an agent" in everything(m)]
    )
    assert len(hello) == 1
    assert len(hello[0]["text"].splitlines()) == 3
    shown = simulator.workspace.prompts[dm, ""]
    assert shown[0] == {"title": "Show the files", "message": "list"}
    assert shown[-1]["message"] == "help"

    # an app that has the assistant pane still
    where = {"user_id": RAVI, "channel_id": dm, "thread_ts": hello[0]["ts"]}
    await simulator.send_event(
        {"type": "assistant_thread_started", "assistant_thread": where}
    )
    await simulator.wait_for(
        lambda: simulator.workspace.prompts.get((dm, hello[0]["ts"])) == shown
    )


async def test_what_people_think_of_an_answer_is_kept(shared: Stage):
    shared.put("rated.txt", "the thing that is rated")
    ts = await shared.ask("read rated.txt")
    await shared.answer(GENERAL, ts, "that is rated")
    [answer] = [m for m in shared.said(GENERAL, ts) if "feedback" in str(m)]
    [element] = answer["blocks"][-1]["elements"]
    good, bad = (
        element[f"{name}_button"]["value"] for name in ("positive", "negative")
    )
    before = len(shared.whispers(MINA))

    for value in (good, bad):
        await shared.simulator.click(MINA, GENERAL, answer["ts"], "feedback", value)
    forged = shared.simulator.click_payload(
        MINA, GENERAL, answer["ts"], "feedback", good
    )
    forged["actions"][0]["value"] = f"good:{uuid.uuid4()}"
    await shared.simulator.send_payload(forged)

    await shared.simulator.wait_for(lambda: len(shared.whispers(MINA)) == before + 3)
    told = shared.whispers(MINA)[before:]
    assert sum("isn't from this message" in text for text in told) == 1
    rated = "SELECT rating FROM feedback WHERE user_id = %s"
    assert shared.records.value(rated, MINA) == "bad"
    metrics = f"http://127.0.0.1:{shared.bot.port}/metrics"
    async with aiohttp.ClientSession() as session, session.get(metrics) as found:
        assert 'approval_bot_feedback{state="bad"} 1.0' in await found.text()
