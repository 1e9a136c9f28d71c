"""Links for what is critical: nothing is decided before a sign-in with Slack."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import aiohttp
import pytest

from bot.simulator.sign_ins import Given
from tests.support.deciding import SANDBOX, asked, request_of, transfers
from tests.support.demo import MAREK, MINA
from tests.support.link_browser import LINKS, PUBLIC_URL, Browser, made, with_links
from tests.support.playing import Board
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
CLIENT = {"SLACK_CLIENT_ID": "1000000000.2000000000", "SLACK_CLIENT_SECRET": "s" * 32}
CRITICAL = with_links(SANDBOX["policy"]).replace(
    "    links: true\n", "    links: true\n    critical: true\n"
)
STAGE = {**SANDBOX, **LINKS, **CLIENT, "policy": CRITICAL}


@dataclass
class Visitor:
    """A browser that follows the way to Slack and back."""

    stage: Stage
    browser: Browser
    token: str

    async def goes(self) -> str:
        """The address at Slack."""
        answer = await self.browser.get(f"{self.token}?sign-in")
        assert answer.status == 303, answer.text
        return answer.headers["Location"]

    async def signs_in(self, user: str, address: str) -> str:
        """The address that Slack sends the browser to, as seen from here."""
        self.stage.simulator.workspace.sign_ins.client_secret = "s" * 32
        parts = urlsplit(address)
        query = {name: each[0] for name, each in parse_qs(parts.query).items()}
        asked_for = urlunsplit(parts._replace(query=urlencode({**query, "as": user})))
        async with (
            aiohttp.ClientSession() as session,
            session.get(asked_for, allow_redirects=False) as answer,
        ):
            assert answer.status == 302, await answer.text()
            return answer.headers["Location"].removeprefix(f"{PUBLIC_URL}/approve/")

    async def comes_back(self, user: str) -> tuple[int, str]:
        """Sign in as somebody, and what the bot says to it."""
        back = await self.signs_in(user, await self.goes())
        page = await self.browser.get(back)
        return page.status, page.words


async def visitor(stage: Stage, amount: int) -> tuple[str, Visitor]:
    card, _ = await asked(stage, f"transfer {amount} GBP to alice")
    request = request_of(card)
    token = await made(stage, request, MINA)
    return request, Visitor(stage, Browser(stage.bot.url), token)


async def test_who_the_link_is_for_signs_in_and_decides(shared: Stage):
    request, mina = await visitor(shared, 61)
    before = len(transfers(shared))
    page = await mina.browser.open(mina.token)
    assert (page.status, page.form) == (200, "")
    assert "Sign in with Slack" in page.words
    assert "amount 61" in page.words

    assert await mina.comes_back(MINA) == (303, "")
    page = await mina.browser.open(mina.token)
    said = await mina.browser.post(mina.token, form=page.form, decision="approve")
    assert (said.status, "Approved" in said.words) == (200, True)
    await shared.simulator.wait_for(lambda: len(transfers(shared)) == before + 1)
    assert Board(shared, request).known_by("approved") == ["link+sign-in"]


async def test_threat_11_without_a_sign_in_nothing_critical_is_decided(shared: Stage):
    request, mina = await visitor(shared, 62)
    other_request, other = await visitor(shared, 63)
    await other.comes_back(MINA)
    form = (await other.browser.open(other.token)).form
    mina.browser.cookies = {**other.browser.cookies}
    assert (await mina.browser.open(mina.token)).form == "", "it is for one link alone"
    for given in (form, "x"):
        said = await mina.browser.post(mina.token, form=given, decision="approve")
        assert said.status == 403
    del other.browser.cookies["signed-in"]
    said = await other.browser.post(other.token, form=form, decision="approve")
    assert (said.status, "Sign in with Slack" in said.words) == (403, True)
    assert Board(shared, request).is_open
    assert Board(shared, other_request).is_open


async def test_threat_11_signing_in_as_someone_else_is_refused_and_recorded(
    shared: Stage,
):
    request, mina = await visitor(shared, 64)
    status, words = await mina.comes_back(MAREK)
    assert (status, "as someone else" in words) == (403, True)
    assert "signed-in" not in mina.browser.cookies
    board = Board(shared, request)
    assert (board.is_open, board.came_of("Marek")) == (True, "signed_in_as_another")
    assert board.known_by("refused") == ["link+sign-in"]


async def test_threat_11_a_sign_in_of_another_browser_is_not_taken(shared: Stage):
    _, mina = await visitor(shared, 65)
    back = await mina.signs_in(MINA, await mina.goes())
    stranger = Browser(shared.bot.url)
    assert (await stranger.get(back)).status == 403, "it had not gone to Slack"
    await Visitor(shared, stranger, mina.token).goes()
    assert (await stranger.get(back)).status == 403, "with another state"
    assert (await mina.browser.get("signed-in?code=x")).status == 403
    assert "signed-in" not in stranger.cookies


async def test_threat_11_a_code_is_good_once_and_for_its_own_nonce(shared: Stage):
    _, mina = await visitor(shared, 66)
    address = await mina.goes()
    back = await mina.signs_in(MINA, address)
    assert (await mina.browser.get(back)).status == 303
    mina.browser.cookies.pop("signed-in")
    address = await mina.goes()
    state = parse_qs(urlsplit(address).query)["state"][0]
    used = parse_qs(back.partition("?")[2])["code"][0]
    given = Given(MINA, "T0SIMULATE", f"{PUBLIC_URL}/approve/signed-in", "other", 2e10)
    stolen = shared.simulator.workspace.sign_ins.give(given)
    for code in (used, stolen, "", "x" * 2_000):
        query = urlencode({"code": code, "state": state})
        assert (await mina.browser.get(f"signed-in?{query}")).status == 403
    assert "signed-in" not in mina.browser.cookies


async def test_slack_that_is_away_is_said(shared: Stage):
    _, mina = await visitor(shared, 67)
    back = await mina.signs_in(MINA, await mina.goes())
    shared.simulator.faults.add("openid.connect.token", kind="server_error")
    page = await mina.browser.get(back)
    assert page.status == 503
    assert "Slack doesn't tell me who you are" in page.words


async def test_threat_38_no_secret_of_a_sign_in_is_in_the_log(shared: Stage):
    _, mina = await visitor(shared, 68)
    back = await mina.signs_in(MINA, await mina.goes())
    await mina.browser.get(back)
    code = parse_qs(back.partition("?")[2])["code"][0]
    for secret in (mina.token, code, "s" * 32, mina.browser.cookies["signed-in"]):
        assert secret not in shared.bot.log
