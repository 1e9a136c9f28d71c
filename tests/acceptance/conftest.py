"""The bot as a process, in both transports."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.stage import Stage, make_stage


@pytest.fixture(params=["socket", "http"])
def transport(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
async def stage(
    tmp_path: Path, database: str, transport: str
) -> AsyncIterator[Stage]:
    """A stage with one bot, for each transport."""
    async with make_stage(tmp_path, database, transport) as made:
        yield made


@pytest.fixture
async def socket_stage(tmp_path: Path, database: str) -> AsyncIterator[Stage]:
    """A stage with one bot, where the transport makes no difference."""
    async with make_stage(tmp_path, database, "socket") as made:
        yield made
