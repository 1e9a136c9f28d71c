"""Each method of Slack's that the bot calls fails once; the request still ends."""

from __future__ import annotations

from typing import Any

import pytest

from bot.simulator import Workspace, demo_workspace
from bot.simulator.people import Channel, UserGroup
from tests.support.deciding import choose, request_of
from tests.support.demo import BOT, DORA, FAY, GENERAL, MINA, OLAF, RAVI
from tests.support.policies import policy_text
from tests.support.shown import Message
from tests.support.stage import SHORTER, Stage

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(240),
]
ROOM, FINANCE = "C0ROOM0000", "S0FINANCE0"
POLICY = policy_text(
    "{name: deleting, tools: [delete_file],"
    " stages: [{approvers: lead}, {approvers: room}, {approvers: finance}]}",
    approvers={
        "lead": "{manager_of_requester: Xf0MANAGER}",
        "room": f"{{channel: {ROOM}}}",
        "finance": f"{{usergroup: {FINANCE}}}",
    },
)
ASKED = (
    *("users.info", "users.profile.get", "conversations.members"),
    *("usergroups.users.list", "chat.postMessage"),
)
KINDS: dict[str, dict[str, Any]] = {
    "limited": {"kind": "ratelimited", "retry_after": 1},
    "500": {"kind": "server_error", "status": 500},
    "cut before": {"kind": "cut_before"},
    "cut after": {"kind": "cut_after"},
    "silent": {"kind": "timeout_before", "seconds": 3},
    "deaf": {"kind": "timeout_after", "seconds": 3},
}


#: The same to the bot as another kind, or slower than it.
LONG = ("cut before", "silent", "deaf")


def with_groups() -> Workspace:
    workspace = demo_workspace()
    people = [FAY, BOT, RAVI]
    workspace.add_channel(Channel(ROOM, "room", people, is_private=True))
    workspace.add_usergroup(UserGroup(FINANCE, "finance"))
    workspace.set_usergroup_users(FINANCE, [DORA])
    return workspace


STAGE: dict[str, Any] = {
    "workspace": with_groups(),
    "policy": POLICY,
    "TIME_LIMITS": f"{SHORTER},slack_call=2",
}


@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=[pytest.mark.long] * (kind in LONG)) for kind in KINDS],
)
async def test_whatever_slack_refuses_the_request_comes_to_its_end_once(
    shared: Stage, kind: str
):
    fault, name = KINDS[kind], f"{kind.replace(' ', '-')}.txt"
    file = shared.put(name)
    await shared.restart()  # what it has looked up before is forgotten
    orders = shared.simulator.faults

    for method in ASKED:
        orders.add(method, **fault)
    ts = await shared.ask(f"delete {name}")
    card = await shared.until(lambda: shared.cards_about(name))
    await shared.until(lambda: "Waiting for" in str(shared.said(GENERAL, ts)))
    assert not orders.to_come  # each of them was called

    await refused(shared, card[0], fault)
    await modal(shared, card[0], fault)
    for user in (MINA, FAY, DORA):
        await decided(shared, user, card[0], fault)
    for method in ("users.info", "chat.update", "chat.postMessage"):
        orders.add(method, **fault)
    await shared.until(lambda: shared.answers(ts))
    await shared.until(lambda: shared.is_closed(card[0], "Approved"))
    await shared.until(lambda: "Approved by <@" in str(shared.texts(ts)))
    orders.clear()
    await shared.rest()

    assert not file.exists()
    assert len(shared.cards_about(name)) == 1
    assert len(shared.answers(ts)) == 1
    assert shared.records.claims(request_of(card[0])) == 1
    assert "Traceback" not in shared.bot.log


async def refused(stage: Stage, card: Message, fault: dict[str, Any]) -> None:
    """A click of nobody's: the private sentence comes in the end."""
    heard = len(stage.whispers(OLAF))
    stage.simulator.faults.add("chat.postEphemeral", **fault)
    clicked = await stage.click(OLAF, "approve", card)
    assert clicked.acked
    await stage.until(lambda: len(stage.whispers(OLAF)) > heard)


async def modal(stage: Stage, card: Message, fault: dict[str, Any]) -> None:
    """A form that cannot be opened: the person is told, and clicks again."""
    stage.simulator.faults.add("views.open", **fault)
    heard = len(stage.whispers(MINA))
    first = await choose(stage, MINA, card, "reject")
    assert first.acked
    await stage.whisper(MINA, "didn't open the window", since=heard)
    for view in stage.simulator.open_views(MINA):
        await stage.simulator.close_view(MINA, view["id"])
    await choose(stage, MINA, card, "reject")
    views = await stage.until(lambda: stage.simulator.open_views(MINA))
    await stage.simulator.close_view(MINA, views[-1]["id"])


async def decided(
    stage: Stage, user: str, card: Message, fault: dict[str, Any]
) -> None:
    """An approval that counts at the second click, if it does not at the first."""
    stage.simulator.faults.add("chat.update", **fault)
    request = request_of(card)
    for _ in range(2):
        assert (await stage.click(user, "approve", card)).acked
        if (user, "approve") in stage.records.decisions(request):
            return
    raise AssertionError(f"{user} could not decide: {stage.whispers(user)}")
