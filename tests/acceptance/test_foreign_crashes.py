"""The plug is pulled after a claim: the end is unknown, and nothing runs again."""

from __future__ import annotations

from tests.support.deciding import asked, request_of, shows
from tests.support.demo import GENERAL, MINA, OLAF, RAVI
from tests.support.foreign import said_in
from tests.support.invariants import MARKS
from tests.support.shown import Message, buttons, everything
from tests.support.stage import Stage


async def cut_off(stage: Stage, what: str = "slow") -> tuple[Message, str]:
    """An effect whose process is killed in its middle; another one takes over."""
    card, ts = await asked(stage, f"effect {what}")
    await stage.click(MINA, "approve", card)
    await stage.simulator.wait_for(lambda: f"begun {what}" in stage.ledger)
    await stage.outcome(card, "Approved")
    await stage.rest()  # a message that is just being sent is looked at after a minute
    await stage.bot.kill()
    stage.bots.clear()
    await stage.start_bot()
    return card, ts


async def test_after_a_kill_approvers_mark_the_unknown_outcome(
    zoo_alone: Stage,
):
    stage = zoo_alone
    card, ts = await cut_off(stage)
    said = await stage.simulator.wait_for(
        lambda: [m for m in stage.said(GENERAL, ts) if "unknown" in everything(m)],
        timeout=40,
    )
    assert "*Question* `effect`" in everything(said[-1])
    shown = await shows(stage, card, "Unknown")
    assert {action for action, _ in buttons(shown)} == MARKS
    place = (card["channel"], card["ts"])
    told = await stage.reply(*place, "Please check by hand")
    assert f"<@{RAVI}>" in told
    assert f"<@{MINA}>" in told
    assert stage.ledger == ["begun slow"]

    await stage.click(OLAF, "mark_done", shown)
    await stage.whisper(OLAF, "Only its approvers")
    await stage.click(RAVI, "mark_done", shown)
    await stage.whisper(RAVI, "Only its approvers")
    await stage.click(MINA, "mark_not_done", shown)
    marked = await shows(stage, card, f"Marked as not done* by <@{MINA}>")
    assert not buttons(marked)
    await stage.click(RAVI, "ask_again", shown)
    await stage.whisper(RAVI, "marked already")
    events = "SELECT event FROM audit WHERE request_id = %s ORDER BY seq"
    trail = [e for (e,) in stage.records.rows(events, request_of(card))]
    trail.remove("shown")  # a click can beat the storing of the card's place
    assert trail[:4] == ["requested", "approved", "claimed", "unknown"]
    assert trail.count("marked_not_done") == 1
    assert trail.count("refused") == 3
    # the conversation can go on
    await stage.ask("effect quick", thread_ts=ts)
    await stage.click(MINA, "approve", await stage.card(2))
    await said_in(stage, ts, "done quick")
    assert stage.ledger == ["begun slow", "begun quick", "ended quick"]


async def test_card_and_trail_show_the_mark_as_done(zoo_alone: Stage):
    stage = zoo_alone
    card, ts = await cut_off(stage)
    shown = await shows_unknown(stage, card)
    await stage.click(MINA, "mark_done", shown)
    marked = await shows(stage, card, f"Marked as done* by <@{MINA}>")
    assert not buttons(marked)
    fact = "SELECT actor, detail->>'tool' FROM audit WHERE event = 'marked_done'"
    [(who, tool)] = stage.records.rows(fact)
    assert MINA in str(who)
    assert tool == "effect"
    assert stage.ledger == ["begun slow"]
    await stage.ask("effect quick", thread_ts=ts)  # the conversation can go on
    await stage.click(MINA, "reject", await stage.card(2))
    await said_in(stage, ts, "left quick")


async def shows_unknown(stage: Stage, card: Message) -> Message:
    """The card of what was cut off, as soon as it says so."""
    await stage.simulator.wait_for(
        lambda: "Unknown" in everything(stage.message(card["channel"], card["ts"])),
        timeout=40,
    )
    return stage.message(card["channel"], card["ts"])


async def test_ask_again_is_a_new_request_that_people_decide(zoo_alone: Stage):
    stage = zoo_alone
    card, ts = await cut_off(stage)
    shown = await shows_unknown(stage, card)
    await stage.click(RAVI, "ask_again", shown)
    again = await stage.card(2)
    await shows(stage, card, f"Asked again* by <@{RAVI}>")
    assert request_of(again) != request_of(card)
    assert stage.ledger == ["begun slow"]
    await stage.click(MINA, "reject", again)
    await said_in(stage, ts, "left slow")
    assert stage.ledger == ["begun slow"]


async def test_killed_before_the_click_the_question_stays_open(zoo_alone: Stage):
    stage = zoo_alone
    card, ts = await asked(stage, "effect quick")
    await stage.bot.kill()
    stage.bots.clear()
    await stage.start_bot()
    await stage.click(MINA, "approve", card)
    await said_in(stage, ts, "done quick")
    assert stage.ledger == ["begun quick", "ended quick"]
