"""The bot as a process, in both transports."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.support import postgres
from tests.support.asking_graph import ASKING_STAGE
from tests.support.failure_report import (  # noqa: F401 - hooks
    pytest_runtest_makereport,
    pytest_runtest_setup,
)
from tests.support.model_server import ModelServer, run_model_server
from tests.support.stage import NewStage, Stage, make_stage


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
def new_stage(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: str, template: str
) -> NewStage:
    """Sets stages that outlive one test; options are those of `make_stage`."""

    @asynccontextmanager
    async def setting(
        transport: str = "socket", **options: Any
    ) -> AsyncIterator[Stage]:
        folder = tmp_path_factory.mktemp("stage")
        with postgres.fresh_database(postgres_server, template) as database:
            async with make_stage(folder, database, transport, **options) as made:
                yield made

    return setting


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(
    request: pytest.FixtureRequest, new_stage: NewStage
) -> AsyncIterator[Stage]:
    """One stage for the tests of a module, which ask about files of their own.

    The module may say in `STAGE` how it is to be set: arguments of `make_stage`.
    """
    async with new_stage(**getattr(request.module, "STAGE", {})) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["socket", "http"])
async def shared_both(
    request: pytest.FixtureRequest, new_stage: NewStage
) -> AsyncIterator[Stage]:
    """The same, for each transport."""
    options = {**getattr(request.module, "STAGE", {}), "transport": request.param}
    async with new_stage(**options) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def zoo(new_stage: NewStage) -> AsyncIterator[Stage]:
    """A bot that serves a graph file from a temporary folder."""
    async with new_stage(**ASKING_STAGE) as made:
        yield made


@pytest.fixture
async def zoo_alone(tmp_path: Path, database: str) -> AsyncIterator[Stage]:
    """The same for one test, which ends the bot's process."""
    async with make_stage(tmp_path, database, "socket", **ASKING_STAGE) as made:
        yield made


@pytest.fixture
async def model() -> AsyncIterator[ModelServer]:
    """A model server that says what a test tells it."""
    async with run_model_server() as server:
        yield server
