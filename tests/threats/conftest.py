"""The heart of the bot on a fresh database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from tests.integration.core_parts import House, open_house


@pytest.fixture
async def house(database: str) -> AsyncIterator[House]:
    """Approvals, conversations and jobs over one fresh database, logging nowhere."""
    with capture_logs():
        async with open_house(database) as opened:
            yield opened
