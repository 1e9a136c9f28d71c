"""The page's endpoints for what lies beside the chat: trail, files, commands, Home."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot import simulator as simulator_package
from bot.simulator import AppConfig, Simulator, SlashCommand
from bot.simulator.page_acts import HistoryLine
from tests.support.demo import GENERAL, RAVI
from tests.support.simulated import as_page, world

MINAS_DM = "D0MINA0000"
STATIC = Path(simulator_package.__file__).parent / "static"
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


async def history(channel: str, ts: str) -> list[HistoryLine]:
    return [HistoryLine(AT, f"It stands at {channel} {ts}.")]


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    app = AppConfig(commands=(SlashCommand("/demo", "Does it"),), home_tab=True)
    async with world(connected=False, app=app, history=history) as made:
        yield made.simulator


async def post(
    browser: aiohttp.ClientSession, path: str, **body: Any
) -> tuple[int, Any]:
    async with browser.post(f"/page/{path}", json={"user": RAVI, **body}) as response:
        return response.status, await response.json()


def test_page_files_write_no_markup_and_name_no_other_host():
    written = {".js", ".css", ".html"}
    for file in (each for each in STATIC.iterdir() if each.suffix in written):
        text = file.read_text(encoding="utf-8")
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "eval("):
            assert word not in text, file.name
        assert "//cdn" not in text, file.name
        assert len(text.splitlines()) < 300, file.name


async def test_the_start_names_what_the_app_has(browser: aiohttp.ClientSession):
    async with browser.get("/page/start") as response:
        start = await response.json()
    assert start["history"] is True
    assert start["home_enabled"] is True
    assert start["commands"] == [{"command": "/demo", "description": "Does it"}]
    assert {"name": "Dora", "role": "director"}.items() <= start["people"][3].items()


async def test_the_trail_is_for_those_in_the_channel(browser: aiohttp.ClientSession):
    status, answer = await post(browser, "history", channel=GENERAL, ts="1.2")
    assert status == 200
    line = {"at": "2026-01-02T03:04:05+00:00", "text": f"It stands at {GENERAL} 1.2."}
    assert answer == {"lines": [line]}
    status, answer = await post(browser, "history", channel=MINAS_DM, ts="1.2")
    assert status == 404
    assert f"is not in {MINAS_DM}" in answer["sentence"]


async def test_without_a_trail_there_is_no_endpoint_for_it():
    async with (
        world(connected=False) as plain,
        as_page(plain.simulator) as session,
        session.get("/page/start") as start,
        session.post("/page/history", json={"user": RAVI}) as response,
    ):
        assert (await start.json())["history"] is False
        assert response.status in (404, 405)


async def test_a_file_comes_back_only_to_be_saved(
    simulator: Simulator, browser: aiohttp.ClientSession
):
    content = base64.b64encode(b"<script>").decode()
    _, answer = await post(browser, "files", name="a.html", content=content)
    async with browser.get(f"/page/files/{answer['id']}") as response:
        assert await response.read() == b"<script>"
        assert response.content_type == "application/octet-stream"
        assert response.headers["Content-Disposition"] == "attachment"
    async with browser.get("/page/files/F0NONE") as response:
        assert response.status == 404


async def test_an_unknown_command_is_answered_with_a_sentence(
    browser: aiohttp.ClientSession,
):
    status, answer = await post(browser, "commands", channel=GENERAL, command="/none")
    assert status == 404
    assert "/none is not a valid command" in answer["sentence"]


async def test_the_first_news_end_with_ready(browser: aiohttp.ClientSession):
    kinds: list[str] = []
    async with browser.ws_connect(f"/page/live?user={RAVI}") as live:
        while "ready" not in kinds:
            kinds.append((await live.receive_json(timeout=20))["type"])
        await post(browser, "messages", channel=GENERAL, text="hello")
        after = [(await live.receive_json(timeout=20))["type"] for _ in range(2)]
    assert kinds[0] == "channels"
    assert kinds[-3:] == ["views", "home", "ready"]
    assert after == ["channels", "channel"]


async def test_a_message_brings_a_table_a_file_and_another_message(
    browser: aiohttp.ClientSession, simulator: Simulator
):
    _, first = await post(browser, "messages", channel=GENERAL, text="the first")
    file = simulator.upload_file(RAVI, "a.txt", b"a")
    brought = {"table": [["a"]], "files": [file], "forwards": [GENERAL, first["ts"]]}
    _, second = await post(browser, "messages", channel=GENERAL, text="x", **brought)
    message = simulator.messages(GENERAL)[-1]
    assert message["ts"] == second["ts"]
    assert message["blocks"][-1]["rows"] == [[{"type": "raw_text", "text": "a"}]]
    assert message["files"][0]["name"] == "a.txt"
    [forwarded] = message["attachments"]
    assert (forwarded["author_id"], forwarded["text"]) == (RAVI, "the first")
    status, answer = await post(
        browser, "messages", channel=GENERAL, text="x", forwards=[GENERAL, "1.0"]
    )
    assert status == 404
    assert "there is no message" in answer["sentence"]
