"""One browser for all tests of a worker, and a bot or a small app for their pages."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.support import postgres
from tests.support.bot_process import BotProcess
from tests.support.browser import ARTEFACTS, chromium, require_chromium
from tests.support.slack_app import SlackApp, slack_app


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium; each visitor gets a profile of their own from it."""
    path = require_chromium()
    ARTEFACTS.mkdir(exist_ok=True)
    async with chromium(path) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bot(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: str, template: str
) -> AsyncIterator[BotProcess]:
    """The bot as a visitor starts it: no Slack, no key."""
    require_chromium()
    with postgres.fresh_database(postgres_server, template) as database:
        folder = tmp_path_factory.mktemp("bot")
        process = BotProcess(folder, {"DATABASE_URL": database})
        await process.start()
        yield process
        await process.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def app() -> AsyncIterator[SlackApp]:
    """An app of the tests with every block and view, in this process."""
    require_chromium()
    async with slack_app() as started:
        yield started
