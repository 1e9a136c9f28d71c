"""Checkpoints: on a schedule, at critical decisions, and wherever they go."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.approvals.transitions import reject_by_operator
from bot.audit.chain import Checkpoint, read_checkpoints, sign
from bot.audit.checkpoints import FolderSink, Notary, SinkFailed, WebhookSink
from bot.base.errors import RetryLater
from bot.process.outside import make_sink
from tests.support.house import POLICY, REJECT, House, parsed
from tests.support.people import MINA, TEAM
from tests.support.trail_parts import SEED, SIGNED, verified

HOUR = dt.timedelta(hours=1)
CRITICAL = POLICY.replace("tools: [sign]", "tools: [sign]\n    critical: true")


@dataclass
class Kept:
    """A sink that keeps in memory, or fails."""

    taken: list[Checkpoint] = field(default_factory=list)
    fails: bool = False

    async def take(self, checkpoint: Checkpoint) -> None:
        if self.fails:
            raise SinkFailed("It is away.")
        self.taken.append(checkpoint)


def notary(house: House, sink: Kept, seed: bytes | None = SEED) -> Notary:
    return Notary(house.pool, house.queue, seed, sink, HOUR)


async def test_a_grown_chain_is_signed_once_in_an_interval(house: House):
    sink = Kept()
    ours = notary(house, sink)
    await ours.look()
    assert await house.jobs("checkpoint") == []
    await house.write()
    await house.forget_jobs()
    await ours.look()
    await ours.look()
    [job] = await house.jobs()
    assert (job.name, job.lock) == ("checkpoint", f"checkpoint {TEAM}")
    await ours.sign(**job.arguments)
    await house.forget_jobs()
    [signed] = sink.taken
    assert signed.is_genuine
    assert (signed.team, signed.number) == (TEAM, 1)
    assert await verified(house, signed) == []

    await ours.sign(TEAM)  # nothing has been added
    assert len(sink.taken) == 1
    await house.write()
    await house.forget_jobs()
    await ours.look()
    assert await house.jobs("checkpoint") == []
    await house.pass_time(hours=1.1)
    await ours.look()
    assert len(await house.jobs("checkpoint")) == 1


async def test_a_sink_that_is_away_is_tried_again_and_told(house: House):
    sink = Kept(fails=True)
    ours = notary(house, sink)
    await house.write()
    with pytest.raises(RetryLater):
        await ours.sign(TEAM)
    assert ours.trouble == "It is away."
    assert await house.one("SELECT count(*) FROM audit_checkpoints") == 0
    sink.fails = False
    await ours.sign(TEAM)
    assert ours.trouble == ""
    assert len(sink.taken) == 1


async def test_without_a_key_nothing_is_signed(house: House):
    sink = Kept()
    await house.write()
    ours = notary(house, sink, seed=None)
    await ours.look()
    assert await house.jobs("checkpoint") == []
    await ours.sign(TEAM)
    assert sink.taken == []


async def test_each_decision_of_a_critical_rule_asks_for_a_checkpoint(house: House):
    house.policies.current = parsed(CRITICAL)
    request = await house.ask("sign")
    for user in (MINA, "U0DANA"):
        await house.forget_jobs()
        await house.click(user, request)
        assert len(await house.jobs("checkpoint")) == 1
    other = await house.ask()
    await house.forget_jobs()
    await house.click(MINA, other)
    assert await house.jobs("checkpoint") == []


async def test_what_was_critical_stays_so_and_what_becomes_so_is(house: House):
    house.policies.current = parsed(CRITICAL)
    before = await house.ask("sign")
    house.policies.current = parsed(POLICY)
    after = await house.ask("sign")
    await house.forget_jobs()
    await house.click(MINA, before)
    assert len(await house.jobs("checkpoint")) == 1
    house.policies.current = parsed(CRITICAL)
    await house.forget_jobs()
    await house.click(MINA, after)
    assert len(await house.jobs("checkpoint")) == 1


async def test_a_critical_timeout_and_the_operators_brake_count_too(house: House):
    house.policies.current = parsed(CRITICAL)
    request, other = await house.ask("sign"), await house.ask("sign")
    await house.forget_jobs()
    await reject_by_operator(house.pool, house.queue, other.id, "stop", "operator a")
    assert len(await house.jobs("checkpoint")) == 1
    await house.pass_time(hours=25)
    await house.forget_jobs()
    await house.click(MINA, request, REJECT)
    assert len(await house.jobs("checkpoint")) == 1


async def test_a_folder_keeps_each_once_and_writes_over_none(tmp_path: Path):
    folder = FolderSink(tmp_path / "new" / "sink")
    other = sign(SEED, team=TEAM, number=7, hash="cd" * 32, at=SIGNED.at)
    for each in (SIGNED, SIGNED, other):
        await folder.take(each)
    files = sorted(folder.path.iterdir())
    assert [file.name for file in files] == [
        "T1-000000000007-abababababab.json",
        "T1-000000000007-cdcdcdcdcdcd.json",
    ]
    assert read_checkpoints(files[0].read_text()) == [SIGNED]


async def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SinkFailed, match="cannot be written"):
        await FolderSink(tmp_path / "file" / "sink").take(SIGNED)


@asynccontextmanager
async def listening(status: int) -> AsyncIterator[tuple[TestServer, list[str]]]:
    """A receiver on this machine, and what it got."""
    got: list[str] = []

    async def receive(request: web.Request) -> web.Response:
        got.append(await request.text())
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    app = web.Application()
    app.router.add_post("/in", receive)
    app.router.add_route("*", "/elsewhere", receive)
    async with TestServer(app) as server:
        yield server, got


@pytest.mark.parametrize("status", [200, 204, 302, 400, 500])
async def test_a_webhook_takes_it_with_a_status_of_2xx_alone(status: int):
    async with listening(status) as (server, got):
        sink = WebhookSink(str(server.make_url("/in")), allow_private=True)
        if status < 300:
            await sink.take(SIGNED)
        else:
            with pytest.raises(SinkFailed, match=str(status)):
                await sink.take(SIGNED)
    assert list(map(json.loads, got)) == [json.loads(SIGNED.line)]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "127。0。0。1"])
async def test_threat_44_a_webhook_goes_to_public_addresses_alone(host: str):
    async with listening(200) as (server, got):
        sink = WebhookSink(f"http://{host}:{server.port}/in")
        with pytest.raises(SinkFailed, match="cannot be reached"):
            await sink.take(SIGNED)
    assert not got


class FakeClient:
    def __init__(self) -> None:
        self.posted: list[dict] = []

    async def chat_postMessage(self, **given) -> None:  # noqa: N802
        self.posted.append(given)


async def test_a_channel_gets_it_as_a_message():
    client = FakeClient()
    await make_sink("C0AUDIT001", False, client).take(SIGNED)  # type: ignore[arg-type]
    [posted] = client.posted
    assert posted["channel"] == "C0AUDIT001"
    assert posted["unfurl_links"] is False
    assert read_checkpoints(posted["text"]) == [SIGNED]
