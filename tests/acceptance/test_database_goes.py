"""PostgreSQL goes, or its connections do: nothing is lost or happens twice."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest

from bot.database import embedded
from tests.support.deciding import asked, asked_to_delete, request_of
from tests.support.demo import GENERAL, MINA
from tests.support.postgres import as_url, folder
from tests.support.proxy import Proxy, make_proxy
from tests.support.records import Records
from tests.support.shown import Message, everything
from tests.support.stage import SHORTER, Stage, make_stage

pytestmark = pytest.mark.timeout(240)
LIMITS = f"{SHORTER},statement=2,late_tick=3"
LOAD = 5  # cards that wait, and messages that are written meanwhile


class Server:
    """A server of its own, that a test may stop."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running = embedded.start(folder)
        self.url = as_url(self._running.url)

    async def stop(self) -> None:
        await asyncio.to_thread(self._running.stop)

    async def crash(self) -> None:
        """As when the machine kills it: what was not written is recovered."""
        pid = int((self.folder / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGQUIT)
        await asyncio.to_thread(self._running.stop)

    async def start(self) -> None:
        self._running = await asyncio.to_thread(embedded.start, self.folder)


@pytest.fixture
def server():
    with folder() as place:
        made = Server(place / "data")
        yield made
        made._running.stop()


async def test_a_server_that_restarts_under_load_costs_nothing(
    tmp_path: Path, server: Server
):
    async with make_stage(tmp_path, server.url, "socket") as stage:
        for goes in (server.stop, server.crash):
            async with under_load(stage, load=3):
                await goes()
                await stage.bot.until(503, "database")
                assert (await stage.bot.get("/healthz"))[0] == 200
                await server.start()
                await stage.bot.until_ready()


async def test_connections_that_are_cut_again_and_again_cost_nothing(
    tmp_path: Path, database: str
):
    async with make_stage(tmp_path, database, "socket") as stage:
        async with under_load(stage):
            for _ in range(8):
                cut_all(database)
                await asyncio.sleep(0.2)  # some work gets done in between
        await stage.bot.until_ready()


async def test_clicks_are_refused_until_a_database_connection_is_free(
    tmp_path: Path, database: str
):
    async with make_stage(tmp_path, database, "http") as stage:
        _, card, ts = await asked_to_delete(stage, "a.txt")
        async with await psycopg.AsyncConnection.connect(database) as blocker:
            await blocker.execute("LOCK TABLE requests IN ACCESS EXCLUSIVE MODE")
            clicks = [stage.click(MINA, "approve", card) for _ in range(20)]
            taken = await asyncio.gather(*clicks)
            assert not any(click.acked for click in taken)
            await blocker.rollback()
        await until_acked(stage, card)
        await stage.answer(GENERAL, ts)
        await stage.outcome(card, "Approved")

        assert stage.records.decisions(request_of(card)) == [(MINA, "approve")]
        assert once(stage) == 1


async def test_a_disk_full_for_each_table_refuses_and_loses_nothing(
    tmp_path: Path, database: str
):
    full = {"messages", "audit", "procrastinate_jobs", "checkpoints"}
    full |= {"deliveries", "decisions", "grants"}
    async with make_stage(tmp_path, database, "socket") as stage:
        async with under_load(stage, load=1):
            for table in full:
                fill_disk(database, table)
            while full:  # the work gets on from one table to the next
                refused = await stage.until(lambda: refused_by_disk(database))
                for table in refused:
                    empty_disk(database, table)
                full -= refused
        await stage.bot.until_ready()


@asynccontextmanager
async def through_proxy(
    folder: Path, database: str, transport: str, **more: str
) -> AsyncIterator[tuple[Stage, Proxy]]:
    """A stage whose bot alone reaches the database through a proxy."""
    async with make_proxy(database) as proxy:
        await proxy.open()
        more = {"DATABASE_URL": proxy.url, "TIME_LIMITS": LIMITS, **more}
        async with make_stage(folder, database, transport, **more) as stage:
            yield stage, proxy


async def test_connections_that_die_again_and_again_cost_nothing(
    tmp_path: Path, database: str
):
    async with through_proxy(tmp_path, database, "http") as (stage, proxy):
        async with under_load(stage):
            for dies in (proxy.reset, proxy.fall_silent, proxy.forget):
                dies()
                await asyncio.sleep(0.5)  # some work gets done in between
                proxy.speak()
        await stage.bot.until_ready()


async def test_clicks_and_events_after_the_server_closed_idle_sessions(
    tmp_path: Path, database: str
):
    set_for_all(database, "idle_session_timeout = '2s'")
    async with make_stage(tmp_path, database, "http", SWEEP_INTERVAL="1h") as stage:
        cards = [(await asked_to_delete(stage, f"{n}.txt"))[1] for n in range(2)]
        stage.put("kept.md", "words")
        reading = [stage.ask("read kept.md") for _ in range(16)]  # on all connections
        for ts in await asyncio.gather(*reading):
            await stage.answer(GENERAL, ts, "words")
        await stage.simulator.wait_for(lambda: not sessions(stage), timeout=40)
        before = len(stage.bot.log)

        for card in cards:
            assert (await stage.click(MINA, "approve", card)).acked
            await stage.answer(GENERAL, await stage.ask("read kept.md"), "words")
        assert "a listener failed" not in stage.bot.log[before:]


async def test_the_third_click_counts_after_connections_were_forgotten(
    tmp_path: Path, database: str
):
    more = {"TIME_LIMITS": ""}  # people's own
    async with through_proxy(tmp_path, database, "http", **more) as (stage, proxy):
        _, card, ts = await asked_to_delete(stage, "a.txt")
        overdue, _ = await asked(stage, "delete b.txt", "b.txt")
        proxy.forget()
        clicks = [await stage.click(MINA, "approve", card) for _ in range(3)]
        assert clicks[-1].acked
        let_time_out(stage, request_of(overdue))
        await stage.outcome(overdue, "Timed out", timeout=40)
        await stage.answer(GENERAL, ts)
        assert once(stage) == 1
        await stage.bot.until_ready()


async def test_the_bot_is_red_until_a_silent_server_answers(
    tmp_path: Path, database: str
):
    async with through_proxy(tmp_path, database, "socket") as (stage, proxy):
        _, card, ts = await asked_to_delete(stage, "a.txt")
        overdue, _ = await asked(stage, "delete b.txt", "b.txt")
        proxy.fall_silent()
        for part in ("clicks", "database", "jobs", "clock"):
            await stage.bot.until(503, f"{part}: ")
        assert (await stage.bot.get("/healthz"))[0] == 200
        assert not (await stage.click(MINA, "approve", card)).acked
        let_time_out(stage, request_of(overdue))
        proxy.speak()
        await stage.bot.until_ready()
        assert (await stage.click(MINA, "approve", card)).acked
        await stage.outcome(overdue, "Timed out", timeout=40)
        await stage.answer(GENERAL, ts)
        assert once(stage) == 1


def set_for_all(database: str, setting: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {connection.info.dbname} SET {setting}")


def sessions(stage: Stage) -> int:
    """Count the sessions that wait for a click or an event."""
    return stage.records.value(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name = 'approval-bot listeners'"
    )


def let_time_out(stage: Stage, request: str) -> None:
    """Let the time for a decision be over."""
    stage.records.rows(
        "UPDATE requests SET expires_at = bot_now() WHERE id = %s RETURNING id", request
    )


@asynccontextmanager
async def under_load(stage: Stage, load: int = LOAD) -> AsyncIterator[None]:
    """Clicks and messages during the trouble; then everything has happened once."""
    cards: list[tuple[Message, str]] = []
    before = len(stage.cards()), once(stage)
    for number in range(load):
        stage.put(f"{number}.txt")
        stage.put(f"kept-{number}.md", f"words {number}")
        cards.append(await asked(stage, f"delete {number}.txt"))
    writing = [asyncio.create_task(write(stage, n)) for n in range(load)]
    clicking = [asyncio.create_task(until_acked(stage, card)) for card, _ in cards]
    try:
        yield
        threads = await asyncio.gather(*writing)
        await asyncio.gather(*clicking)
    finally:
        for task in (*writing, *clicking):
            task.cancel()
    for ts in (*threads, *(ts for _, ts in cards)):
        await stage.until(lambda ts=ts: stage.answers(ts))
    for number, ts in enumerate(threads):
        assert f"words {number}" in str(stage.answers(ts))
    for card, _ in cards:
        await stage.until(lambda card=card: "Approved" in now(stage, card))
    await stage.rest()
    assert [len(stage.answers(ts)) for ts in threads] == [1] * load
    assert [len(stage.answers(ts)) for _, ts in cards] == [1] * load
    assert (len(stage.cards()), once(stage)) == (before[0] + load, before[1] + load)
    assert not list(stage.files.glob("*.txt"))


async def write(stage: Stage, number: int) -> str:
    """Ask for a file; Slack sends an event again until it is taken."""
    ts = await stage.ask(f"read kept-{number}.md")
    await stage.send_again(ts)
    return ts


async def until_acked(stage: Stage, card: Message) -> None:
    """Approve: whoever is told that it did not work clicks again."""
    while not (await stage.click(MINA, "approve", card)).acked:  # noqa: ASYNC110
        await asyncio.sleep(0.2)


def cut_all(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def fill_disk(database: str, table: str) -> None:
    """Let each insert fail as on a full disk, and count that."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"CREATE SEQUENCE full_{table}".encode())
        connection.execute(
            "CREATE OR REPLACE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql"
            " SECURITY DEFINER AS $$ BEGIN PERFORM nextval('full_' || TG_TABLE_NAME);"
            " RAISE EXCEPTION 'could not extend file: No space left on device'"
            " USING ERRCODE = '53100'; END $$"
        )
        trigger = f"CREATE TRIGGER aaa_full BEFORE INSERT ON {table} FOR EACH ROW"
        connection.execute(f"{trigger} EXECUTE FUNCTION no_space()".encode())


def refused_by_disk(database: str) -> set[str]:
    """The full tables that a write has met; a rollback resets no sequence."""
    rows = Records(database).rows(
        "SELECT substr(sequencename, 6) FROM pg_sequences"
        " WHERE starts_with(sequencename, 'full_') AND last_value IS NOT NULL"
    )
    return {table for (table,) in rows}


def empty_disk(database: str, table: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"DROP TRIGGER aaa_full ON {table}".encode())
        connection.execute(f"ALTER SEQUENCE full_{table} RESTART".encode())


def once(stage: Stage) -> int:
    """Count how often calls that people approved have begun."""
    return stage.records.value(
        "SELECT count(*) FROM audit WHERE event = 'claimed' AND request_id IN"
        " (SELECT request_id FROM decisions)"
    )


def now(stage: Stage, card: Message) -> str:
    return everything(stage.message(card["channel"], card["ts"]))
