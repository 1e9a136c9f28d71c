"""The tool `send_email` from outside: approved, sent once, or nobody knows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.support.deciding import asked, filled_in, opened, request_of, shows
from tests.support.demo import GENERAL, MINA
from tests.support.shown import everything
from tests.support.smtp_server import SENDER, SmtpServer, smtp_server
from tests.support.stage import NewStage, Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
ASK = "email ann@example.com about Lunch: See you at noon."
STATE = "SELECT state FROM grants WHERE request_id = %s"


@pytest.fixture(scope="module")
def lasting_server() -> Iterator[SmtpServer]:
    with smtp_server() as running:
        yield running


@pytest.fixture
def server(lasting_server: SmtpServer) -> Iterator[SmtpServer]:
    """The mail server, which has got nothing yet and behaves again afterwards."""
    server = lasting_server
    server.got.clear()
    server.recipients_seen = 0
    yield server
    server.slow_recipient = server.slow_data = 0
    server.refuse, server.drop = "", False


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(
    new_stage: NewStage, lasting_server: SmtpServer
) -> AsyncIterator[Stage]:
    """One bot that sends its e-mails to the server."""
    async with new_stage(**lasting_server.settings) as made:
        yield made


async def test_it_is_sent_when_it_is_approved_and_not_before(
    stage: Stage, server: SmtpServer
):
    card, ts = await asked(stage, ASK)
    for words in ("send_email", "ann@example.com", "Lunch", "See you at noon."):
        assert words in everything(card)
    assert server.got == []

    await stage.click(MINA, "approve", card)
    assert "Sent the e-mail" in await stage.answer(GENERAL, ts)
    [got] = server.got
    assert (got.sender, got.recipients) == (SENDER, ["ann@example.com"])
    assert got.message["Subject"] == "Lunch"
    assert got.text.strip() == "See you at noon."


async def test_what_people_edit_is_what_is_sent(stage: Stage, server: SmtpServer):
    card, ts = await asked(stage, ASK)
    view = await opened(stage, MINA, card, "edit")
    await filled_in(stage, MINA, view, body="At one.")
    await stage.answer(GENERAL, ts)
    assert [each.text.strip() for each in server.got] == ["At one."]


async def test_a_mail_servers_refusal_is_reported_and_nothing_is_sent(
    stage: Stage, server: SmtpServer
):
    server.refuse = "550 No such person"
    card, ts = await asked(stage, ASK)
    await stage.click(MINA, "approve", card)
    assert "was not sent" in await stage.answer(GENERAL, ts)
    assert server.got == []
    assert stage.records.value(STATE, request_of(card)) == "failed"


@pytest.mark.parametrize("where", ["slow_recipient", "slow_data"])
async def test_killed_at_a_slow_server_it_is_never_sent_again(
    stage: Stage, server: SmtpServer, where: str
):
    setattr(server, where, 15)
    card, ts = await asked(stage, ASK)
    await stage.click(MINA, "approve", card)
    sending = (lambda: server.got) if where == "slow_data" else _seen(server)
    await stage.simulator.wait_for(sending)
    await stage.outcome(card, "Approved")  # not in the middle of drawing it
    await stage.rest()
    await stage.bot.kill()
    setattr(server, where, 0)
    stage.bots.clear()
    await stage.start_bot()

    await stage.simulator.wait_for(
        lambda: stage.records.value(STATE, request_of(card)) == "unknown",
        timeout=60,
    )
    await shows(stage, card, "Unknown")
    assert "unknown" in await stage.answer(GENERAL, ts)
    await stage.rest()
    assert len(server.got) == (where == "slow_data")


def _seen(server: SmtpServer):
    return lambda: server.recipients_seen


async def test_a_server_that_falls_silent_leaves_it_unknown(
    stage: Stage, server: SmtpServer
):
    card, ts = await asked(stage, ASK)
    server.drop = True
    await stage.click(MINA, "approve", card)
    await shows(stage, card, "Unknown")
    assert "unknown" in await stage.answer(GENERAL, ts)
    assert stage.records.value(STATE, request_of(card)) == "unknown"
    assert len(server.got) == 1
