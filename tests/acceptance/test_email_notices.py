"""E-mails about requests from outside: who gets which, with a link that decides."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from bot.simulator.simulator import demo_workspace
from tests.support.deciding import SANDBOX, asked, request_of
from tests.support.demo import FAY, MAREK, MINA, RAVI
from tests.support.link_browser import LINKS, PUBLIC_URL, Browser, with_links
from tests.support.playing import Board
from tests.support.smtp_server import Got, SmtpServer, smtp_server
from tests.support.stage import NewStage, Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
MANAGERS = (MINA, MAREK)
ADDRESS = {user.id: user.email for user in demo_workspace().users.values()}
POLICY = (
    with_links(SANDBOX["policy"])
    .replace("{approvers: managers}]", "{approvers: managers, notify: [slack, email]}]")
    .replace(
        "- approvers: managers\n",
        "- approvers: managers\n        notify: [slack, email]\n",
    )
)


@pytest.fixture(scope="module")
def server() -> Iterator[SmtpServer]:
    with smtp_server() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(new_stage: NewStage, server: SmtpServer) -> AsyncIterator[Stage]:
    settings = {**SANDBOX, **LINKS, **server.settings, "policy": POLICY}
    async with new_stage(**settings) as made:
        yield made


TITLE = "Transfer `1,700.00` `GBP` to `alice`"


async def got(stage: Stage, server: SmtpServer, user: str, words: str) -> Got:
    """Wait for the newest e-mail to somebody with these words in its subject."""

    def found() -> list[Got]:
        mails = server.to(ADDRESS[user])
        return [each for each in mails if words in each.message["Subject"]]

    return (await stage.simulator.wait_for(found, timeout=30))[-1]


async def test_who_can_decide_gets_a_link_and_decides_by_it(
    stage: Stage, server: SmtpServer
):
    stage.simulator.workspace.users[MINA].tz = "Asia/Kolkata"
    card, _ = await asked(stage, "transfer 1700 GBP to alice")
    board = Board(stage, request_of(card))
    code = stage.records.value("SELECT code FROM requests WHERE id = %s", board.request)
    mail = await got(stage, server, MINA, code)
    assert mail.message["Subject"] == f"Approval needed: {TITLE} ({code})"
    assert mail.message["Auto-Submitted"] == "auto-generated"
    for form in (mail.text, mail.html):
        assert "Ravi (U0RAVI0000) asked. You can decide." in form
        assert "1700" in form
        assert re.search(r"Decide by \d+ \w+ \d{4} \d\d:\d\d IST\.", form)
    [address] = re.findall(rf"{PUBLIC_URL}/approve/(\S+)", mail.text)
    assert f'href="{PUBLIC_URL}/approve/{address}"' in mail.html

    said = await Browser(stage.bot.url).decide(address, "approve")
    assert (said.status, board.stands()) == (200, "finance 0/1")
    assert re.search(r"approved by .*, \d+ \w+ \d{4} \d\d:\d\d IST", said.text)
    await stage.rest()
    assert not server.to(ADDRESS[FAY]), "her stage tells by Slack alone"
    await stage.click(FAY, "reject", stage.message(card["channel"], card["ts"]))
    outcome = await got(stage, server, RAVI, code)
    assert outcome.message["Subject"] == f"Rejected: {TITLE} ({code})"
    assert "Rejected by Fay (U0FAY00000)" in outcome.text
    assert "/approve/" not in outcome.text


async def test_what_the_model_wrote_is_shown_and_does_nothing(
    stage: Stage, server: SmtpServer
):
    await asked(stage, "delete `&lt;img src=x&gt;\u202e.txt`")
    mail = await got(stage, server, MINA, "Delete `")
    assert "<img" not in mail.html
    assert r"<img src=x>\u{202E}.txt" in mail.text


async def test_a_server_that_is_away_for_a_while_loses_nothing(
    stage: Stage, server: SmtpServer
):
    server.refuse = "451 Try again"
    card, _ = await asked(stage, "transfer 3 GBP to alice")
    request = request_of(card)
    query = "SELECT state, tries FROM emails WHERE request_id = %s"

    def tried() -> bool:
        rows = stage.records.rows(query, request)
        return len(rows) == len(MANAGERS) and all(row[1] for row in rows)

    await stage.simulator.wait_for(tried, timeout=30)
    server.refuse = ""
    await stage.simulator.wait_for(
        lambda: {row[0] for row in stage.records.rows(query, request)} == {"sent"},
        timeout=30,
    )
    ids = [each.message["Message-ID"] for each in server.got]
    assert len(ids) == len(set(ids))
