"""The bot as a process, in both transports."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.support import postgres
from tests.support.failure_report import (  # noqa: F401 - hooks
    pytest_runtest_makereport,
    pytest_runtest_setup,
)
from tests.support.foreign import write_graph
from tests.support.stage import Stage, make_stage
from tests.support.zoo import POLICY as ZOO_POLICY
from tests.support.zoo import ZOO


@pytest.fixture(params=["socket", "http"])
def transport(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
async def stage(tmp_path: Path, database: str, transport: str) -> AsyncIterator[Stage]:
    """A stage with one bot, for each transport."""
    async with make_stage(tmp_path, database, transport) as made:
        yield made


@pytest.fixture
async def fresh_stage(
    tmp_path: Path, database: str, transport: str
) -> AsyncIterator[Stage]:
    """A stage whose bot is started from scratch, for each transport."""
    async with make_stage(tmp_path, database, transport, fresh=True) as made:
        yield made


@pytest.fixture
async def socket_stage(tmp_path: Path, database: str) -> AsyncIterator[Stage]:
    """A stage with one bot, where the transport makes no difference."""
    async with make_stage(tmp_path, database, "socket") as made:
        yield made


@pytest.fixture(scope="module")
def new_database(postgres_server: str, template: str) -> Any:
    """Opens fresh databases, for fixtures that live longer than one test."""
    return lambda: postgres.fresh_database(postgres_server, template)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    new_database: Any,
) -> AsyncIterator[Stage]:
    """One stage for the tests of a module, which ask about files of their own.

    The module may say in `STAGE` how it is to be set: arguments of `make_stage`.
    """
    options = {"transport": "socket", **getattr(request.module, "STAGE", {})}
    async with stage_for_long(tmp_path_factory, new_database, options) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["socket", "http"])
async def shared_both(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    new_database: Any,
) -> AsyncIterator[Stage]:
    """The same, for each transport."""
    options = {**getattr(request.module, "STAGE", {}), "transport": request.param}
    async with stage_for_long(tmp_path_factory, new_database, options) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def zoo(
    tmp_path_factory: pytest.TempPathFactory, new_database: Any
) -> AsyncIterator[Stage]:
    """A bot that serves a graph file from a temporary folder."""
    agent = write_graph(tmp_path_factory.mktemp("theirs"), ZOO)
    options = {"transport": "socket", "policy": ZOO_POLICY, "AGENT": agent}
    async with stage_for_long(tmp_path_factory, new_database, options) as made:
        yield made


@asynccontextmanager
async def stage_for_long(
    folders: pytest.TempPathFactory, new_database: Any, options: dict[str, Any]
) -> AsyncIterator[Stage]:
    """A stage that outlives one test; `options` are those of `make_stage`."""
    with new_database() as database:
        folder = folders.mktemp("stage")
        async with make_stage(folder, database, **options) as made:
            yield made
