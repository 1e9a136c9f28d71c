"""One browser for all tests of a worker, and a bot or a small app for their pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.support import postgres
from tests.support.bot_process import BotProcess, NewBot
from tests.support.browser import chromium, require_chromium
from tests.support.slack_app import SlackApp, slack_app
from tests.support.stage import write_graph


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium; each visitor gets a profile of their own from it."""
    path = require_chromium()
    async with chromium(path) as opened:
        yield opened


@pytest.fixture(scope="module")
def new_bot(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: str, template: str
) -> NewBot:
    """Starts bots as a visitor does: no Slack, no key; or with a policy, or a graph."""

    @asynccontextmanager
    async def starting(
        policy: str = "", graph: str = "", word: str = "0.0001"
    ) -> AsyncIterator[BotProcess]:
        require_chromium()
        folder = tmp_path_factory.mktemp("bot")
        settings = {"TIME_LIMITS": f"word={word}"}
        if policy:
            (folder / "policy.yml").write_text(policy, encoding="utf-8")
            settings["POLICY_FILE"] = "policy.yml"
        if graph:
            settings["AGENT"] = write_graph(folder, graph)
        with postgres.fresh_database(postgres_server, template) as database:
            process = BotProcess(folder, {"DATABASE_URL": database, **settings})
            await process.start()
            yield process
            await process.stop()

    return starting


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bot(new_bot: NewBot) -> AsyncIterator[BotProcess]:
    """The bot as a visitor starts it."""
    async with new_bot() as process:
        yield process


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lasting_app() -> AsyncIterator[SlackApp]:
    """An app of the tests with every block and view, in this process."""
    require_chromium()
    async with slack_app() as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def app(lasting_app: SlackApp) -> AsyncIterator[SlackApp]:
    """The same, whose messages are gone after a test: each page draws all there are."""
    yield lasting_app
    await lasting_app.forget()
