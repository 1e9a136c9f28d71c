"""The heart of the bot on a fresh database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator import Simulator
from tests.support.house import House, house_fixture  # noqa: F401 - a fixture
from tests.support.post import Post
from tests.support.simulated import BOT_TOKEN, World, as_page, world
from tests.support.terminal_parts import place


@pytest.fixture
def post(house: House) -> Post:
    """The deliveries of the house."""
    return Post(house)


@pytest.fixture(params=["sqlite", "postgres"])
def lasting(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A checkpointer of the agent alone that outlives a process."""
    return place(request, tmp_path)


@pytest.fixture
async def made() -> AsyncIterator[World]:
    """A simulator with a bot on a socket."""
    async with world() as made:
        yield made


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    """A simulator that no bot is connected to."""
    async with world(connected=False) as made:
        yield made.simulator


@pytest.fixture
def slack(simulator: Simulator) -> AsyncWebClient:
    """Slack's own client, with the bot's token."""
    return AsyncWebClient(BOT_TOKEN, base_url=simulator.api_url)


@pytest.fixture
async def browser(simulator: Simulator) -> AsyncIterator[aiohttp.ClientSession]:
    """A session that speaks as the simulator's page does."""
    async with as_page(simulator) as session:
        yield session
