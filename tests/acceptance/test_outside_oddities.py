"""A stranger at the doors outside of Slack gets a sentence, never a crash."""

from __future__ import annotations

import gzip
import json
import uuid
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.support.deciding import raised
from tests.support.demo import MINA, OLAF
from tests.support.http_api import TOKENS, Api
from tests.support.link_browser import OUTSIDE, Browser, made
from tests.support.playing import Board
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
STAGE = OUTSIDE
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
TOKEN = {"Authorization": f"Bearer {TOKENS[MINA]}"}


@pytest.mark.parametrize(
    "path",
    [
        "/api/approvals/%00",
        "/api/approvals/%FF%FE",
        "/api/approvals/..%2F..%2Fetc",
        f"/api/approvals/{'x' * 4_000}",
        "/api/conversations/%00",
        "/approve/%00",
        "/approve/%FF",
        "/approve/signed-in",
        "/approve/a.b.c?sign-in",
        f"/approve/{'a' * 4_000}",
        "/api/approvals?cursor=WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzIzOjU5IiwgIngiXQ",
        "/api/approvals?cursor=WyI5OTk5LTEyLTMxVDIzOjU5OjU5LTIzOjU5IiwgIngiXQ",
        "/api/approvals?tool=%FF",
        "/api/approvals?limit=99999999999999999999",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE"])
async def test_no_address_is_answered_by_a_crash(shared: Stage, path: str, method: str):
    async with (
        aiohttp.ClientSession() as session,
        session.request(
            method, f"{shared.bot.url}{path}", headers={**TOKEN, **JSON}, data="{}"
        ) as answer,
    ):
        assert answer.status < 500
        assert "Traceback" not in await answer.text()


def deep(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


BODIES = {
    "deep-100": f'{{"decision":"edit","arguments":{deep(100)}}}',
    "deep-500": f'{{"decision":"edit","arguments":{deep(500)}}}',
    "deep-900": f'{{"decision":"edit","arguments":{deep(900)}}}',
    "long-number": f'{{"decision":"edit","arguments":{{"amount":{"9" * 4_000}}}}}',
    "longer-number": f'{{"decision":"edit","arguments":{{"amount":{"9" * 9_000}}}}}',
    "infinite": '{"decision":"edit","arguments":{"amount":1e999}}',
    "null-key": '{"decision":"edit","arguments":{"\\u0000":1}}',
    "half-a-character": '{"decision":"edit","arguments":{"to":"\\udfff"}}',
    "proto": '{"decision":"edit","arguments":{"__proto__":{},"__class__":1}}',
    "deep-answer": f'{{"decision":"answer","answer":{deep(900)}}}',
    "number-as-answer": '{"decision":"answer","answer":7}',
    "two-roots": '{"decision":"approve"} {"decision":"approve"}',
    "bom": '\ufeff{"decision":"approve"}',
    "utf-16": '{"decision":"approve"}'.encode("utf-16"),
}


@pytest.mark.parametrize("name", BODIES)
async def test_no_body_is_answered_by_a_crash_or_decides(shared: Stage, name: str):
    request = await raised(shared)
    said = await Api(shared.bot.url).send(
        MINA,
        "POST",
        f"/api/approvals/{request}/decision",
        data=BODIES[name],
        headers=JSON,
    )
    assert 400 <= said.status < 500, said.body
    assert said.body["message"].endswith(".")
    assert Board(shared, request).stands() == "managers 0/1"


async def chunks(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 65_536):
        yield b"a" * 65_536


async def test_floods_and_bombs_are_not_read_to_their_end(shared: Stage):
    request = await raised(shared)
    decision = f"{shared.bot.url}/api/approvals/{request}/decision"
    page = f"{shared.bot.url}/approve/{await made(shared, request, MINA)}"
    bomb = gzip.compress(b"a" * 50_000_000)
    packed = {"Content-Encoding": "gzip"}
    async with aiohttp.ClientSession() as session:
        for url, headers in ((decision, {**TOKEN, **JSON}), (page, FORM)):
            for data, more in ((chunks(20_000_000), {}), (bomb, packed)):
                sent = session.post(url, data=data, headers={**headers, **more})
                try:
                    async with sent as answer:
                        assert answer.status in (400, 403, 413)
                except aiohttp.ClientError:  # it hangs up while we are still sending
                    pass
    assert Board(shared, request).is_open
    assert (await Api(shared.bot.url).get(MINA, "/api/approvals")).status == 200


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer " + "x" * 7_000,
        "bearer\t" + TOKENS[MINA],
        f"Bearer {TOKENS[MINA]} x",
        f"Bearer {TOKENS[MINA][:-1]}",
        f"Bearer {TOKENS[MINA].upper()}",
        f"Basic {TOKENS[MINA]}",
        f"Bearer {TOKENS[MINA]}, Bearer {TOKENS[MINA]}",
        "Bearer é",
    ],
)
async def test_threat_11_no_token_but_the_very_one_is_taken(
    shared: Stage, authorization: str
):
    headers = {"Authorization": authorization}
    said = await Api(shared.bot.url).send("", "GET", "/api/approvals", headers=headers)
    assert said.status == 401


async def test_a_key_of_one_person_says_nothing_to_another(shared: Stage):
    request, key = await raised(shared), uuid.uuid4().hex
    api, path = Api(shared.bot.url), f"/api/approvals/{request}/decision"
    first = await api.post(MINA, path, {"decision": "reject"}, key=key)
    other = await api.post(OLAF, path, {"decision": "reject"}, key=key)
    assert (first.status, other.status) == (200, 404)
    assert "Idempotency-Replayed" not in other.headers


async def test_fields_added_to_a_link_form_are_ignored(shared: Stage):
    request = await raised(shared)
    token = await made(shared, request, MINA)
    browser = Browser(shared.bot.url)
    form = (await browser.open(token)).form
    extra = {"user": OLAF, "arguments": json.dumps({"amount": 1})}
    for word in ("edit", "withdraw", "", "APPROVE"):
        said = await browser.post(token, form=form, decision=word, **extra)
        assert said.status == 422
    twice = [("form", form), ("decision", "reject"), ("decision", "approve")]
    headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
    said = await browser.send("POST", token, data=twice, headers=headers)
    assert said.status == 403
    said = await browser.post(token, form=form, decision="reject", **extra)
    assert said.status == 200
    assert shared.records.decisions(request) == [(MINA, "reject")]
