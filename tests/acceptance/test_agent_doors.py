"""The other doors of agents outside: the hook of Claude Code, and MCP."""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
import pytest

from bot.texts.api import CONFLICTS, MCP_TOOLS
from tests.support.bot_process import run_command
from tests.support.demo import DORA, MAREK, MINA
from tests.support.http_api import Api
from tests.support.outside_agent import OTHER_TOKEN, RULES, SETTINGS, TOKEN
from tests.support.policies import files_policy
from tests.support.root import ROOT
from tests.support.stage import Stage

if TYPE_CHECKING:
    from mcp import ClientSession

pytestmark = pytest.mark.asyncio(loop_scope="module")
POLICY = (
    files_policy(managers=(MINA, MAREK, DORA))
    + RULES
    + """
  - {name: shell, tools: [Bash], stages: [{approvers: managers}],
     allow: [approve, reject, edit, answer]}
  - {name: reads, tools: [Read], agents: [deploy-bot], approval: none}
  - {name: web, tools: [WebFetch], deny: true, why: Nothing is fetched.}
"""
)
STAGE = {"policy": POLICY, "RATE_LIMIT": "off", "SWEEP_INTERVAL": "0.2s", **SETTINGS}
HOOK = "/api/hooks/claude-code"
_numbers = itertools.count()


def payload(tool: str = "Bash", **arguments: Any) -> dict[str, Any]:
    """Recorded from https://code.claude.com/docs/en/hooks, with another input."""
    return {
        "session_id": "abc123",
        "transcript_path": "/Users/me/.claude/projects/app/00893aaf.jsonl",
        "cwd": "/Users/me/app",
        "permission_mode": "default",
        "hook_event_name": "PreToolUse",
        "tool_name": tool,
        "tool_input": arguments,
        "tool_use_id": f"toolu_01ABC{next(_numbers)}",
    }


def after(sent: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**sent, "hook_event_name": "PostToolUse", **more}


class Hook:
    """Claude Code, as its hook is called."""

    def __init__(self, stage: Stage, token: str = TOKEN) -> None:
        self.stage, self.token = stage, token

    async def call(self, sent: Any, wait: int | str = 30) -> dict[str, Any]:
        path = f"{HOOK}?wait={wait}"
        said = await Api(self.stage.bot.url).post(self.token, path, sent)
        assert said.status == 200, said.body
        return said.body.get("hookSpecificOutput", {})

    async def decided(self, sent: Any, word: str, **more: Any) -> dict[str, Any]:
        """The answer to a call that Mina decides meanwhile."""
        asking = asyncio.create_task(self.call(sent))
        await self.stage.simulator.wait_for(lambda: self.request(sent))
        request = self.request(sent)
        said = await Api(self.stage.bot.url).decide(MINA, request, word, **more)
        assert said.status == 200, said.body
        return await asking

    def request(self, sent: Any) -> str:
        found = self.stage.records.rows(
            "SELECT id FROM requests WHERE agent_key = %s",
            f"claude-code:{sent['tool_use_id']}",
        )
        return found[0][0] if found else ""

    def state(self, sent: Any) -> str:
        query = "SELECT state FROM grants WHERE request_id = %s"
        return self.stage.records.value(query, self.request(sent))


async def test_claude_code_runs_what_was_approved_and_reports(shared: Stage):
    hook, sent = Hook(shared), payload(command="npm test", description="Run tests")
    said = await hook.decided(sent, "approve")
    assert said == {
        "hookEventName": "PreToolUse",
        "permissionDecision": "allow",
        "permissionDecisionReason": "People approved it.",
    }
    assert hook.state(sent) == "executing"
    again = await hook.call(sent)
    assert again["permissionDecision"] == "deny"
    done = after(sent, tool_response={"stdout": "ok", "stderr": ""}, duration_ms=12)
    assert await hook.call(done) == {}
    assert hook.state(sent) == "done"


async def test_claude_code_gets_an_edit_as_its_input(shared: Stage):
    hook, sent = Hook(shared), payload(command="rm -r .")
    changed = {"command": "ls"}
    said = await hook.decided(sent, "edit", arguments=changed)
    assert (said["permissionDecision"], said["updatedInput"]) == ("allow", changed)
    error = {"error": "Exit code 1", "is_interrupt": False}
    failed = after(sent, hook_event_name="PostToolUseFailure", **error)
    assert await hook.call(failed) == {}
    assert hook.state(sent) == "failed"


async def test_claude_code_is_told_why_a_call_may_not_run(shared: Stage):
    hook = Hook(shared)
    rejected = await hook.decided(payload(command="x"), "reject", reason="Not today.")
    assert rejected["permissionDecision"] == "deny"
    assert "Not today." in rejected["permissionDecisionReason"]
    denied = await hook.call(payload("WebFetch", url="https://example.com", prompt=""))
    assert "Nothing is fetched." in denied["permissionDecisionReason"]
    instead = await hook.decided(payload(command="y"), "answer", answer="It is 4.")
    assert "It is 4." in instead["permissionDecisionReason"]
    waived = await hook.call(payload("Read", file_path="/a.txt"))
    assert waived["permissionDecision"] == "allow"


async def test_threat_62_a_hook_denies_whatever_is_not_approved(shared: Stage):
    hook, sent = Hook(shared), payload(command="undecided")
    unknown = Hook(shared, "no-token-of-anybody")
    person = Hook(shared, MINA)
    other = Hook(shared, OTHER_TOKEN)
    answers = [
        await hook.call(sent, wait=0),
        await unknown.call(payload(command="z")),
        await person.call(payload(command="z")),
        await other.call(payload("Read", file_path="/a.txt"), wait=0),
        await hook.call({**sent, "tool_input": {"command": "other"}}),
        await hook.call({"hook_event_name": "PreToolUse"}),
        await hook.call(payload(command="nul\u0000")),
        await hook.call(payload(command="x" * 1_100_000)),
        await hook.call(payload(command="z"), wait="soon"),
    ]
    assert {said["permissionDecision"] for said in answers} == {"deny"}
    assert all(said["permissionDecisionReason"] for said in answers)
    assert shared.records.status(hook.request(sent)) == "withdrawn"


@asynccontextmanager
async def paused(stage: Stage) -> AsyncGenerator[None]:
    """Have an operator pause all actions, and lift that at the end."""
    how = {"folder": stage.folder, "environment": {"DATABASE_URL": stage.records.url}}
    assert (await run_command("pause", "--reason", "a fire", **how)).status == 0
    try:
        yield
    finally:
        assert (await run_command("pause", "--lift", **how)).status == 0


async def test_claude_code_runs_nothing_in_a_pause(shared: Stage):
    hook, sent = Hook(shared), payload(command="make deploy")
    async with paused(shared):
        said = await hook.decided(sent, "approve")
        assert said["permissionDecision"] == "deny"
        assert said["permissionDecisionReason"] == CONFLICTS["paused"]
        assert hook.state(sent) == "approved"
        status, ready = await shared.bot.get("/readyz")
        assert status == 200
        assert "paused: no action runs in" in ready
        how = {"environment": {"DATABASE_URL": shared.records.url}}
        checked = await run_command("check", folder=shared.folder, **how)
        assert ": a fire. Lift it: python -m bot pause --lift" in checked.out
    assert await shared.bot.get("/readyz") == (200, "ok\n")
    assert (await hook.call(sent))["permissionDecision"] == "allow"
    assert hook.state(sent) == "executing"


async def test_what_claude_code_no_longer_waits_for_is_not_claimed(shared: Stage):
    hook, sent = Hook(shared), payload(command="gone")
    async with aiohttp.ClientSession() as session:
        url, headers = shared.bot.url + HOOK, {"Authorization": f"Bearer {TOKEN}"}
        asking = asyncio.create_task(session.post(url, json=sent, headers=headers))
        await shared.simulator.wait_for(lambda: hook.request(sent))
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    request = hook.request(sent)
    await Api(shared.bot.url).decide(MINA, request, "approve")
    assert shared.records.status(request) in ("approved", "withdrawn")
    assert not shared.records.claims(request)


async def told(session: ClientSession, name: str, /, **arguments: Any) -> Any:
    """Return the answer of a tool; its error as a text."""
    said = await session.call_tool(name, arguments)
    if not said.isError:
        return said.structuredContent
    [content] = said.content
    return getattr(content, "text", "")


async def lived(stage: Stage, session: ClientSession, key: str) -> None:
    """One life of a request, through the tools of a session."""
    await session.initialize()
    tools = {tool.name: tool for tool in (await session.list_tools()).tools}
    assert sorted(tools) == sorted(MCP_TOOLS)
    assert "decision" not in str([tool.inputSchema for tool in tools.values()])
    call = {"tool": "restart", "arguments": {"service": "web"}}
    asked = await told(session, "request_approval", key=key, **call)
    assert asked["status"] == "pending"
    same = await told(session, "request_approval", key=key, **call)
    assert same["id"] == asked["id"]
    one = {"id": asked["id"], "digest": asked["digest"]}
    assert "haven't decided" in await told(session, "claim_approval", **one)
    waiting = asyncio.create_task(told(session, "get_approval", id=asked["id"]))
    await Api(stage.bot.url).decide(MINA, asked["id"], "approve")
    assert (await waiting)["status"] == "approved"
    claimed = await told(session, "claim_approval", **one)
    assert claimed["execution"] == "executing"
    assert "claimed before" in await told(session, "claim_approval", **one)
    end = {"id": asked["id"], "status": "done", "summary": "It is up."}
    assert (await told(session, "report_result", **end))["execution"] == "done"
    assert "decided" in await told(session, "withdraw_approval", id=asked["id"])
    listed = await told(session, "list_my_requests")
    assert listed["requests"][0]["id"] == asked["id"]
    assert "does not match" in await told(session, "get_approval", id="a b")


@asynccontextmanager
async def over_http(stage: Stage) -> AsyncGenerator[ClientSession]:
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    headers, url = {"Authorization": f"Bearer {TOKEN}"}, f"{stage.bot.url}/mcp"
    async with (
        httpx.AsyncClient(headers=headers, timeout=60) as client,
        streamable_http_client(url, http_client=client) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        yield session


async def test_a_client_of_mcp_lives_a_request_over_http(shared: Stage):
    async with over_http(shared) as session:
        await lived(shared, session, "mcp-http")


async def test_a_client_of_mcp_claims_nothing_in_a_pause(shared: Stage):
    async with over_http(shared) as session:
        await session.initialize()
        call = {"key": "mcp-pause", "tool": "restart", "arguments": {}}
        asked = await told(session, "request_approval", **call)
        await Api(shared.bot.url).decide(MINA, asked["id"], "approve")
        one = {"id": asked["id"], "digest": asked["digest"]}
        async with paused(shared):
            said = await told(session, "claim_approval", **one)
            assert said == CONFLICTS["paused"]
        claimed = await told(session, "claim_approval", **one)
        assert claimed["execution"] == "executing"


async def test_a_client_of_mcp_lives_a_request_over_stdio(shared: Stage):
    from mcp import ClientSession, StdioServerParameters, stdio_client
    from mcp.client.stdio import get_default_environment

    settings = {"APPROVALS_URL": shared.bot.url, "APPROVALS_TOKEN": TOKEN}
    program = StdioServerParameters(
        command=sys.executable,
        args=["-m", "bot", "mcp"],
        env={**get_default_environment(), **settings},
        cwd=ROOT,
    )
    async with (
        stdio_client(program) as (read, write),
        ClientSession(read, write) as session,
    ):
        await lived(shared, session, "mcp-stdio")


async def test_langchains_own_client_gets_the_tools(shared: Stage):
    from langchain_mcp_adapters.client import MultiServerMCPClient

    client = MultiServerMCPClient(
        {
            "approvals": {
                "transport": "streamable_http",
                "url": f"{shared.bot.url}/mcp",
                "headers": {"Authorization": f"Bearer {TOKEN}"},
            }
        }
    )
    tools = {tool.name: tool for tool in await client.get_tools()}
    call: dict[str, Any] = {"key": "lc", "tool": "look", "arguments": {}}
    said = await tools["request_approval"].ainvoke(call)
    assert "approved" in str(said)


async def test_threat_63_no_other_page_or_name_reaches_mcp(shared: Stage):
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    accept = {"Accept": "application/json, text/event-stream"}
    api = Api(shared.bot.url)

    async def status(token: str, body: Any = ping, **headers: str) -> int:
        said = await api.post(token, "/mcp", body, headers={**accept, **headers})
        return said.status

    assert await status(TOKEN) == 200
    assert await status(TOKEN, Origin="https://evil.example") == 403
    assert await status(TOKEN, Host="evil.example") == 421
    assert await status("", Host="evil.example") == 401
    assert await status(MINA) == 401
    assert await status(TOKEN, {**ping, "params": {"x": "x" * 1_100_000}}) == 413
    assert (await api.get(TOKEN, "/mcp")).status == 405
