"""Ids in an organisation, and events of a channel that another company shares."""

from __future__ import annotations

import pytest

from bot.simulator import Channel, demo_workspace
from bot.simulator.people import User
from tests.support.demo import BOT, GENERAL, MINA
from tests.support.simulated import World, actions, button, modal, world

OURS, SIBLING, COMPANY = "T0SIMULATE", "T0SIBLING0", "T0COMPANY0"
ANN, STAN = "W0ANN00000", "U0STAN0000"


@pytest.fixture
async def made():
    workspace = demo_workspace()
    workspace.enterprise_id = "E0ORGANISE"
    for user in (
        User(ANN, "ann", team_id=SIBLING, teams=(SIBLING, OURS)),
        User(STAN, "stan", team_id=COMPANY),
    ):
        workspace.add_user(user)
        workspace.channels[GENERAL].members.append(user.id)
    members = [ANN, STAN, MINA, BOT]
    shared = Channel("C0SHARED00", "shared", members, is_ext_shared=True)
    shared.owner_team_id = COMPANY
    workspace.add_channel(shared)
    async with world(workspace=workspace) as made:
        yield made


@pytest.mark.parametrize(
    ("user", "team"), [(MINA, "E0ORGANISE"), (ANN, SIBLING), (STAN, COMPANY)]
)
async def test_a_click_names_the_persons_organisation_or_workspace(
    made: World, user: str, team: str
):
    card = await made.slack.chat_postMessage(
        channel=GENERAL, text="x", blocks=[actions(button())]
    )
    payload = made.simulator.click_payload(user, GENERAL, card["ts"], "go")
    assert payload["user"]["team_id"] == team
    assert payload["team"]["id"] == OURS
    assert payload["enterprise"]["id"] == "E0ORGANISE"


async def test_a_form_comes_from_the_persons_own_workspace(made: World):
    trigger = await made.trigger(ANN)
    opened = await made.slack.views_open(
        trigger_id=trigger, view=modal(actions(button()))
    )
    sent = await made.simulator.submit_view(ANN, opened["view"]["id"], {})
    assert sent.payload["team"]["id"] == SIBLING
    assert sent.payload["view"]["app_installed_team_id"] == OURS


@pytest.mark.parametrize(
    ("channel", "outer", "is_shared"),
    [(GENERAL, OURS, False), ("C0SHARED00", COMPANY, True)],
)
async def test_an_event_names_the_company_that_owns_the_channel(
    made: World, channel: str, outer: str, is_shared: bool
):
    await made.simulator.post_message(ANN, channel, f"<@{BOT}> hello")
    await made.simulator.settled()
    [body, *_] = made.socket.payloads
    assert (body["team_id"], body["is_ext_shared_channel"]) == (outer, is_shared)
    assert ("enterprise_id" in body) is not is_shared
    assert body["authorizations"][0]["team_id"] == OURS
    assert body["authorizations"][0]["enterprise_id"] == "E0ORGANISE"
    assert body["event"]["user_team"] == SIBLING
