"""`bot.client` against the real process: functions that people approve."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from bot.client import Approvals, Claimed, Denied, Rejected, TimedOut, Unavailable
from tests.support.bot_process import free_port
from tests.support.demo import DORA, MAREK, MINA
from tests.support.http_api import Api
from tests.support.outside_agent import RULES, SETTINGS, TOKEN
from tests.support.policies import files_policy
from tests.support.root import ROOT
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
POLICY = files_policy(managers=(MINA, MAREK, DORA)) + RULES
STAGE = {"policy": POLICY, "RATE_LIMIT": "off", "SWEEP_INTERVAL": "0.2s", **SETTINGS}


async def decided(stage: Stage, service: str, word: str, **more: object) -> str:
    """Decide the request about a service, once it is there."""

    def pending() -> str:
        found = stage.records.rows(
            "SELECT id FROM requests WHERE status = 'pending' AND arguments LIKE %s",
            f'%"{service}"%',
        )
        return found[0][0] if found else ""

    request = await stage.simulator.wait_for(pending)
    said = await Api(stage.bot.url).decide(MINA, request, word, **more)
    assert said.status == 200, said.body
    return request


async def test_a_function_runs_once_with_what_people_approved(shared: Stage):
    approvals, ran = Approvals(shared.bot.url, TOKEN), list[str]()

    @approvals.required(title="Restart {service}", key="one")
    def restart(service: str) -> str:
        ran.append(service)
        return f"{service} is up"

    call = asyncio.create_task(asyncio.to_thread(restart, "web-1"))
    await decided(shared, "web-1", "edit", arguments={"service": "web-2"})
    assert await call == "web-2 is up"
    with pytest.raises(Claimed):
        await asyncio.to_thread(restart, service="web-1")
    assert ran == ["web-2"]


async def test_a_coroutine_runs_after_a_retry_of_the_same_key(shared: Stage):
    approvals = Approvals(shared.bot.url, TOKEN)

    @approvals.required(key="two", tool="restart")
    async def begin(service: str) -> str:
        raise RuntimeError(f"{service} hangs")

    first = asyncio.create_task(begin("web-3"))
    await shared.simulator.wait_for(lambda: shared.cards_about("web-3"))
    first.cancel()
    second = asyncio.create_task(begin("web-3"))
    request = await decided(shared, "web-3", "approve")
    with pytest.raises(RuntimeError, match="hangs"):
        await second
    query = "SELECT state FROM grants WHERE request_id = %s"
    assert shared.records.value(query, request) == "failed"


async def test_a_no_says_who_and_why(shared: Stage):
    approvals = Approvals(shared.bot.url, TOKEN)
    asked = await approvals.request_async("no-1", "restart", {"service": "web-4"})
    await decided(shared, "web-4", "reject", reason="Not now.")
    told = await approvals.wait_async(asked.id, 30)
    with pytest.raises(Rejected) as error:
        await approvals.claim_async(told)
    assert (error.value.reason, error.value.by) == ("Not now.", (MINA,))
    denied = await approvals.request_async("no-2", "wipe", {})
    with pytest.raises(Denied, match="Nothing is wiped"):
        await approvals.claim_async(denied)
    with pytest.raises(Denied):
        await Approvals(shared.bot.url, "wrong").withdraw_async(asked.id)


async def test_what_was_approved_and_left_times_out(shared: Stage):
    approvals = Approvals(shared.bot.url, TOKEN)
    asked = await approvals.request_async("late", "brief", {"service": "web-5"})
    request = await decided(shared, "web-5", "approve")
    told = await approvals.wait_async(asked.id, 30)
    await shared.simulator.wait_for(
        lambda: shared.records.status(request) == "timed_out"
    )
    with pytest.raises(TimedOut):
        await approvals.claim_async(told)


async def test_without_a_bot_nothing_is_approved(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bot.client.WAITS", (0.01,))
    nobody = Approvals(f"http://127.0.0.1:{free_port()}", TOKEN)
    with pytest.raises(Unavailable):
        await nobody.request_async("x", "restart", {})


async def test_the_client_needs_httpx_and_nothing_of_the_bot():
    script = (
        "import sys, bot.client; print([m for m in sys.modules if m.startswith"
        "(('bot.', 'psycopg', 'pydantic', 'slack'))])"
    )
    ran = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert ran.stdout.strip() == "['bot.client']"
