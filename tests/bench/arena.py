"""Everything that a bench needs, started: one PostgreSQL, the stand-ins, both sides."""

from __future__ import annotations

import itertools
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bot.database import embedded
from tests.bench.bare_side import BareSide
from tests.bench.bot_side import BotSide
from tests.bench.child import Child
from tests.bench.workspace import BOT_TOKEN, MANAGERS, SIGNING_SECRET
from tests.support.bot_process import BotProcess
from tests.support.policies import files_policy
from tests.support.postgres import as_url, with_database
from tests.support.spawn import clean_environment


@dataclass(frozen=True)
class Ring:
    """The bot alone, on a server, with the stand-ins for Slack and the model."""

    server_url: str
    folder: Path
    stand_ins: Child
    postgres: int  # its process
    bot: BotSide
    common: dict[str, str]  # variables of the processes beside these stand-ins
    numbers: itertools.count

    @property
    def processes(self) -> dict[str, int]:
        """The processes that all sides use."""
        return {"postgres": self.postgres, "stand-ins": self.stand_ins.pid}


@dataclass(frozen=True)
class Arena(Ring):
    """All sides, on one server and one model."""

    plain_stand_ins: Child
    plain: BotSide
    bare: BareSide

    def delay(self, *, slack: float, model: float) -> None:
        """From now on Slack and the model take so many seconds."""
        for each in (self.stand_ins, self.plain_stand_ins):
            each.say({"slack": slack, "model": model})

    def pause(self, seconds: float) -> None:
        """From now on people wait so long before they click."""
        self.bot.pause = self.plain.pause = self.bare.pause = seconds


@asynccontextmanager
async def set_up_bot(folder: Path, **more: str) -> AsyncIterator[Ring]:
    """Start the bot and what it needs below `folder`, and stop it afterwards.

    PostgreSQL has its own defaults: what is committed is on the disk.
    """
    async with AsyncExitStack() as stack:
        server = stack.enter_context(embedded.start(folder / "data"))
        _make_databases(server.url, "bot")
        pid = int((folder / "data" / "postmaster.pid").read_text().split()[0])
        stand_ins, address = await _stand_ins(folder, stack)
        common = {"OPENAI_BASE_URL": f"{address}/v1", **more}
        numbers = itertools.count(1)
        bot = await _bot(folder, server.url, address, common, numbers, stack)
        stand_ins.hear = bot.note
        yield Ring(server.url, folder, stand_ins, pid, bot, common, numbers)


@asynccontextmanager
async def set_up(folder: Path, **more: str) -> AsyncIterator[Arena]:
    """Start all sides likewise.

    Args:
        more: variables for the bot and for bare LangGraph alike.
    """
    async with set_up_bot(folder, **more) as ring, AsyncExitStack() as stack:
        _make_databases(ring.server_url, "plain", "bare")
        theirs, address = await _stand_ins(folder, stack)
        plain = await _plain(ring, address, more, stack)
        theirs.hear = plain.note
        bare = await _bare(ring, stack)
        yield Arena(**vars(ring), plain_stand_ins=theirs, plain=plain, bare=bare)


def _make_databases(server_url: str, *names: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        for name in names:
            connection.execute(f"CREATE DATABASE {name}".encode())


async def _stand_ins(folder: Path, stack: AsyncExitStack) -> tuple[Child, str]:
    """Start Slack and the model, and say where they are."""
    log = folder / "stand_ins.log"
    child, ready = await Child.start("stand_ins", _environment(), log)
    stack.push_async_callback(child.stop)
    return child, f"http://127.0.0.1:{ready['ready']}"


async def _bot(
    folder: Path,
    server_url: str,
    address: str,
    common: dict[str, str],
    numbers: itertools.count,
    stack: AsyncExitStack,
) -> BotSide:
    home = folder / "bot"
    (home / "files").mkdir(parents=True)
    (home / "policy.yml").write_text(files_policy(managers=MANAGERS))
    settings = {
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "SLACK_SIGNING_SECRET": SIGNING_SECRET,
        "SLACK_API_URL": f"{address}/api/",
        "DATABASE_URL": as_url(with_database(server_url, "bot")),
        "POLICY_FILE": "policy.yml",
        "FILES_DIR": "files",
        "RATE_LIMIT": "off",
        "OPENAI_API_KEY": "bench",
        **common,
    }
    bot = BotProcess(home, _environment() | settings, fresh=True)
    stack.push_async_callback(bot.kill)  # after a stop it does nothing
    await bot.start()
    side = BotSide("bot", bot, home / "files", numbers)
    stack.push_async_callback(bot.stop)
    stack.push_async_callback(side.close)
    return side


@dataclass(frozen=True)
class Plain:
    """The process of the plain bot."""

    pid: int
    url: str
    file: Path

    @property
    def log(self) -> str:
        return self.file.read_text()


async def _plain(
    ring: Ring, address: str, more: dict[str, str], stack: AsyncExitStack
) -> BotSide:
    files, log = ring.folder / "plain", ring.folder / "plain.log"
    files.mkdir()
    settings = {
        "DATABASE_URL": as_url(with_database(ring.server_url, "plain")),
        "SLACK_API_URL": f"{address}/api/",
        "OPENAI_BASE_URL": f"{address}/v1",
        "FILES_DIR": str(files),
        **more,
    }
    child, ready = await Child.start("plain_bolt", _environment() | settings, log)
    stack.push_async_callback(child.stop)
    bot = Plain(child.pid, f"http://127.0.0.1:{ready['ready']}", log)
    side = BotSide("plain", bot, files, ring.numbers)
    stack.push_async_callback(side.close)
    return side


async def _bare(ring: Ring, stack: AsyncExitStack) -> BareSide:
    files, log = ring.folder / "bare", ring.folder / "bare.log"
    files.mkdir()
    settings = {
        "DATABASE_URL": as_url(with_database(ring.server_url, "bare")),
        "FILES_DIR": str(files),
        **ring.common,
    }
    child, _ = await Child.start("bare", _environment() | settings, log)
    stack.push_async_callback(child.stop)
    return BareSide(child, files, ring.numbers)


def _environment() -> dict[str, str]:
    """Ours, without what the bot reads, tracing, and proxies: all is on loopback."""
    found = clean_environment().items()
    return {k: v for k, v in found if not _UNWANTED.match(k)}


_UNWANTED = re.compile(r"(?i)langsmith_|langchain_|.*_proxy$")
