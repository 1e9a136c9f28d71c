"""Agents outside while the bot dies around claim and result, and of two replicas."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any

import aiohttp
import pytest

from tests.support.bot_process import free_port
from tests.support.crashes import ORDER, died, start_another
from tests.support.demo import DORA, MAREK, MINA
from tests.support.link_browser import run_sql
from tests.support.outside_agent import OTHER_TOKEN, RULES, SETTINGS, OutsideAgent
from tests.support.policies import files_policy
from tests.support.shown import everything
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
POLICY = (
    files_policy(managers=(MINA, MAREK, DORA))
    + RULES
    + """
  - {name: hasty, tools: [hasty], stages: [{approvers: managers}], result_within: 3s}
"""
)
STAGE = {
    "policy": POLICY,
    "SWEEP_INTERVAL": "0.2s",
    "FAULT_POINT": f"@{ORDER}",
    "RATE_LIMIT": "messages=30/m,clicks=900/m",
    "WEBHOOK_URL": f"http://127.0.0.1:{free_port()}/events",
    "WEBHOOK_SECRET": "a-secret-that-signs-events-0123456789",
    "WEBHOOK_ALLOW_PRIVATE": "1",
    **SETTINGS,
}


async def approved(stage: Stage, tool: str = "restart") -> dict[str, Any]:
    agent = OutsideAgent(stage.bot.url)
    asked = (await agent.ask(tool)).body
    said = await agent.api.decide(MINA, asked["id"], "approve")
    assert said.status == 200, said.body
    return asked


async def dies(stage: Stage, point: str, deed: Awaitable[Any]) -> OutsideAgent:
    """Have the bot die of a deed; the agent of the next bot."""
    (stage.folder / ORDER).write_text(point)
    with suppress(aiohttp.ClientError):
        await deed
        raise AssertionError("the bot lived on")
    await died(stage)
    await start_another(stage)
    return OutsideAgent(stage.bot.url)


def state(stage: Stage, request: dict[str, Any]) -> str:
    query = "SELECT state FROM grants WHERE request_id = %s"
    return stage.records.value(query, request["id"])


async def test_a_death_before_the_claim_leaves_it_to_be_claimed(shared: Stage):
    request = await approved(shared)
    claim = OutsideAgent(shared.bot.url).claim(request)
    agent = await dies(shared, "claiming", claim)
    assert state(shared, request) == "approved"
    assert (await agent.claim(request)).status == 200

    report = agent.report(request["id"], "done", "It is up.")
    agent = await dies(shared, "ran", report)
    assert state(shared, request) == "executing"
    again = await agent.report(request["id"], "done", "It is up.")
    assert (again.status, state(shared, request)) == (200, "done")
    changes = "SELECT body::json->'data'->>'change' FROM webhook_events"
    await shared.simulator.wait_for(
        lambda: (
            len(shared.records.rows(changes + " WHERE request_id = %s", request["id"]))
            > 2
        )
    )


async def test_a_result_told_again_after_a_death_is_there_once(shared: Stage):
    request = await approved(shared)
    agent = OutsideAgent(shared.bot.url)
    assert (await agent.claim(request)).status == 200
    told = (request["id"], "done", "All is well again.")
    agent = await dies(shared, "reported", agent.report(*told))
    assert state(shared, request) == "done"

    first, second = await agent.report(*told), await agent.report(*told)
    assert (first.status, first.body["summary"]) == (200, told[2])
    assert (second.status, second.body) == (200, first.body)
    ends = "SELECT count(*) FROM audit WHERE request_id = %s AND event = 'ran'"
    assert shared.records.value(ends, request["id"]) == 1
    card = await shared.card_about(told[2])
    assert everything({"blocks": card["blocks"]}).count(told[2]) == 1
    assert len(shared.cards_about(told[2])) == 1


async def test_a_death_after_the_claim_ends_as_unknown(shared: Stage):
    request = await approved(shared, "hasty")
    claim = OutsideAgent(shared.bot.url).claim(request)
    agent = await dies(shared, "claimed", claim)
    again = await agent.claim(request)
    assert (again.status, again.word) == (409, "claimed")
    await shared.simulator.wait_for(lambda: state(shared, request) == "unknown")
    assert (await agent.claim(request)).status == 409
    assert shared.records.claims(request["id"]) == 1


async def test_of_the_claims_at_two_replicas_one_wins(shared: Stage):
    request = await approved(shared)
    await shared.start_bot()
    agents = [OutsideAgent(bot.url) for bot in shared.bots for _ in range(4)]
    said = await asyncio.gather(*(agent.claim(request) for agent in agents))
    assert sorted(each.status for each in said) == [200] + [409] * 7
    assert shared.records.claims(request["id"]) == 1


async def test_threat_66_each_agent_has_its_own_rate(shared: Stage):
    agent = OutsideAgent(shared.bot.url)
    run_sql(shared, "DELETE FROM paces")  # else its minute may end amid these
    said = await asyncio.gather(*(agent.ask() for _ in range(31)))
    over = [each for each in said if each.status == 429]
    assert {each.word for each in over} == {"too_many"}
    assert int(over[0].headers["Retry-After"]) > 0
    other = OutsideAgent(shared.bots[-1].url, OTHER_TOKEN)
    assert (await other.ask()).status == 201
