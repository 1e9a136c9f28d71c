"""Each kind of group decides what is under its own folder; delegates do it for them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from bot.simulator import Workspace, demo_workspace
from bot.simulator.people import Channel
from tests.support.deciding import asked_to_delete, request_of
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
from tests.support.policies import policy_text
from tests.support.shown import everything
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROOM = "C0ROOM0000"
TODAY = dt.datetime.now(dt.UTC).date()
GROUPS = ("lead", "room", "hall", "requester", "deputed", "expired", "alone", "twice")
RULES = [
    f"{{name: {group}, tools: [delete_file], when: {{path: {{under: {group}}}}},"
    f" stages: [{{approvers: {group}}}]}}"
    for group in GROUPS
]
POLICY = policy_text(
    "{name: twice-over, tools: [delete_file], when: {path: {under: twice}},"
    " stages: [{approvers: lead}]}",
    *RULES,
    approvers={
        "lead": "{manager_of_requester: Xf0MANAGER}",
        "room": f"{{channel: {ROOM}}}",
        "hall": f"{{channel: {GENERAL}, open: true}}",
        "deputed": (DORA,),
        "expired": (FAY,),
        "alone": (RAVI,),
        "twice": (MINA,),
    },
    delegations=f"""
  - {{from: {DORA}, to: {OLAF}, until: {TODAY + dt.timedelta(days=1)}}}
  - {{from: {FAY}, to: {OLAF}, until: {TODAY - dt.timedelta(days=1)}}}""",
)


def with_room() -> Workspace:
    workspace = demo_workspace()
    people = [FAY, OLAF, BOT, RAVI]
    workspace.add_channel(Channel(ROOM, "room", people, is_private=True))
    return workspace


STAGE: dict[str, Any] = {"workspace": with_room(), "policy": POLICY}


@pytest.mark.parametrize(
    ("group", "no", "yes"),
    [
        ("lead", [MAREK, DORA], MINA),
        ("room", [MINA, RAVI], FAY),
        ("hall", [RAVI], DORA),
        ("requester", [MINA, DORA], RAVI),
        ("deputed", [MINA, RAVI], OLAF),
        ("expired", [OLAF], FAY),
    ],
)
async def test_those_of_a_group_decide_and_nobody_else(
    shared: Stage, group: str, no: list[str], yes: str
):
    file, card, ts = await asked_to_delete(shared, f"{group}/a.txt")

    for person in no:
        heard = len(shared.whispers(person))
        await shared.click(person, "approve", card)
        assert f"<@{yes}>" in await shared.whisper(person, since=heard)
    assert not shared.records.decisions(request_of(card))
    await shared.click(yes, "approve", card)

    final = await shared.outcome(card, "Approved")
    assert f"*Approved* by <@{yes}>" in everything(final)
    await shared.answer(GENERAL, ts)
    assert not file.exists()


@pytest.mark.parametrize(("group", "named"), [("alone", "alone"), ("twice", "twice")])
async def test_a_stage_without_enough_people_is_rejected_without_a_card(
    shared: Stage, group: str, named: str
):
    file, cards = shared.put(f"{group}/b.txt"), len(shared.cards())

    ts = await shared.ask(f"delete {group}/b.txt")

    answer = await shared.answer(GENERAL, ts, "too few people")
    assert f"“{named}”" in answer
    assert len(shared.cards()) == cards
    assert file.exists()


async def test_without_default_stages_a_call_without_a_rule_is_denied(
    shared: Stage,
):
    file = shared.put("elsewhere.txt")

    ts = await shared.ask("delete elsewhere.txt")

    await shared.answer(GENERAL, ts, "No rule of the policy allows delete_file.")
    assert file.exists()


async def test_whoever_leaves_the_channel_before_the_run_does_not_count(shared: Stage):
    file, card, ts = await asked_to_delete(shared, "room/c.txt")

    await shared.simulator.leave_channel(FAY, ROOM)
    await shared.click(FAY, "approve", card)

    await shared.simulator.wait_for(
        lambda: (
            f"<@{FAY}> may no longer decide"
            in everything(shared.message(APPROVALS, card["ts"]))
        )
    )
    assert file.exists()
    await shared.click(OLAF, "approve", shared.message(APPROVALS, card["ts"]))
    await shared.answer(GENERAL, ts)
    assert not file.exists()
