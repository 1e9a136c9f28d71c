"""Agents outside, from outside: they ask, wait, claim, report, withdraw."""

from __future__ import annotations

import asyncio
import functools
from pathlib import Path

import pytest

from tests.support.bot_process import run_command
from tests.support.deciding import filled_in
from tests.support.demo import APPROVALS, DORA, MAREK, MINA, RAVI
from tests.support.outside_agent import OTHER_TOKEN, RULES, SETTINGS, OutsideAgent
from tests.support.policies import files_policy
from tests.support.shown import everything
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
POLICY = files_policy(managers=(MINA, MAREK, DORA)) + RULES
STAGE = {"policy": POLICY, "RATE_LIMIT": "off", "SWEEP_INTERVAL": "0.2s", **SETTINGS}


async def asked(stage: Stage, tool: str = "restart", **more: object) -> dict[str, str]:
    said = await OutsideAgent(stage.bot.url).ask(tool, **more)
    assert said.status == 201, said.body
    return said.body


async def approved(stage: Stage, tool: str = "restart") -> dict[str, str]:
    request = await asked(stage, tool)
    said = await OutsideAgent(stage.bot.url).api.decide(MINA, request["id"], "approve")
    assert said.status == 200, said.body
    return request


async def test_an_agent_asks_waits_claims_and_reports(shared: Stage):
    agent = OutsideAgent(shared.bot.url)
    title = "Restart {service}"
    request = await asked(shared, title=title, requester=RAVI, reason="It hangs.")
    assert (request["status"], request["title"]) == ("pending", "Restart `web`")
    [card] = await shared.simulator.wait_for(lambda: shared.cards_about("It hangs."))
    assert f"deploy-bot (for <@{RAVI}>) asked" in everything(card)

    waiting = asyncio.create_task(agent.wait(request["id"], 30))
    await shared.click(MINA, "approve", card)
    told = (await waiting).body
    assert (told["status"], told["decided_by"]) == ("approved", [MINA])
    claimed = await agent.claim(told)
    assert (claimed.status, claimed.body["arguments"]) == (200, {"service": "web"})
    assert claimed.body["execution"] == "executing"
    again = await agent.claim(told)
    assert (again.status, again.word) == (409, "claimed")

    done = await agent.report(request["id"], "done", "It is up.")
    assert (done.status, done.body["execution"]) == (200, "done")
    assert (await agent.report(request["id"], "done", "It is up.")).status == 200
    other = await agent.report(request["id"], "failed", "It is not.")
    assert (other.status, other.word) == (409, "reported")
    await shared.simulator.wait_for(
        lambda: "It is up." in everything(shared.message(APPROVALS, card["ts"]))
    )


async def test_threat_59_one_key_is_one_request_with_one_content(shared: Stage):
    agent = OutsideAgent(shared.bot.url)
    same = {"key": "one", "arguments": {"service": "db"}}
    first, second = await asyncio.gather(agent.ask(**same), agent.ask(**same))
    assert sorted((first.status, second.status)) == [200, 201]
    assert first.body["id"] == second.body["id"]
    other = await agent.ask(key="one", arguments={"service": "all"})
    assert (other.status, other.word) == (409, "key_reused")
    others = await OutsideAgent(shared.bot.url, OTHER_TOKEN).ask(**same)
    assert (others.status, others.body["id"] != first.body["id"]) == (201, True)


async def test_the_policy_alone_waives_and_denies(shared: Stage):
    waived = await asked(shared, "look")
    assert (waived["status"], waived["why"]) == ("approved", "")
    claimed = await OutsideAgent(shared.bot.url).claim(waived)
    assert claimed.body["execution"] == "executing"
    denied = await asked(shared, "wipe")
    assert denied["status"] == "rejected"
    assert denied["why"] == "Nothing is wiped from afar."


async def test_nothing_undecided_or_rejected_is_claimed(shared: Stage):
    agent, request = OutsideAgent(shared.bot.url), await asked(shared)
    said = await agent.claim(request)
    assert (said.status, said.word) == (409, "undecided")
    assert (await agent.report(request["id"])).word == "not_claimed"
    await agent.api.decide(MINA, request["id"], "reject", reason="Not now.")
    told = (await agent.wait(request["id"], 30)).body
    assert (told["status"], told["why"]) == ("rejected", "Not now.")
    assert (await agent.claim(request)).word == "rejected"
    refused = shared.records.rows(
        "SELECT actor, via, detail->>'word' FROM audit WHERE request_id = %s"
        " AND event = 'refused' ORDER BY seq",
        request["id"],
    )
    assert refused == [
        ("agent deploy-bot", "agent", word)
        for word in ("undecided", "not_claimed", "rejected")
    ]


async def test_threat_60_an_edit_is_what_the_agent_gets_to_run(shared: Stage):
    agent, request = OutsideAgent(shared.bot.url), await asked(shared)
    arguments = {"service": "cache"}
    await agent.api.decide(MINA, request["id"], "edit", arguments=arguments)
    told = (await agent.wait(request["id"], 30)).body
    assert (told["arguments"], told["edited"]) == (arguments, True)
    assert (await agent.claim(request)).word == "other_digest"
    claimed = await agent.claim(told)
    assert (claimed.status, claimed.body["arguments"]) == (200, arguments)


async def test_threat_61_what_is_not_claimed_in_time_may_not_run(shared: Stage):
    agent, request = OutsideAgent(shared.bot.url), await approved(shared, "brief")

    await shared.simulator.wait_for(
        lambda: shared.records.status(request["id"]) == "timed_out"
    )
    said = await agent.claim(request)
    assert (said.status, said.word) == (409, "timed_out")
    assert not shared.records.claims(request["id"])


async def test_without_a_result_its_end_is_unknown(shared: Stage):
    agent, request = OutsideAgent(shared.bot.url), await approved(shared, "brief")
    assert (await agent.claim(request)).status == 200

    def unknown() -> bool:
        query = "SELECT state FROM grants WHERE request_id = %s"
        return shared.records.value(query, request["id"]) == "unknown"

    await shared.simulator.wait_for(unknown)
    assert (await agent.report(request["id"])).word == "reported"


async def test_an_agent_takes_back_what_is_undecided(shared: Stage):
    agent, request = OutsideAgent(shared.bot.url), await asked(shared)
    said = await agent.withdraw(request["id"])
    assert (said.status, said.body["status"]) == (200, "withdrawn")
    assert (await agent.withdraw(request["id"])).status == 200
    late = await approved(shared)
    assert (await agent.withdraw(late["id"])).word == "decided"


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": ""},
        {"title": "Restart {service"},
        {"schema": {"type": "objekt"}},
        {"schema": {"properties": {"other": {}}, "required": ["other"]}},
        {"requester": "U0NOBODY00"},
        {"requester": "ravi"},
        {"arguments": []},
        {"user": MINA},
    ],
)
async def test_a_request_that_does_not_fit_is_refused(
    shared: Stage, wrong: dict[str, object]
):
    said = await OutsideAgent(shared.bot.url).ask(**wrong)
    assert (said.status, said.word) == (422, "unreadable")
    assert said.body["message"].endswith(".")


async def test_threat_54_a_token_acts_in_its_own_role_alone(shared: Stage):
    agent, request = OutsideAgent(shared.bot.url), await asked(shared)
    for token in (agent.token, OTHER_TOKEN):
        said = await agent.api.decide(token, request["id"], "approve")
        assert (said.status, said.word) == (401, "unauthorized")
    person = await OutsideAgent(shared.bot.url, MINA).ask()
    assert (person.status, person.word) == (401, "unauthorized")
    assert shared.records.status(request["id"]) == "pending"


async def test_threat_67_a_token_in_a_url_lets_nobody_in(shared: Stage):
    agent, request = OutsideAgent(shared.bot.url), await asked(shared)
    for name in ("token", "access_token", "Authorization"):
        query = f"?{name}={agent.token}"
        path = f"/api/requests/{request['id']}{query}"
        assert (await agent.api.get("", path)).status == 401
        assert (await agent.api.post("", f"/mcp{query}", {})).status == 401
    url = shared.bot.url.replace("http://", f"http://{agent.token}:x@")
    assert (await OutsideAgent(url, "").ask()).status == 401
    assert agent.token not in shared.bot.log


async def test_threat_44_no_address_that_an_agent_names_is_called(shared: Stage):
    called: list[object] = []
    server = await asyncio.start_server(lambda *ends: called.append(ends), "127.0.0.1")
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/schema.json"
        call = {"arguments": {"url": url}, "title": "Fetch {url}", "reason": url}
        await asked(shared, **call)
        for schema in ({"$ref": url}, {"properties": {"url": {"$ref": url}}}):
            said = await OutsideAgent(shared.bot.url).ask(schema=schema, **call)
            assert said.status in (201, 422)
        await shared.simulator.wait_for(lambda: shared.cards_about(url))
    assert not called


async def test_threat_55_neither_owner_nor_named_requester_decides(shared: Stage):
    api, request = OutsideAgent(shared.bot.url).api, await asked(shared, requester=DORA)
    for user in (MAREK, DORA):
        said = await api.decide(user, request["id"], "approve")
        assert said.status == 403, said.body
    assert shared.records.status(request["id"]) == "pending"
    own = await asked(shared, "owned", requester=DORA)
    assert own["status"] == "rejected"


async def test_threat_64_a_named_requester_lends_no_right(shared: Stage):
    """The director is named, so nobody else's word is missing, and none is hers."""
    request = await asked(shared, requester=DORA)
    agent = OutsideAgent(shared.bot.url)
    for path in (f"/api/approvals/{request['id']}/decision", "/api/approvals"):
        said = await agent.api.post(agent.token, path, {"decision": "approve"})
        assert said.status in (401, 405)
    assert (await agent.claim(request)).word == "undecided"
    waived = await OutsideAgent(shared.bot.url, OTHER_TOKEN).ask("look", requester=MINA)
    assert waived.body["status"] == "pending"


async def test_threat_56_no_waiver_holds_for_a_name_that_an_agent_took(shared: Stage):
    said = await asked(shared, "read_file")
    assert said["status"] != "approved"
    other = await OutsideAgent(shared.bot.url, OTHER_TOKEN).ask("look")
    assert other.body["status"] != "approved"


async def test_threat_57_another_agents_request_is_not_there(shared: Stage):
    request, other = await approved(shared), OutsideAgent(shared.bot.url, OTHER_TOKEN)
    answers = [
        await other.wait(request["id"]),
        await other.claim(request),
        await other.report(request["id"]),
        await other.withdraw(request["id"]),
    ]
    assert [(said.status, said.word) for said in answers] == [(404, "not_found")] * 4


async def test_threat_58_of_many_claims_at_once_one_wins(shared: Stage):
    agent, request = OutsideAgent(shared.bot.url), await approved(shared)
    said = await asyncio.gather(*(agent.claim(request) for _ in range(8)))
    assert sorted(each.status for each in said) == [200] + [409] * 7
    assert shared.records.claims(request["id"]) == 1
    said = await asyncio.gather(*(agent.report(request["id"]) for _ in range(8)))
    assert [each.status for each in said] == [200] * 8


async def test_a_pause_holds_claims_until_it_is_lifted(shared: Stage, tmp_path: Path):
    agent, own = OutsideAgent(shared.bot.url), {"DATABASE_URL": shared.records.url}
    command = functools.partial(run_command, folder=tmp_path, environment=own)
    request = await approved(shared)
    said = await command("pause", "--reason", "the disk burns")
    assert (said.status, "paused" in said.out) == (0, True)
    told = (await agent.wait(request["id"])).body
    claimed = await agent.claim(told)
    assert (claimed.status, claimed.word) == (409, "paused")
    gauge = 'approval_bot_pauses{state="in_force"}'
    assert f"{gauge} 1.0" in (await shared.bot.get("/metrics"))[1]
    await shared.simulator.wait_for(lambda: shared.cards_about("the disk burns"))

    assert (await command("pause", "--lift")).status == 0
    assert (await agent.claim(told)).status == 200
    assert f"{gauge} 0.0" in (await shared.bot.get("/metrics"))[1]


async def test_calls_like_one_are_allowed_ahead_by_a_form(shared: Stage):
    agent = OutsideAgent(shared.bot.url)
    arguments = {"path": "logs/web/1.log", "keep": True}
    request = await asked(shared, "rotate", arguments=arguments, requester=RAVI)
    card = await shared.card_about("logs/web/1.log")
    await shared.click(MINA, "approve_for", card)
    [view] = await shared.simulator.wait_for(lambda: shared.simulator.open_views(MINA))
    assert f"<@{RAVI}>" in everything(view)
    wish = {"path": "Anything in logs/", "for": "1 hour", "how": "3 times"}
    await filled_in(shared, MINA, view, **wish, where="Wherever this person asks")
    assert (await agent.wait(request["id"])).body["status"] == "approved"
    await shared.whisper(MINA, "in your name 3 times")

    like = {"path": "logs/db/2.log", "keep": True}
    later = await asked(shared, "rotate", arguments=like, requester=RAVI)
    told = (await agent.wait(later["id"], 30)).body
    assert (told["status"], told["decided_by"]) == ("approved", [MINA])
    await shared.card_about("(allowed ahead)")
    assert (await agent.claim(told)).status == 200
    for other in ({**like, "keep": False}, {**like, "path": "logs/../x"}):
        left = await asked(shared, "rotate", arguments=other, requester=RAVI)
        assert (await agent.wait(left["id"])).body["status"] == "pending"
    used = "SELECT used, uses FROM standing_grants"
    assert shared.records.rows(used) == [(1, 3)]
