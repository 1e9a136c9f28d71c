"""Checks of the image when it runs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO

import aiohttp
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support import postgres
from tests.support.bot_process import free_port
from tests.support.clean_root import ROOT
from tests.support.confined import Confined
from tests.support.demo import GENERAL, MINA
from tests.support.stage import Stage, make_stage

READY = 30  # seconds until the bot is up
STOP = 60  # seconds that compose.yml gives it to stop
SLACK = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}


async def check(image: Confined, folder: Path) -> None:
    """Print a line for each check; AssertionError for the first that fails."""
    for ask in (_holds_what_it_should, _lacks_the_extras, _refuses_in_one_sentence):
        ask(image)
        print(f"ok: it {ask.__name__.strip('_').replace('_', ' ')}", flush=True)
    with (
        postgres.server(folder / "postgres") as url,
        postgres.fresh_database(url) as database,
    ):
        await _works(image, folder, database)


def _holds_what_it_should(image: Confined) -> None:
    app = {path.name for path in (image.root / "app").iterdir()}
    assert app == {"agent", "bot", "manifest.yml", "policy.yml"}, app
    user = int(image.config["User"].split(":")[0])
    owned = [
        str(path.relative_to(image.root))
        for top in ("app", "data", "etc", "home", "opt", "usr", "var", "venv")
        for path in [image.root / top, *(image.root / top).rglob("*")]
        if path.lstat().st_uid == user
    ]
    assert owned == ["data"], f"these belong to the user: {owned}"
    status, said = image.ask("touch", "/app/x", "/venv/x")
    assert status != 0, "the root can be written"
    assert said.count("Read-only file system") == 2, said


def _lacks_the_extras(image: Confined) -> None:
    """No embedded database, no test tool, no pip; and everything that the bot needs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = project["dependencies"] + extras.pop("fast")
    unwanted = _names([line for each in extras.values() for line in each]) | {"pip"}
    listing = (
        "import importlib.metadata as m; [print(d.name) for d in m.distributions()]"
    )
    status, said = image.ask("/venv/bin/python", "-c", listing)
    assert status == 0, said
    installed = _names(said.split())
    assert not installed & unwanted, f"not wanted: {installed & unwanted}"
    lacking = _names(wanted) - installed
    assert not lacking, f"lacking: {lacking}"


def _names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in requirements}


def _refuses_in_one_sentence(image: Confined) -> None:
    """A start without what it needs: exit status 2, one line, no traceback."""
    for settings, word in (({}, "SLACK_BOT_TOKEN"), (SLACK, "DATABASE_URL")):
        status, said = image.ask(*image.config["Entrypoint"], **settings)
        assert status == 2, f"{status}: {said}"
        assert len(said.splitlines()) == 1, said
        assert word in said, said


async def _works(image: Confined, folder: Path, database: str) -> None:
    """It does the main job against a database and a Slack on loopback."""
    manifest = yaml.safe_load((ROOT / "manifest.yml").read_text())
    scopes = frozenset(manifest["oauth_config"]["scopes"]["bot"])
    play = make_stage(folder / "play", database, "socket", scopes=scopes, start=False)
    async with _on_loopback(folder / "postgres") as port, play as stage:
        name = database.split("@/")[1].split("?")[0]
        slack = {k: v for k, v in stage.environment.items() if k.startswith("SLACK_")}
        environment = slack | {
            "DATABASE_URL": f"postgresql://postgres@127.0.0.1:{port}/{name}",
            "HOST": "127.0.0.1",
            "PORT": str(free_port()),
        }
        await _doctor(image, environment)
        await _serves(image, environment, stage)


async def _serves(image: Confined, environment: dict[str, str], stage: Stage) -> None:
    """It gets ready and healthy, and stops when it is told to."""
    with tempfile.TemporaryFile() as log:
        process = await _start(image, environment, log)
        try:
            await _play(image, stage)
            await _healthy(image, environment)
        finally:
            process.send_signal(signal.SIGTERM)
            status = await asyncio.wait_for(process.wait(), STOP)
    assert status == 0, f"stopped with {status}"
    print("ok: it stops when it is told to", flush=True)


async def _doctor(image: Confined, environment: dict[str, str]) -> None:
    """`migrate` and `check` are the image's other commands."""
    for command in ("migrate", "check"):
        entry = [*image.config["Entrypoint"], command]
        status, said = await asyncio.to_thread(image.ask, *entry, **environment)
        assert status == 0, f"{command}: {said}"
        print(f"ok: {command}", flush=True)


async def _start(
    image: Confined, environment: dict[str, str], log: IO[bytes]
) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        *image.command(*image.config["Entrypoint"], **environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )
    address = f"http://127.0.0.1:{environment['PORT']}/readyz"
    for _ in range(READY * 10):
        if process.returncode is None and await _status(address) == 200:
            print("ok: it gets ready", flush=True)
            return process
        await asyncio.sleep(0.1)
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    log.seek(0)
    raise AssertionError(f"not ready:\n{log.read().decode()[-3000:]}")


async def _status(address: str) -> int:
    async with aiohttp.ClientSession() as session:
        try:
            async with session.get(address) as answer:
                return answer.status
        except aiohttp.ClientError:
            return 0


async def _healthy(image: Confined, environment: dict[str, str]) -> None:
    kind, *command = image.config["Healthcheck"]["Test"]
    assert kind == "CMD"
    status, said = await asyncio.to_thread(image.ask, *command, **environment)
    assert status == 0, said
    dead = environment | {"PORT": str(free_port())}
    status, _ = await asyncio.to_thread(image.ask, *command, **dead)
    assert status == 1, f"the health check says {status} where nothing listens"
    print("ok: its health check is right", flush=True)


async def _play(image: Confined, stage: Stage) -> None:
    """One file is written, and deleted when Mina approves."""
    file = image.volume / "files/notes.txt"
    ts = await stage.ask("write notes.txt: hello")
    await stage.answer(GENERAL, ts, "notes.txt")
    assert file.read_text() == "hello"
    assert file.stat().st_uid == int(image.config["User"].split(":")[0])
    await stage.ask("delete notes.txt")
    card = await stage.card()
    await stage.click(MINA, "approve", card)
    await stage.outcome(card, "Approved")
    await stage.simulator.wait_for(lambda: not file.exists())
    beside = os.listdir(image.volume)
    assert beside == ["files"], beside
    print("ok: it writes, asks, and deletes what was approved", flush=True)


@contextlib.asynccontextmanager
async def _on_loopback(directory: Path) -> AsyncIterator[int]:
    """A port that leads to the server's socket, which only its account may open."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs = await asyncio.open_unix_connection(directory / ".s.PGSQL.5432")
        await asyncio.gather(_pump(reader, theirs[1]), _pump(theirs[0], writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    target.close()
