"""Fixtures for all tests: a PostgreSQL server, databases, no settings from outside."""

from __future__ import annotations

import asyncio
import atexit
import functools
import gc
import os
import shlex
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

import psycopg
import pytest

from agent.entry import spare_langsmith_types
from bot.base import time_limits
from tests.support import (
    hypothesis_profiles,
    postgres,
    shared_collection,
    spawn,
    worker,
)
from tests.support.fork_server import OURS
from tests.support.reused_database import ReusedDatabase

BROWSER = "tests/browser/"
WAITING = ("tests/acceptance/", BROWSER)  # for processes, and for a page

gc.disable()  # until `pytest_collection` has ended: what is imported stays
spare_langsmith_types()  # in each worker, as a start of the bot does
for name in list(os.environ):
    if name.startswith(("SLACK_", "OPENAI_", "LANGSMITH_", "LANGCHAIN_")):
        del os.environ[name]
# The bots that tests start compile themselves once, not at each start.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
hypothesis_profiles.register()
if memory := postgres.memory():  # where pytest keeps its own folders
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return the number of cores for `-n logical`, and three times that for `-n auto`.

    Where much is waited for, a core has time for more than one; each costs the start
    of a PostgreSQL server.
    """
    cores = len(os.sched_getaffinity(0))
    return cores if config.option.numprocesses == "logical" else 3 * cores


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config, specs: list[Any]) -> None:
    """Have workers and what they start forked from two processes with all imported."""
    if sys.platform == "linux":
        programs = (*OURS, *worker.LIBRARIES)
        arguments = [str(each) for each in config.invocation_params.args]
        os.environ[worker.ADDRESS] = forked(programs, collecting=arguments)
        os.environ[spawn.SHARED] = forked(OURS)
        for spec in specs:
            spec.python = shlex.join([sys.executable, "-S", str(worker.__file__)])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give all that need a browser to one worker: a second browser costs 4 s of CPU."""
    from xdist.scheduler import LoadScopeScheduling

    class OneBrowser(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            needs = nodeid.startswith(BROWSER)
            return BROWSER if needs else super()._split_scope(nodeid)

    return OneBrowser(config, log) if config.option.dist == "loadscope" else None


def forked(programs: Sequence[str], **options: Sequence[str]) -> str:
    """The address of a fork server that lives as long as this process."""
    server = spawn.OwnForkServer(programs, **options)
    atexit.register(server.stop)
    return server.address


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Let a worker tell of a test once: three messages a test cost 3 ms of CPU."""
    for plugin in config.pluginmanager.get_plugins():
        if type(plugin).__name__ == "WorkerInteractor":
            plugin.sendevent = functools.partial(tell, plugin.sendevent)


def tell(send: Callable[..., None], name: str, **told: Any) -> None:
    """Leave out that a set-up or an end went well, and what only a live log shows."""
    report = told.get("data", {})
    went_well = report.get("outcome") == "passed" and report.get("when") != "call"
    if name in ("logstart", "logfinish") or (name == "testreport" and went_well):
        return
    send(name, **told)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mix modules that mostly wait with those that mostly compute: no core is idle.

    The browser's go first, since one worker has all of them.
    """
    modules: dict[str, list[pytest.Item]] = {}
    for item in items:
        modules.setdefault(item.nodeid.partition("::")[0], []).append(item)
    kinds = {True: list[str](), False: list[str]()}
    for module in sorted(modules, key=lambda name: not name.startswith(BROWSER)):
        kinds[module.startswith(WAITING)].append(module)
    placed = {
        module: number / len(kind)
        for kind in kinds.values()
        for number, module in enumerate(kind)
    }
    items[:] = [
        item
        for module in sorted(modules, key=placed.__getitem__)
        for item in modules[module]
    ]


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Let the collector pass over all that stays: a tenth of the time went there."""
    shared_collection.adopt(session)
    try:
        return (yield)
    finally:
        gc.freeze()  # some garbage too: to look for it takes most of a second
        gc.enable()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a running server."""
    with postgres.folder() as folder, postgres.server(folder / "data") as url:
        yield url


@pytest.fixture(scope="session")
def template(postgres_server: str) -> str:
    """A database with the whole schema, to be copied."""
    from bot.database.migrate import migrate  # with LangChain, after the sparing

    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {postgres.TEMPLATE}")
    owner = postgres.with_database(postgres_server, postgres.TEMPLATE)
    asyncio.run(migrate(owner))
    postgres.make_roles(owner)
    return postgres.TEMPLATE


@pytest.fixture
def empty_database(postgres_server: str) -> Iterator[str]:
    """The URL of a database with nothing in it."""
    with postgres.fresh_database(postgres_server) as url:
        yield url


@pytest.fixture(scope="session")
def reused(postgres_server: str, template: str) -> Iterator[ReusedDatabase]:
    """The database that the tests of one worker share."""
    made = ReusedDatabase(postgres_server, template)
    yield made
    made.drop()


@pytest.fixture
def database(reused: ReusedDatabase) -> str:
    """The URL of a database with the schema and without a row."""
    return reused.take()


@pytest.fixture
def shorter() -> Iterator[Callable[..., None]]:
    """Lower time limits of this process until the test ends: `shorter(stalled=1)`."""
    yield lambda **limits: time_limits.lower(limits)
    time_limits.lower(None)


@pytest.fixture(params=["socket", "http"])
def transport(request: pytest.FixtureRequest) -> str:
    """The two ways in which Slack reaches an app."""
    return request.param
