"""Claims of agents outside, while the time for them ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import pytest

from bot.approvals.deadlines import lapse_due
from bot.approvals.model import Request, Status
from bot.base.settings_types import ApiAgent
from bot.conversations.agents_outside import AgentsOutside, Conflict, Proposal
from tests.support.house import House
from tests.support.people import MINA, RAVI, TEAM

AGENT = ApiAgent("0" * 64, TEAM, "deploy-bot", RAVI)
PROPOSAL = Proposal("k", "wipe", {"path": "a"}, {}, "", "", "", "", "0" * 64)


@dataclass
class SlowRecheck:
    """Looks at people and policy for two hours."""

    house: House
    swept: bool = False

    async def upheld(self, _requests: Sequence[Request], _now: datetime) -> bool:
        await self.house.pass_time(hours=2)
        if self.swept:
            assert await lapse_due(self.house.pool, self.house.queue) == 1
        return True


@pytest.mark.parametrize("swept", [False, True])
async def test_threat_65_a_claim_that_comes_to_its_end_too_late(
    house: House, swept: bool
):
    recheck = cast("Any", SlowRecheck(house, swept))
    parts = house.pool, house.queue, house.policies, house.people
    agents = AgentsOutside(*parts, recheck)
    asked, _ = await agents.ask(AGENT, PROPOSAL)
    await house.click(MINA, asked.request)
    assert (await agents.find(AGENT, asked.request.id)).request.status == "approved"
    with pytest.raises(Conflict) as conflict:
        await agents.claim(AGENT, asked.request.id, asked.request.call.grant_digest)
    assert conflict.value.word == "timed_out"
    assert "claimed" not in await house.trail(asked.request)
    await lapse_due(house.pool, house.queue)
    found = await agents.find(AGENT, asked.request.id)
    assert found.request.status is Status.TIMED_OUT
