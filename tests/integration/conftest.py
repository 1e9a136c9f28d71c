"""The heart of the bot on a fresh database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.integration.core_parts import House, open_house
from tests.integration.post import Post
from tests.integration.terminal_parts import place


@pytest.fixture
async def house(database: str) -> AsyncIterator[House]:
    """Approvals, conversations and jobs over one fresh database, logging nowhere."""
    with capture_logs():
        async with open_house(database) as opened:
            yield opened


@pytest.fixture
def post(house: House) -> Post:
    """The deliveries of the house."""
    return Post(house)


@pytest.fixture(params=["sqlite", "postgres"])
def lasting(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A checkpointer of the agent alone that outlives a process."""
    return place(request, tmp_path)
