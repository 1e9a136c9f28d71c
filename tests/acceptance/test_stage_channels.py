"""Each stage's people are told in their own place: a thread, or another channel."""

from __future__ import annotations

from typing import Any

import pytest

from bot.simulator import Workspace, demo_workspace
from bot.simulator.people import Channel
from tests.support.deciding import asked_to_delete, forged, request_of, shows
from tests.support.demo import (
    APPROVALS,
    BOT,
    DORA,
    FAY,
    GENERAL,
    MAREK,
    MINA,
    OLAF,
    RAVI,
)
from tests.support.policies import files_policy
from tests.support.shown import buttons, everything
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
BOARD = "C0BOARD000"
CHAIN = f"""
stages: [{{approvers: managers}}, {{approvers: finance}},
      {{approvers: directors, channel: {BOARD}}}]
"""


def with_board() -> Workspace:
    workspace = demo_workspace()
    people = [DORA, MINA, BOT]
    workspace.add_channel(Channel(BOARD, "board", people, is_private=True))
    return workspace


STAGE: dict[str, Any] = {
    "workspace": with_board(),
    "policy": files_policy(
        deleting=CHAIN.strip(),
        writing="stages: [{approvers: managers, channel: dm}]",
        finance=(FAY,),
    ),
}


async def test_a_chain_goes_from_card_to_thread_to_another_channel(shared: Stage):
    file, card, ts = await asked_to_delete(shared, "board.txt")
    assert f"<@{MINA}> or <@{MAREK}> for managers" in everything(card)
    assert ", then finance, then directors · " in everything(card)

    await shared.click(MINA, "approve", card)
    passed = f"Stage 1, managers: approved by <@{MINA}>"
    await shared.reply(APPROVALS, card["ts"], passed, f"<@{FAY}>", "|Open>")
    assert not shared.cards(BOARD)

    await shared.click(FAY, "approve", await shows(shared, card, "for finance"))
    board = await shared.card(channel=BOARD)
    assert f"<@{DORA}> for directors" in everything(board)
    for words in ("managers: approved by", "finance: approved by", "for directors"):
        assert words in everything(board)
    old = await shows(shared, card, "Decided now", "<#C0BOARD000>")
    assert not buttons(old)
    assert file.exists()
    # the link leads to the card of now
    await shared.reply(GENERAL, ts, "Waiting for", f"<@{DORA}>", BOARD)

    # the old card's button counts no more, wherever it was seen
    await shared.click(DORA, "approve", card)
    told = await shared.whisper(DORA, "decided on another card now in <#C0BOARD000>")
    assert f"<@{DORA}> can decide it" in told
    await shared.click(DORA, "approve", board)

    for each in (card, board):
        final = await shared.outcome(each, "Approved")
        assert all(f"<@{who}>" in everything(final) for who in (MINA, FAY, DORA))
    await shared.answer(GENERAL, ts)
    assert not file.exists()
    assert shared.records.decisions(request_of(card)) == [
        (MINA, "approve"),
        (FAY, "approve"),
        (DORA, "approve"),
    ]


async def test_withdraw_works_from_the_notice_when_the_card_has_moved(shared: Stage):
    file, card, ts = await asked_to_delete(shared, "moved.txt")
    await shared.click(MAREK, "approve", card)
    await shared.click(FAY, "approve", await shows(shared, card, "for finance"))
    board = await shared.card_about("moved.txt", BOARD)

    await shared.reply(GENERAL, ts, "Waiting for", f"<@{DORA}>")
    [notice] = [m for m in shared.said(GENERAL, ts) if buttons(m)]
    await shared.click(RAVI, "withdraw", notice)

    for each in (card, board):
        await shared.outcome(each, "Withdrawn")
    await shared.answer(GENERAL, ts, "withdrawn")
    assert file.exists()


async def test_a_comment_under_the_old_card_stands_on_both(shared: Stage):
    _, card, _ = await asked_to_delete(shared, "both.txt")
    await shared.click(MAREK, "approve", card)
    await shared.click(FAY, "approve", await shows(shared, card, "for finance"))
    board = await shared.card_about("both.txt", BOARD)

    said = f"<@{BOT}> mind the customers"
    await shared.simulator.post_message(OLAF, APPROVALS, said, card["ts"])

    for each in (card, board):
        await shows(shared, each, "Comment by ", "mind the customers")
    await shared.click(DORA, "reject", board)
    await shared.outcome(board, "Rejected")


async def test_nobody_withdraws_from_the_old_cards_menu_by_mistake(shared: Stage):
    _, card, ts = await asked_to_delete(shared, "menu.txt")
    old = {who: forged(shared, who, card, "withdraw") for who in (DORA, RAVI)}
    await shared.click(MAREK, "approve", card)
    await shared.click(FAY, "approve", await shows(shared, card, "for finance"))
    board = await shared.card_about("menu.txt", BOARD)

    await shared.simulator.send_payload(old[DORA])  # a screen that is not up to date
    await shared.whisper(DORA, f"Only <@{RAVI}>")
    assert shared.records.status(request_of(card)) == "pending"
    await shared.simulator.send_payload(old[RAVI])

    await shared.outcome(board, "Withdrawn")
    await shared.answer(GENERAL, ts, "withdrawn")


async def test_each_approver_has_a_copy_and_one_decision_closes_all(shared: Stage):
    ts = await shared.ask("write copies.txt: for two")
    dms = {user: shared.simulator.dm(user) for user in (MINA, MAREK)}
    cards = {
        user: await shared.card_about("copies.txt", channel)
        for user, channel in dms.items()
    }
    await shared.reply(GENERAL, ts, "Waiting for", f"<@{MINA}> or <@{MAREK}>")
    await shared.click(MAREK, "approve", cards[MAREK])
    for card in cards.values():
        closed = await shows(shared, card, f"Approved* by <@{MAREK}>", "Done")
        assert not [name for name, _ in buttons(closed) if name == "approve"]
    await shared.click(MINA, "approve", cards[MINA])
    await shared.whisper(MINA, f"<@{MAREK}>")
    [place] = shared.records.rows(
        "SELECT detail->'card' FROM audit WHERE event = 'approved'"
        " AND detail->>'tool' = 'write_file'"
    )
    assert place == ([dms[MAREK], cards[MAREK]["ts"]],)
