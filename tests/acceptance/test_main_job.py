"""Ask the agent, get a card, click, done: from outside the process."""

from __future__ import annotations

import pytest

from tests.support.deciding import asked, filled_in, opened, shows
from tests.support.demo import APPROVALS, GENERAL, MAREK, MINA, RAVI
from tests.support.shown import buttons, everything
from tests.support.stage import Stage

module = pytest.mark.asyncio(loop_scope="module")
#: Once is enough: what comes of it has nothing to do with how Slack is reached.
OVER_ONE = pytest.mark.parametrize("shared_both", ["socket"], indirect=True)


@pytest.mark.parametrize("transport", ["socket"])  # over HTTP a restart tells it
async def test_an_approved_deletion_happens_and_the_thread_says_so(
    fresh_stage: Stage,
):
    stage = fresh_stage
    file = stage.put("reports/q3.csv")

    ts = await stage.ask("delete reports/q3.csv")
    card = await stage.card()
    text = everything(card)
    assert "delete_file" in text
    assert "reports/q3.csv" in text
    assert "Deleted files cannot be restored." in text
    assert f"<@{RAVI}>" in text
    assert f"<@{MINA}>" in text
    assert [action for action, _ in buttons(card)] == ["approve", "reject", "more"]
    assert "*Delete* `reports/q3.csv`" in card["text"]
    assert "unverified" not in everything(card)  # the gate's own words are no reason
    assert file.exists()

    clicked = await stage.click(MINA, "approve", card)
    assert clicked.acked
    await stage.outcome(card, "Approved")
    await stage.answer(GENERAL, ts, "reports/q3.csv")

    assert not file.exists()
    final = stage.message(APPROVALS, card["ts"])
    assert f"<@{MINA}>" in everything(final)
    assert not buttons(final)


@module
@module
async def test_a_rejected_deletion_does_not_happen(shared_both: Stage):
    stage = shared_both
    file = stage.put("reports/q4.csv")

    ts = await stage.ask("delete reports/q4.csv")
    card = await stage.card_about("reports/q4.csv")
    await stage.click(MINA, "reject", card)
    await stage.outcome(card, "Rejected")
    answer = await stage.answer(GENERAL, ts)

    assert "rejected" in answer
    assert file.exists()


@OVER_ONE
@module
async def test_a_safe_tool_runs_without_a_card(shared_both: Stage):
    stage = shared_both
    stage.put("notes/todo.txt", "buy milk")

    ts = await stage.ask("read notes/todo.txt")
    answer = await stage.answer(GENERAL, ts)

    assert "buy milk" in answer
    assert not [c for c in stage.cards() if "todo.txt" in everything(c)]


@module
async def test_a_direct_message_needs_no_mention(shared_both: Stage):
    stage = shared_both
    stage.put("direct.txt")
    dm = stage.simulator.dm(RAVI)

    ts = await stage.ask("list", channel=dm)

    assert "direct.txt" in await stage.answer(dm, ts)


@OVER_ONE
@module
async def test_the_notice_in_the_thread_follows_the_request(
    shared_both: Stage,
):
    stage = shared_both
    stage.put("thread.txt")

    ts = await stage.ask("delete thread.txt")
    card = await stage.card_about("thread.txt")
    notices = await stage.simulator.wait_for(lambda: stage.said(GENERAL, ts))
    assert "Waiting for" in notices[0]["text"]
    assert card["ts"].replace(".", "") in notices[0]["text"]
    await stage.click(MINA, "approve", card)
    await stage.answer(GENERAL, ts)

    over = await stage.simulator.wait_for(
        lambda: [m for m in stage.said(GENERAL, ts) if "Approved" in m["text"]]
    )
    assert over[0]["ts"] == notices[0]["ts"]


@OVER_ONE
@module
async def test_every_card_of_a_call_that_ran_says_done(shared_both: Stage):
    stage = shared_both
    names = [f"done-{number}.txt" for number in range(4)]
    for name in names:
        stage.put(name)
        await stage.ask(f"delete {name}")
    cards = [await stage.card_about(name) for name in names]

    for card in cards:
        await stage.click(MINA, "approve", card)

    for card in cards:
        await shows(stage, card, "Approved", " · Done <!date^")


@OVER_ONE
@module
async def test_the_card_of_a_call_that_failed_says_why(shared_both: Stage):
    stage = shared_both
    file = stage.put("gone.txt")
    ts = await stage.ask("delete gone.txt")
    card = await stage.card_about("gone.txt")
    file.unlink()

    await stage.click(MINA, "approve", card)

    shown = everything(await shows(stage, card, " · Failed <!date^", "Failed:"))
    assert "gone.txt" in shown.partition("Failed:")[2]
    told = f"✅ Approved by <@{MINA}>, but failed: "
    await stage.simulator.wait_for(
        lambda: [
            notice
            for notice in stage.simulator.messages(GENERAL)
            if notice.get("thread_ts") == ts and notice["text"].startswith(told)
        ]
    )
    await stage.answer(GENERAL, ts)


@module
async def test_a_restart_between_card_and_click_loses_nothing(
    shared_both: Stage,
):
    stage = shared_both
    file = stage.put("restart.txt")
    ts = await stage.ask("delete restart.txt")
    card = await stage.card_about("restart.txt")

    await stage.restart()
    before = len(stage.simulator.calls)
    await stage.click(MINA, "approve", card)
    await stage.answer(GENERAL, ts)

    assert not file.exists()
    await stage.outcome(card, "Approved")
    calls = stage.simulator.calls[before:]
    asked = [c.args["user"] for c in calls if c.method == "users.info"]
    assert asked.count(MINA) == 1  # the click's own look serves before the run


@OVER_ONE
@module
async def test_two_calls_of_one_turn_are_decided_one_by_one(shared_both: Stage):
    stage = shared_both
    for order in (("approve", "reject"), ("reject", "approve")):
        first, second = stage.put("one.txt"), stage.put("two.txt")
        card, ts = await asked(stage, "delete one.txt and delete two.txt", "two.txt")

        await stage.click(MINA, order[0], card, about="one.txt")
        shown = await shows(stage, card, f"{OUTCOMES[order[0]]}* by")
        assert {"approve", "reject"} <= dict(buttons(shown)).keys()
        await stage.click(MINA, order[1], shown, about="two.txt")
        await shows(stage, card, *[f"{outcome}* by" for outcome in OUTCOMES.values()])
        await stage.answer(GENERAL, ts)

        assert first.exists() is (order[0] == "reject")
        assert second.exists() is (order[1] == "reject")


@OVER_ONE
@module
async def test_calls_of_one_turn_stand_on_one_card(shared_both: Stage):
    stage = shared_both
    names = [f"in-order-{number}.txt" for number in range(4)]
    files = [stage.put(name) for name in names]
    before = len(stage.cards())
    stage.simulator.faults.add("chat.postMessage", "ratelimited")

    ts = await stage.ask(" and ".join(f"delete {name}" for name in names))
    card = await stage.card(before + 1)
    text = everything(card)
    assert [text.index(name) for name in names] == sorted(map(text.index, names))
    notice = await stage.reply(GENERAL, ts, *names)
    assert notice.count("to approve *Delete*") >= 4
    assert len(stage.said(GENERAL, ts)) == 1

    await stage.click(MINA, "reject", card, about=names[1])
    shown = await shows(stage, card, "Rejected* by", "Approve the other 3")
    await stage.click(MAREK, "approve_all", card)  # as it was drawn before
    await stage.whisper(MAREK, "This card has changed since you saw it")
    assert all(file.exists() for file in files)
    await stage.click(MAREK, "approve_all", shown)
    await stage.answer(GENERAL, ts)

    assert [file.exists() for file in files] == [False, True, False, False]
    await shows(stage, card, "Done ", "Rejected* by")
    assert len(stage.cards()) == before + 1


@OVER_ONE
@module
async def test_a_rejects_reason_reaches_thread_card_and_agent(shared_both: Stage):
    stage = shared_both
    stage.put("reasoned.txt")
    ts = await stage.ask("delete reasoned.txt")
    card = await stage.card_about("reasoned.txt")
    form = await opened(stage, MINA, card, "reject")

    await filled_in(stage, MINA, form, reason="Still <!here> needed.")

    await shows(stage, card, "Rejected", "Still <!here> needed.")
    await stage.reply(GENERAL, ts, "Rejected by", "Still <!here> needed.")
    await stage.answer(GENERAL, ts, "Still")


OUTCOMES = {"approve": "Approved", "reject": "Rejected"}
