"""A tool's outcome stays known if the database connection drops right after it."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from bot.approvals import grants
from bot.conversations import stored_grants
from tests.support.agent_parts import make_agent
from tests.support.house import House
from tests.support.people import MINA

BLINK = psycopg.OperationalError("server closed the connection")


@pytest.mark.parametrize("is_written", [False, True], ids=["lost", "answer lost"])
async def test_an_end_that_could_not_be_stored_is_stored_again(
    house: House, monkeypatch: pytest.MonkeyPatch, is_written: bool
):
    agent = make_agent(house, ("wipe", {"path": "x"}), "done")
    conversation = await agent.say()
    request = await agent.request(conversation)
    await house.click(MINA, request)
    real, tries = grants._finish, 0

    async def blink(*arguments: Any) -> Any:
        nonlocal tries
        tries += 1
        if tries > 1:
            return await real(*arguments)
        if is_written:
            await real(*arguments)
        raise BLINK

    monkeypatch.setattr(grants, "_finish", blink)
    monkeypatch.setattr(stored_grants, "FINISH_WAITS", (0.01, 0.01))
    await agent.work()

    assert tries == 2
    assert (await house.trail()).count("ran") == 1
    assert "unknown" not in await house.trail()
