"""Grants given ahead, and a pause, from App Home and from `/approvals`."""

from __future__ import annotations

import datetime as dt

import pytest

from bot.approvals.model import Effect, Place, Verdict
from bot.approvals.pause import PauseAnswer
from bot.approvals.standing_grants import UNDER, Binding, GivingAction, Revoked, Wish
from bot.texts import home as words
from tests.support.cards_samples import texts
from tests.support.desk_parts import HomeDesk, buttons_of
from tests.support.house import House, parsed
from tests.support.people import APP, APPROVALS, MINA, OLAF, OMAR, RAVI, person
from tests.support.policies import policy_text

RULE = "{tools: [wipe], stages: [{approvers: managers}], standing: {max: 8h, uses: 20}}"
WISH = Wish((Binding("path", UNDER, "logs"),), False, dt.timedelta(hours=1), 20)


@pytest.fixture
def desk(house: House) -> HomeDesk:
    groups = {"managers": (MINA, OMAR), "operators": (OLAF,)}
    house.policies.current = parsed(policy_text(RULE, approvers=groups))
    return HomeDesk(house)


async def allow_ahead(house: House) -> str:
    """Mina allows calls like one ahead; the grant's code."""
    asked = await house.ask(arguments={"path": "logs/a.txt"})
    place = Place(APP, APPROVALS, "77.7", asked.place.card)
    token = asked.place.token
    action = GivingAction(
        token, person(MINA), Verdict.APPROVE, "slack", place, wish=WISH
    )
    result, _ = await house.decider.decide(action)
    assert result.effect is Effect.APPROVED
    return await house.one("SELECT code FROM standing_grants")


async def test_home_lists_what_was_allowed_and_revokes_it(house: House, desk: HomeDesk):
    code = await allow_ahead(house)
    view = await desk.open(MINA)
    said = "\n".join(texts(view))
    assert words.ALLOWED in said
    assert "`path` is under `logs`" in said
    assert f"<@{RAVI}>, in all conversations · 0 of 20 used" in said
    assert ("desk_revoke", code) in buttons_of(view)
    assert words.ALLOWED not in texts(await desk.open(OMAR))
    await desk.click("desk_revoke", code)
    view = desk.slack.views[MINA]
    assert words.REVOKED[Revoked.REVOKED] in texts(view)
    assert words.ALLOWED not in texts(view)
    await desk.click("desk_revoke", code)  # once more
    assert words.REVOKED[Revoked.OVER] in texts(desk.slack.views[MINA])


async def test_the_command_revokes_and_pauses(house: House, desk: HomeDesk):
    code = await allow_ahead(house)

    async def say(text: str, user: str) -> str:
        await desk.command(text, user)
        return desk.answers[-1]["text"]

    assert await say("revoke", MINA) == words.REVOKE_WHICH
    assert await say(f"revoke {code}", RAVI) == words.REVOKED[Revoked.NOT_ALLOWED]
    assert await say(f"revoke {code}", OMAR) == words.REVOKED[Revoked.REVOKED]
    assert await say("revoke NONE", MINA) == words.REVOKED[Revoked.UNKNOWN]
    assert await say("pause", OLAF) == words.PAUSE_WHY
    assert await say("pause why not", MINA) == words.PAUSES[PauseAnswer.NOT_OPERATOR]
    assert await say("pause wrong figures", OLAF) == words.PAUSES[PauseAnswer.PAUSED]
    assert await say("pause off", OLAF) == words.PAUSES[PauseAnswer.LIFTED]
