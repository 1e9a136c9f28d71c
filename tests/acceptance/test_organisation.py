"""People of an organisation's other workspaces, and of channels shared with others."""

from __future__ import annotations

from typing import Any

import pytest

from bot.simulator import Channel, Workspace, demo_workspace
from bot.simulator.people import User
from tests.support.deciding import asked_to_delete, filled_in, opened, undecided
from tests.support.demo import APPROVALS, BOT, GENERAL, MINA
from tests.support.policies import files_policy
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
OURS, SIBLING, COMPANY = "T0SIMULATE", "T0SIBLING0", "T0COMPANY0"
SHARED = "C0SHARED00"
# Ann and Lou work in a sibling workspace and are members here; Sid is not.
ANN, LOU, SID = "W0ANN00000", "U0LOU00000", "U0SID00000"
STAN = "U0STAN0000"  # of the company that shares a channel
SILENT = {  # Slack leaves a field out of what it says of them
    "U0AVA00000": ("is_restricted", "whether you are a guest"),
    "U0AXEL0000": ("is_ultra_restricted", "whether you are a guest"),
    "U0AIDA0000": ("is_bot", "whether you are a bot"),
    "U0ALF00000": ("deleted", "whether your account is active"),
}


def organisation() -> Workspace:
    workspace = demo_workspace()
    workspace.enterprise_id = "E0ORGANISE"
    both = (SIBLING, OURS)
    people = [
        User(ANN, "ann", "Ann", team_id=SIBLING, teams=both),
        User(LOU, "lou", "Lou", team_id=SIBLING, teams=both),
        User(SID, "sid", "Sid", team_id=SIBLING, teams=(SIBLING,)),
        User(STAN, "stan", "Stan", team_id=COMPANY),
        *(User(user, user, lacks=(lacks,)) for user, (lacks, _) in SILENT.items()),
    ]
    for person in people:
        workspace.add_user(person)
        for channel in (GENERAL, APPROVALS):
            workspace.channels[channel].members.append(person.id)
    members = [*workspace.users]
    shared = Channel(SHARED, "shared", members, is_ext_shared=True)
    shared.owner_team_id = COMPANY
    workspace.add_channel(shared)
    return workspace


STAGE = {
    "policy": files_policy(managers=(MINA, ANN, LOU, SID, STAN, *SILENT)),
    "workspace": organisation(),
}


@pytest.mark.parametrize("user", [ANN, MINA], ids=["of a sibling", "of this one"])
async def test_an_approver_of_any_of_its_workspaces_decides(shared: Stage, user: str):
    _, card, ts = await asked_to_delete(shared, f"{user}.txt")

    clicked = await shared.click(user, "approve", card)

    assert clicked.payload["user"]["team_id"] != OURS
    await shared.outcome(card, "Approved")
    await shared.answer(GENERAL, ts)


async def test_an_approver_of_a_sibling_decides_by_a_form(shared: Stage):
    _, card, _ = await asked_to_delete(shared, "form.txt")
    form = await opened(shared, ANN, card, "reject")

    sent = await filled_in(shared, ANN, form, reason="No.")

    assert sent.payload["team"]["id"] == SIBLING
    await shared.outcome(card, "Rejected")


async def test_a_requester_of_a_sibling_stays_the_requester(shared: Stage):
    _, card, _ = await asked_to_delete(shared, "own.txt", LOU)

    await shared.click(LOU, "approve", card)
    assert "You asked for this yourself" in await shared.whisper(LOU)
    await shared.click(LOU, "reject", card)

    await shared.outcome(card, "Withdrawn")


@pytest.mark.parametrize("user", [SID, STAN])
async def test_who_is_not_of_this_workspace_does_not_decide(shared: Stage, user: str):
    _, card, _ = await asked_to_delete(shared, f"not-{user}.txt")

    await shared.click(user, "approve", card)

    told = await shared.whisper(user, "Only full members")
    assert "your account belongs to another workspace" in told
    assert f"<@{user}>" not in told
    undecided(shared, card)


@pytest.mark.parametrize("user", SILENT)
async def test_what_slack_does_not_say_is_told_as_such(shared: Stage, user: str):
    _, card, _ = await asked_to_delete(shared, f"silent-{user}.txt")

    await shared.click(user, "approve", card)

    told = await shared.whisper(user, "Only full members")
    assert f"Slack didn't say {SILENT[user][1]}" in told
    assert f"<@{user}>" not in told
    undecided(shared, card)


async def test_a_member_is_heard_in_another_companys_channel(shared: Stage):
    shared.put("partner.txt", "for both")

    ts = await shared.ask("read partner.txt", channel=SHARED)

    await shared.answer(SHARED, ts, "for both")
    event = next(iter(shared.events_about(ts).values()))
    assert (event["team_id"], event["is_ext_shared_channel"]) == (COMPANY, True)
    assert event["authorizations"][0]["team_id"] == OURS


async def test_a_stranger_is_not_heard_in_a_shared_channel(shared: Stage):
    ts = await shared.ask("read partner.txt", STAN, SHARED)

    told = await shared.whisper(STAN, "can ask the agent")
    assert "another workspace" in told
    await shared.rest()
    assert not shared.said(SHARED, ts)


async def test_an_event_for_another_installation_runs_nothing(shared: Stage):
    event: dict[str, Any] = {
        "type": "app_mention",
        "user": MINA,
        "text": f"<@{BOT}> read partner.txt",
        "channel": SHARED,
        "ts": shared.simulator.workspace.next_ts(),
    }
    for_them = [{"team_id": COMPANY, "user_id": BOT, "is_bot": True}]

    await shared.simulator.send_event(event, authorizations=for_them)

    assert "another workspace" in await shared.whisper(MINA, "can ask the agent")
