"""The trail passes the checker `agentack`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.approvals.grants import CallFacts
from bot.approvals.model import Request
from tests.support.ack_trace import trace, write
from tests.support.house import REJECT, House
from tests.support.people import DANA, MINA, OMAR

AGENTACK = Path(sys.executable).with_name("agentack")


async def claimed(house: House, request: Request) -> Request:
    call = request.call
    run = await house.start_run(request.conversation)
    facts = CallFacts(call.id, call.tool, call.arguments, call.schema)
    assert (await house.claim(run, facts)).won
    return request


@pytest.fixture
async def rows(house: House) -> list[dict[str, Any]]:
    """The trail of calls that were approved, rejected, withdrawn, and left open."""
    await claimed(house, await house.approved())
    paying = await house.ask("pay")
    for user in (MINA, OMAR, DANA):
        await house.click(user, paying)
    await claimed(house, await house.request(paying.id))
    await house.click(MINA, await house.ask("wipe"), REJECT)
    await house.ask("drop")
    await house.ask("wipe")
    found = await house.rows(
        "SELECT event, request_id, detail, at FROM audit ORDER BY seq"
    )
    return [{**row, "at": row["at"].isoformat()} for row in found]


def kinds(rows: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in trace(rows)]


async def test_each_action_of_the_trail_has_its_approval(rows: list[dict[str, Any]]):
    found = kinds(rows)
    assert found.count("action_executed") == 2
    assert found.count("action_blocked") == 2
    assert found.count("approval_decision") == 3


async def test_all_rules_of_agentack_pass(rows: list[dict[str, Any]], tmp_path: Path):
    def check(rows: list[dict[str, Any]]) -> subprocess.CompletedProcess[str]:
        command = [AGENTACK, *write(rows, tmp_path)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    good = check(rows)
    assert good.returncode == 0, good.stdout
    assert "PASS" in good.stdout
    for event in ("approved", "requested"):
        bad = check([row for row in rows if row["event"] != event])
        assert bad.returncode != 0, event
        assert "ACK009" in bad.stdout
