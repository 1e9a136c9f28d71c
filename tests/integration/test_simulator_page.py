"""The page's own endpoints: who may use them, and what they show."""

from __future__ import annotations

import re
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator import Simulator
from tests.support.demo import GENERAL, MINA, OLAF, RAVI

MESSAGE = {"user": RAVI, "channel": GENERAL, "text": "hello"}


async def test_the_page_brings_everything_itself(browser: aiohttp.ClientSession):
    async with browser.get("/") as response:
        text = await response.text()
        policy = response.headers["Content-Security-Policy"]
    assert "Try it" in text
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http://" not in text
    assert "https://" not in text
    for asset in ("app.js", "style.css", "blocks.js", "markup.js", "scenes.js"):
        async with browser.get(f"/page/{asset}") as response:
            code = await response.text()
            assert response.status == 200
            assert "innerHTML" not in code


async def test_a_browser_keeps_files_under_the_address_of_their_version(
    browser: aiohttp.ClientSession,
):
    async with browser.get("/") as page:
        [address] = re.findall('src="(/page/.+/app.js)"', await page.text())
        assert page.headers["Cache-Control"] == "no-cache"
    async with browser.get(address) as kept, browser.get("/page/app.js") as plain:
        assert "immutable" in kept.headers["Cache-Control"]
        assert await kept.read() == await plain.read()
    for other in (address.replace("app.js", "page.py"), "/page/0123/app.js"):
        async with browser.get(other) as response:
            assert response.status == 404, other


async def test_no_other_file_is_served(browser: aiohttp.ClientSession):
    for path in ("/page/index.html", "/page/..%2Fpage.py", "/page/page.py"):
        async with browser.get(path) as response:
            assert response.status == 404, path


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:3000", "[::"])
async def test_a_foreign_host_name_is_refused(simulator: Simulator, host: str):
    headers = {"Host": host, "Origin": f"http://{host}"}
    async with aiohttp.ClientSession(simulator.base_url, headers=headers) as session:
        for path in ("/", "/page/start", "/page/app.js", "/archives/C0GENERAL0"):
            async with session.get(path) as response:
                assert response.status == 403, path
                assert "localhost" in await response.text()
        async with session.post("/page/messages", json=MESSAGE) as response:
            assert response.status == 403
    assert simulator.messages(GENERAL) == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:99", "[::1]:3000", "[::1]"])
async def test_every_loopback_name_is_taken(simulator: Simulator, host: str):
    headers = {"Host": host, "Origin": f"http://{host}"}
    async with (
        aiohttp.ClientSession(simulator.base_url, headers=headers) as session,
        session.post("/page/messages", json=MESSAGE) as response,
    ):
        assert response.status == 200


@pytest.mark.parametrize(
    "origin", ["", "null", "https://evil.example", "http://localhost"]
)
async def test_another_origin_changes_nothing(simulator: Simulator, origin: str):
    headers = {"Origin": origin} if origin else {}
    async with aiohttp.ClientSession(simulator.base_url, headers=headers) as session:
        for path in ("messages", "clicks", "views/submit", "views/close"):
            async with session.post(f"/page/{path}", json=MESSAGE) as response:
                assert response.status == 403
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await session.ws_connect(f"/page/live?user={RAVI}")
    assert simulator.messages(GENERAL) == []


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ("{", 400, "cannot be read"),
        ("[]", 400, "isn't a JSON object"),
        ("{}", 400, "'text' is missing"),
        ({**MESSAGE, "text": "  "}, 400, "empty"),
        ({**MESSAGE, "text": "x" * 40_001}, 400, "at most 40,000"),
        ({**MESSAGE, "user": "U0NOBODY"}, 404, "no person U0NOBODY"),
        ({**MESSAGE, "channel": "D0MINA0000"}, 404, "is not in D0MINA0000"),
    ],
)
async def test_a_bad_request_is_answered_with_a_sentence(
    browser: aiohttp.ClientSession, body: Any, status: int, words: str
):
    sent = {"data": body} if isinstance(body, str) else {"json": body}
    async with browser.post("/page/messages", **sent) as response:
        assert response.status == status
        assert words in (await response.json())["sentence"]


async def received(live: aiohttp.ClientWebSocketResponse, text: str) -> Any:
    """The first patch with a message of this text."""
    while True:
        patch = await live.receive_json(timeout=20)
        for message in patch.get("messages", []):
            if message["text"] == text:
                return message


async def test_a_second_window_sees_what_the_first_posts(
    browser: aiohttp.ClientSession,
):
    async with browser.ws_connect(f"/page/live?user={MINA}") as live:
        async with browser.post("/page/messages", json=MESSAGE) as response:
            ts = (await response.json())["ts"]
        assert (await received(live, "hello"))["ts"] == ts


async def test_each_person_sees_their_own_messages_only(
    simulator: Simulator, browser: aiohttp.ClientSession
):
    slack = AsyncWebClient("xoxb-1", base_url=simulator.api_url)
    await slack.chat_postMessage(channel=MINA, text="a direct message")
    await slack.chat_postEphemeral(channel=GENERAL, user=MINA, text="private")
    await slack.chat_postMessage(channel=GENERAL, text="public")
    seen: dict[str, list[tuple[str, bool]]] = {}
    for user in (MINA, OLAF):
        seen[user] = []
        async with browser.ws_connect(f"/page/live?user={user}") as live:
            while (patch := await live.receive_json(timeout=20))["type"] != "views":
                seen[user] += [
                    (m["text"], m["is_private"]) for m in patch.get("messages", [])
                ]
    assert set(seen[MINA]) == {
        ("a direct message", False),
        ("private", True),
        ("public", False),
    }
    assert seen[OLAF] == [("public", False)]


async def test_a_click_that_nobody_answers_is_told(
    simulator: Simulator, browser: aiohttp.ClientSession
):
    slack = AsyncWebClient("xoxb-1", base_url=simulator.api_url)
    text = {"type": "plain_text", "text": "Approve"}
    button = {"type": "button", "action_id": "approve", "text": text}
    block = {"type": "actions", "block_id": "b", "elements": [button]}
    posted = await slack.chat_postMessage(channel=GENERAL, text="x", blocks=[block])
    click = {"user": MINA, "channel": GENERAL, "ts": posted["ts"], "block_id": "b"}
    async with browser.post(
        "/page/clicks", json={**click, "action_id": "approve"}
    ) as r:
        assert await r.json() == {"acked": False}
    async with browser.post("/page/clicks", json={**click, "action_id": "gone"}) as r:
        assert r.status == 404
        assert "no element gone" in (await r.json())["sentence"]
