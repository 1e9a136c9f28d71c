"""The right to ask and to decide: looked up in Slack, refused privately."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.deciding import asked_to_delete, undecided
from tests.support.demo import GENERAL, MINA, OLAF
from tests.support.full_workspace import (
    GONE,
    GUEST,
    IDA,
    INA,
    IRA,
    IVO,
    LONE_GUEST,
    POLICY_WITH_ALL,
    ROBOT,
    STRANGER,
    full_workspace,
)
from tests.support.shown import Message
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
STAGE = {"policy": POLICY_WITH_ALL, "workspace": full_workspace()}
WHY = {
    GUEST: "guest",
    LONE_GUEST: "guest",
    GONE: "deactivated",
    STRANGER: "another company",
    ROBOT: "bot",
}


async def test_whoever_is_no_full_member_does_not_decide(shared: Stage):
    _, card, ts = await asked_to_delete(shared, "members.txt")

    for user, word in WHY.items():
        clicked = await shared.click(user, "approve", card)
        assert clicked.acked
        assert word in await shared.whisper(user, "Only full members")

    undecided(shared, card)
    await decided_by_mina(shared, card, ts)


@pytest.mark.parametrize(
    ("part", "value", "told"),
    [("team", "T0OTHERONE", "another workspace"), ("user", "U0NOBODY00", "")],
    ids=["of another team", "unknown to Slack"],
)
async def test_a_person_of_elsewhere_does_not_decide(
    shared: Stage, part: str, value: str, told: str
):
    _, card, ts = await asked_to_delete(shared, f"elsewhere-{part}.txt")
    payload = shared.click_payload(MINA, card)
    payload[part]["id"] = value

    result = await shared.simulator.send_payload(payload)

    assert result.acked
    if told:
        assert told in await shared.whisper(MINA, "Only full members")
    undecided(shared, card)
    await decided_by_mina(shared, card, ts)


@pytest.mark.parametrize(
    ("user", "trouble"),
    [
        (IDA, {"kind": "server_error"}),
        (IVO, {"kind": "timeout_before", "seconds": 4}),
        (INA, {"kind": "ratelimited", "retry_after": 30}),
        (IRA, {"kind": "error", "error": "fatal_error"}),
    ],
)
async def test_nothing_is_decided_while_slack_does_not_say_who_clicks(
    shared: Stage, user: str, trouble: dict[str, Any]
):
    # no id in the name: Slack would be asked for the person whom the card then names
    _, card, ts = await asked_to_delete(shared, f"unseen-{user.lower()}.txt")
    shared.simulator.faults.add("users.info", times=2, **trouble)

    clicked = await shared.click(user, "approve", card)

    assert clicked.acked
    assert "nothing was decided" in await shared.whisper(user)
    undecided(shared, card)
    shared.simulator.faults.clear()
    await shared.click(user, "approve", card)
    await shared.outcome(card, "Approved")
    await shared.answer(GENERAL, ts)


async def test_a_guest_is_told_privately_that_only_members_may_ask(shared: Stage):
    file = shared.put("guests.txt")
    dm = shared.simulator.dm(GUEST)
    cards = len(shared.cards())

    direct = await shared.ask("delete guests.txt", GUEST, dm)
    told = await shared.whisper(GUEST, "can ask the agent")
    mentioned = await shared.ask("read guests.txt", LONE_GUEST)
    await shared.whisper(LONE_GUEST, "can ask the agent")
    await shared.rest()

    assert "guest account" in told
    assert "Nothing was run" in told
    assert not shared.said(dm, direct)
    assert not shared.said(GENERAL, mentioned)
    assert len(shared.cards()) == cards
    assert file.exists()
    assert shared.records.rows("SELECT 1 FROM messages WHERE state = 'refused'")


async def test_an_outsider_is_told_who_can_decide(shared: Stage):
    _, card, ts = await asked_to_delete(shared, "outsider.txt")

    await shared.click(OLAF, "approve", card)

    told = await shared.whisper(OLAF)
    assert "can't decide this one" in told
    assert f"<@{MINA}>" in told
    undecided(shared, card)
    await decided_by_mina(shared, card, ts)


async def decided_by_mina(stage: Stage, card: Message, ts: str) -> None:
    """A member of the group still decides as if nothing had been."""
    await stage.click(MINA, "approve", card)
    await stage.outcome(card, "Approved")
    await stage.answer(GENERAL, ts)
