"""The HTTP API from outside: who may, what is refused, what a repeat gets."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from tests.support.deciding import SANDBOX, raised, request_of, transfers
from tests.support.demo import DORA, FAY, MAREK, MINA, OLAF, RAVI
from tests.support.http_api import API_TOKENS, Api
from tests.support.link_browser import run_sql
from tests.support.playing import Board
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
RATES = {"RATE_LIMIT": "clicks=300/s,messages=99/h"}
STAGE = {**SANDBOX, **RATES, "API_TOKENS": API_TOKENS}
NOBODYS = "3f0c9f0e-6a0e-4f57-9d53-0d2b7c1e8a44"
ADDRESSES = [
    ("GET", "/api/approvals"),
    ("GET", "/api/approvals/x"),
    ("POST", "/api/approvals/x/decision"),
    ("GET", f"/api/conversations/{NOBODYS}"),
    ("POST", f"/api/conversations/{NOBODYS}/messages"),
]


@pytest.mark.parametrize(("method", "path"), ADDRESSES)
@pytest.mark.parametrize("header", ["", "Bearer ", "Bearer wrong", "Basic bWU6bWU="])
async def test_without_a_token_of_somebody_nothing_is_told(
    shared: Stage, method: str, path: str, header: str
):
    headers = {"Authorization": header} if header else {}
    said = await Api(shared.bot.url).send("", method, path, headers=headers)
    assert (said.status, said.word) == (401, "unauthorized")
    assert said.headers["WWW-Authenticate"].startswith("Bearer")
    assert said.body["message"].endswith(".")


@pytest.mark.parametrize(
    ("method", "path", "status", "word"),
    [
        ("GET", "/api/approvals/", 404, "no_such_address"),
        ("POST", "/api/decisions", 404, "no_such_address"),
        ("GET", "/api/approvals/x/decision", 405, "method_not_allowed"),
        ("PUT", "/api/approvals/x", 405, "method_not_allowed"),
    ],
)
async def test_unknown_api_addresses_and_methods_get_json_errors(
    shared: Stage, method: str, path: str, status: int, word: str
):
    said = await Api(shared.bot.url).send(MINA, method, path)
    assert (said.status, said.word) == (status, word)
    assert said.body["message"].endswith(".")
    assert (said.headers.get("Allow") is not None) is (status == 405)
    elsewhere = await Api(shared.bot.url).send(MINA, "GET", "/approvals")
    assert (elsewhere.status, elsewhere.body) == (404, "404: Not Found")


async def test_a_request_raised_in_slack_is_decided_by_the_api(shared: Stage):
    before = len(transfers(shared))
    request = await raised(shared, 11)
    api = Api(shared.bot.url)

    seen = (await api.get(MINA, f"/api/approvals/{request}")).body
    assert seen["arguments"] == {"to": "alice", "amount": 11, "currency": "GBP"}
    assert seen["status"] == "pending"
    assert seen["can_decide"] == [MINA, MAREK]

    said = await api.decide(MINA, request, "approve", digest=seen["digest"])
    assert (said.status, said.body["effect"]) == (200, "approved")
    assert said.body["approval"]["decisions"][0]["via"] == "api"
    assert Board(shared, request).known_by("approved") == ["api"]
    await shared.simulator.wait_for(lambda: len(transfers(shared)) == before + 1)


async def test_threat_06_the_body_cannot_say_who(shared: Stage):
    request = await raised(shared)
    for name in ("user", "person", "approved_by", "by", "team"):
        body = {"decision": "approve", name: MINA}
        path = f"/api/approvals/{request}/decision"
        said = await Api(shared.bot.url).post(OLAF, path, body)
        assert (said.status, said.word) == (422, "unreadable")
    assert shared.records.status(request) == "pending"


async def test_threat_40_others_do_not_learn_that_a_request_is_there(shared: Stage):
    request = await raised(shared)
    api = Api(shared.bot.url)
    for user in (OLAF, FAY, DORA):
        seen = await api.get(user, f"/api/approvals/{request}")
        said = await api.decide(user, request, "approve")
        assert (seen.status, said.status) == (404, 404)
        assert seen.body == said.body == (await api.get(user, "/api/approvals/no")).body
    listed = (await api.get(OLAF, "/api/approvals")).body["approvals"]
    assert request not in [each["id"] for each in listed]
    for user in (RAVI, MINA, MAREK):
        assert (await api.get(user, f"/api/approvals/{request}")).status == 200


async def test_a_word_on_other_arguments_than_were_seen_decides_nothing(shared: Stage):
    request = await raised(shared)
    said = await Api(shared.bot.url).decide(MINA, request, "approve", digest="0" * 64)
    assert (said.status, said.word) == (409, "superseded")
    assert shared.records.status(request) == "pending"


async def test_threat_09_a_repeat_with_its_key_gets_the_same_answer(shared: Stage):
    request, other = await raised(shared), await raised(shared, 8)
    api, key = Api(shared.bot.url), uuid.uuid4().hex
    path, body = f"/api/approvals/{request}/decision", {"decision": "reject"}

    first = await api.post(MINA, path, body, key=key)
    again = await api.post(MINA, path, body, key=key)
    assert (first.status, again.status) == (200, 200)
    assert first.body == again.body
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (await api.post(MINA, path, body)).status == 409, "without it, it is late"

    for use in ((path, {"decision": "approve"}), (path.replace(request, other), body)):
        said = await api.post(MINA, *use, key=key)
        assert (said.status, said.word) == (422, "key_reused")
    assert (await api.post(MAREK, path, body, key=key)).status == 409, "his own key"


async def test_many_at_once_are_one_decision(shared: Stage):
    request, key = await raised(shared, 13), uuid.uuid4().hex
    api, path = Api(shared.bot.url), f"/api/approvals/{request}/decision"
    said = await asyncio.gather(
        *(api.post(MINA, path, {"decision": "approve"}, key=key) for _ in range(10)),
        *(api.decide(MAREK, request, "reject") for _ in range(10)),
    )
    assert {each.status for each in said} <= {200, 409}
    count = "SELECT count(*) FROM decisions WHERE request_id = %s"
    assert shared.records.value(count, request) == 1


async def test_pages_follow_each_other_without_a_gap(shared: Stage):
    made = [await raised(shared, amount) for amount in (21, 22, 23)]
    api, found, cursor = Api(shared.bot.url), [], {}
    while True:
        query = {"limit": "2", "role": "requester", "status": "pending", **cursor}
        page = (await api.get(RAVI, "/api/approvals", **query)).body
        found += [each["id"] for each in page["approvals"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert found[:3] == made[::-1]
    assert len(found) == len(set(found))


async def test_a_parameter_that_is_given_twice_is_said(shared: Stage):
    for query in ("status=pending&status=approved", "limit=1&limit=0"):
        path = f"/api/approvals?{query}"
        said = await Api(shared.bot.url).send(MINA, "GET", path)
        assert (said.status, said.word) == (422, "unreadable")
        assert "once" in said.body["message"]


@pytest.mark.parametrize(
    "query",
    [
        {"status": "open"},
        {"limit": "0"},
        {"limit": "101"},
        {"limit": "²"},
        {"limit": "00000010099"},
        {"cursor": "bm8"},
        {"cursor": "%00"},
        {"cursor": "W1tb" * 1_000},
        {"role": "boss"},
        {"conversation": "1"},
        {"tool": "a\x00b"},
        {"order": "id"},
    ],
)
async def test_a_query_that_does_not_fit_is_said(shared: Stage, query: dict[str, str]):
    said = await Api(shared.bot.url).get(MINA, "/api/approvals", **query)
    assert (said.status, said.word) == (422, "unreadable")


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b'{"decision": "approve"}', "text/plain", 415),
        (b'{"decision": "approve"}', "application/x-www-form-urlencoded", 415),
        (b"", "application/json", 422),
        (b"[]", "application/json", 422),
        (b"{", "application/json", 422),
        (b"\xff", "application/json", 422),
        (b'{"decision": "withdraw"}', "application/json", 422),
        (b'{"decision": "reject", "decision": "approve"}', "application/json", 422),
        (b'{"decision": "approve", "typed": NaN}', "application/json", 422),
        (b'{"decision": "approve", "typed": "\\ud800"}', "application/json", 422),
        (b'{"decision": "reject", "reason": "\\u0000"}', "application/json", 422),
        (b'{"decision": "approve", "arguments": {}}', "application/json", 422),
        (b'{"decision": "edit"}', "application/json", 422),
        (
            b'{"decision": "edit", "arguments": {"to": "\\u0000"}}',
            "application/json",
            422,
        ),
        (b"[" * 100_000, "application/json", 422),
        (b" " * 1_000_001, "application/json", 413),
    ],
)
async def test_what_cannot_be_read_decides_nothing(
    shared: Stage, body: bytes, content_type: str, status: int
):
    request = await raised(shared)
    said = await Api(shared.bot.url).send(
        MINA,
        "POST",
        f"/api/approvals/{request}/decision",
        data=body,
        headers={"Content-Type": content_type},
    )
    assert said.status == status, said.body
    assert said.body["message"].endswith(".")
    assert shared.records.status(request) == "pending"


async def test_a_conversation_of_the_api_is_decided_in_slack(shared: Stage):
    api, name = Api(shared.bot.url), str(uuid.uuid4())
    path, before = f"/api/conversations/{name}", len(transfers(shared))
    cards = len(shared.cards())

    said = await api.post(RAVI, f"{path}/messages", {"text": "transfer 31 GBP to bob"})
    assert (said.status, said.body) == (202, {"conversation": name})
    card = await shared.card(cards + 1)
    await shared.click(MINA, "approve", card)
    await shared.outcome(card, "Approved")
    await shared.simulator.wait_for(lambda: len(transfers(shared)) == before + 1)

    said_back = "SELECT count(*) FROM deliveries WHERE thread_ts = %s AND text <> ''"
    await shared.simulator.wait_for(lambda: shared.records.value(said_back, name))
    told = (await api.get(RAVI, path)).body
    assert told["state"] == "idle"
    assert [each["by"] for each in told["messages"]] == [RAVI, None]
    assert "31" in told["messages"][-1]["text"]
    assert told["approvals"] == [{"id": request_of(card), "status": "approved"}]
    assert (await api.get(MINA, path)).status == 404, "she has no part in it"
    hijack = await api.post(OLAF, f"{path}/messages", {"text": "list accounts"})
    assert hijack.status == 404


async def test_threat_52_too_many_through_the_api_are_told_to_wait(shared: Stage):
    api, path = Api(shared.bot.url), f"/api/conversations/{uuid.uuid4()}/messages"
    assert (await api.post(DORA, path, {"text": "hello"})).status == 202
    run_sql(shared, "UPDATE paces SET used = 99 WHERE user_id = %s", DORA)
    said = await api.post(DORA, path, {"text": "hello"})
    assert (said.status, said.word) == (429, "too_many")
    assert 0 < int(said.headers["Retry-After"]) <= 3_600
    count = "SELECT count(*) FROM messages WHERE user_id = %s"
    assert shared.records.value(count, DORA) == 1
    assert (await api.get(DORA, "/api/approvals")).status == 200, "these are clicks"


async def test_threat_20_who_has_left_has_no_use_of_a_token(shared: Stage):
    user = shared.simulator.workspace.users[FAY]
    assert (await Api(shared.bot.url).get(FAY, "/api/approvals")).status == 200
    user.deleted = True
    try:
        await shared.restart()
        said = await Api(shared.bot.url).get(FAY, "/api/approvals")
    finally:
        user.deleted = False
    assert (said.status, said.word) == (403, "deactivated")
