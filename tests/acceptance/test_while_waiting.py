"""Before anybody decides: a message, a comment, a withdrawal, a right that is lost."""

from __future__ import annotations

import pytest

from tests.support.deciding import (
    asked,
    asked_to_delete,
    opened,
    request_of,
    shows,
)
from tests.support.demo import APPROVALS, BOT, GENERAL, MAREK, MINA, OLAF, RAVI
from tests.support.full_workspace import IDA, INA, IRA, IVO, full_workspace
from tests.support.policies import files_policy
from tests.support.shown import Message, buttons, everything
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
STAGE = {
    "workspace": full_workspace(),
    "policy": files_policy(managers=(MINA, MAREK, IDA, IVO, INA, IRA)),
}


async def test_withdraw_stands_on_the_waiting_notice(shared: Stage):
    file, card, ts = await asked_to_delete(shared, "notice.txt")
    notice = await message_with(shared, ts, "Waiting for")

    await shared.click(OLAF, "withdraw", notice)
    await shared.whisper(OLAF, f"Only <@{RAVI}>")
    assert shared.records.status(request_of(card)) == "pending"
    await shared.click(RAVI, "withdraw", notice)

    await shared.outcome(card, "Withdrawn")
    over = await message_with(shared, ts, f"Withdrawn by <@{RAVI}>: *Delete*")
    assert over["ts"] == notice["ts"]
    assert not buttons(over)
    await shared.answer(GENERAL, ts, "withdrawn")
    assert file.exists()


async def test_a_kept_message_gets_the_reason_and_a_withdraw_button(
    shared: Stage,
):
    shared.put("held.txt")
    shared.put("after.txt", "read afterwards")
    card, ts = await asked(shared, "delete held.txt")
    await shared.ask("read after.txt", OLAF, thread_ts=ts)
    held = await message_with(shared, ts, "get to your message")
    words = everything(held)
    for said in ("*Delete* `held.txt`", f"<@{MINA}>", "by <!date^"):
        assert said in words
    assert "|Open>" in words

    await shared.rest()  # where it stands is noted by then
    await shared.click(RAVI, "withdraw", held)

    await shared.outcome(card, "Withdrawn")
    await shared.answer(GENERAL, ts, "withdrawn")
    await shared.answer(GENERAL, ts, "read afterwards")
    over = await message_with(shared, ts, "On to your message")
    assert over["ts"] == held["ts"]
    assert not buttons(over)
    order = [
        index
        for index, answer in enumerate(shared.answers(ts))
        for words in ("withdrawn", "read afterwards")
        if words in answer
    ]
    assert order == sorted(order)
    assert len(order) == 2


async def test_a_mention_in_a_cards_thread_becomes_a_comment(
    shared: Stage,
):
    file, card, ts = await asked_to_delete(shared, "comment.txt")
    await shared.reply(GENERAL, ts, "Waiting for")  # the bot knows where its card is
    conversations = "SELECT count(*) FROM conversations"
    before = shared.records.value(conversations)

    said = f"<@{BOT}> delete all.txt, and <!channel> *why*?"
    await shared.simulator.post_message(MINA, APPROVALS, said, card["ts"])

    shown = await shows(shared, card, "Comment by ", "why")
    assert "delete all.txt" in everything(shown)
    assert not [b for b in shown["blocks"] if "<!channel>" in str(b.get("text"))]
    await shared.whisper(MINA, "Added to the card")
    await shared.rest()
    assert shared.records.value(conversations) == before
    assert shared.records.status(request_of(card)) == "pending"
    assert not shared.said(APPROVALS, card["ts"])[1:]
    # whoever comments may still decide: it is no word to the agent
    await shared.click(MINA, "approve", card)
    final = await shared.outcome(card, "Approved")
    assert "Comment by " in everything(final)
    await shared.answer(GENERAL, ts)
    assert not file.exists()


async def test_text_without_a_mention_in_a_cards_thread_is_ignored(shared: Stage):
    _, card, ts = await asked_to_delete(shared, "chat.txt")

    await shared.simulator.post_message(MINA, APPROVALS, "hm, hm", card["ts"])
    await shared.rest()

    now = shared.message(APPROVALS, card["ts"])
    assert "hm, hm" not in everything(now)
    await shared.click(MINA, "reject", now)
    await shared.answer(GENERAL, ts, "rejected")


async def test_whoever_wrote_in_the_turn_does_not_decide(shared: Stage):
    """A message that was held is not of the turn that waits: its writer may decide."""
    _, card, ts = await asked_to_delete(shared, "turn.txt")
    await shared.ask("read turn.txt", IVO, thread_ts=ts)
    await message_with(shared, ts, "get to your message")

    await shared.click(IVO, "approve", card)

    await shared.outcome(card, "Approved")
    await shared.answer(GENERAL, ts, "turn.txt")


@pytest.mark.parametrize(
    ("person", "lost"),
    [(IDA, {"deleted": True}), (INA, {"is_restricted": True}), (IRA, {"is_bot": True})],
)
async def test_losing_the_right_before_the_run_reopens_the_request(
    shared: Stage, person: str, lost: dict[str, bool]
):
    name = f"demoted-{person}.txt"
    file, card, ts = await asked_to_delete(shared, name)
    form = await opened(shared, person, card, "reject")  # known, for a minute
    await shared.simulator.close_view(person, form["id"])

    for flag, value in lost.items():
        setattr(shared.simulator.workspace.users[person], flag, value)
    await shared.click(person, "approve", card)

    again = await shows(shared, card, "Open again", f"<@{person}>")
    assert "may no longer decide" in everything(again)
    assert "Approval needed" in everything(again)
    assert file.exists()
    await shared.click(person, "approve", again)
    await shared.whisper(person, "Nothing was decided")
    await shared.click(MAREK, "approve", again)
    final = await shared.outcome(card, "Approved")
    assert f"<@{MAREK}>" in everything(final)
    await shared.answer(GENERAL, ts)
    assert not file.exists()


async def message_with(stage: Stage, thread: str, words: str) -> Message:
    """The bot's message in a conversation's thread with these words."""

    def found() -> list[Message]:
        said = stage.said(GENERAL, thread)
        return [each for each in said if words in everything(each)]

    return (await stage.simulator.wait_for(found))[-1]
