"""Signed links from outside: what shows, what decides, what is refused."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import re

import pytest

from tests.support.deciding import asked, request_of, transfers
from tests.support.demo import MAREK, MINA, OLAF
from tests.support.http_api import Api
from tests.support.link_browser import OUTSIDE, PUBLIC_URL, Browser, made, run_sql
from tests.support.playing import Board
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
STAGE = OUTSIDE
AGENTS = (
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) SafeLinks",
    "curl/8",
)


async def linked(
    stage: Stage, user: str = MINA, words: str = "transfer 7 GBP to alice"
) -> tuple[str, str]:
    """A request, and the token of a link to it."""
    card, _ = await asked(stage, words)
    request = request_of(card)
    return request, await made(stage, request, user)


async def test_a_link_shows_and_its_page_decides_once(shared: Stage):
    request, token = await linked(shared, words="transfer 41 GBP to alice")
    before, browser = len(transfers(shared)), Browser(shared.bot.url)

    page = await browser.open(token)
    assert page.status == 200
    for words in ("transfer_money", "amount 41", "Mina", "0 of 1 approved"):
        assert words in page.words
    said = await browser.post(token, form=page.form, decision="approve")
    assert (said.status, "Approved" in said.words) == (200, True)
    assert Board(shared, request).known_by("approved") == ["link"]
    await shared.simulator.wait_for(lambda: len(transfers(shared)) == before + 1)

    again = await browser.post(token, form=page.form, decision="approve")
    assert again.status == 403
    told = await browser.open(token)
    assert told.status == 403
    assert "Transfer 41.00 GBP to alice This link has been used" in told.words
    assert "approved by Mina" in told.words


async def test_threat_10_a_hundred_previews_decide_nothing(shared: Stage):
    request, token = await linked(shared)
    browser = Browser(shared.bot.url)
    for number in range(100):
        method = ("GET", "HEAD")[number % 2]
        agent = {"User-Agent": AGENTS[number % 3]}
        assert (await browser.open(token, method, **agent)).status == 200
    assert (await browser.open(token, "OPTIONS")).status == 405
    assert shared.records.status(request) == "pending"
    assert (await browser.decide(token, "reject")).status == 200


async def test_the_page_is_strict(shared: Stage):
    _, token = await linked(shared)
    page = await Browser(shared.bot.url).open(token)
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script" not in page.text
    style = re.search(r"<style>(.*?)</style>", page.text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    assert "noindex" in page.headers["X-Robots-Tag"]
    cookie = page.headers["Set-Cookie"]
    assert all(w in cookie for w in ("HttpOnly", "SameSite=Strict", "Secure"))
    assert token not in page.text, "nothing on the page hands it on"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Origin": PUBLIC_URL, "Sec-Fetch-Site": "cross-site"},
        {"Origin": f"{PUBLIC_URL}.evil.example"},
        {"Sec-Fetch-Site": "same-origin"},
    ],
)
async def test_threat_45_a_post_from_elsewhere_decides_nothing(
    shared: Stage, headers: dict[str, str]
):
    request, token = await linked(shared)
    browser = Browser(shared.bot.url)
    form = (await browser.open(token)).form
    data = {"form": form, "decision": "approve"}
    said = await browser.send("POST", token, data=data, headers=headers)
    assert said.status == 403
    assert shared.records.status(request) == "pending"


async def test_threat_45_a_form_works_only_in_its_browser_for_its_link(
    shared: Stage,
):
    request, token = await linked(shared)
    _, other = await linked(shared, words="transfer 8 GBP to alice")
    browser, stranger = Browser(shared.bot.url), Browser(shared.bot.url)
    form, others = (await browser.open(token)).form, (await browser.open(other)).form
    await stranger.open(token)
    for who, given in ((stranger, form), (browser, others), (browser, "")):
        said = await who.post(token, form=given, decision="approve")
        assert said.status == 403
    assert (await Browser(shared.bot.url).post(token, form=form)).status == 403
    assert shared.records.status(request) == "pending"


def forged(token: str) -> list[str]:
    """Tokens that nobody has signed, or that somebody signed otherwise."""
    body, _, signature = token.rpartition(".")
    weak = hmac.new(b"", body.encode(), hashlib.sha1).digest()
    plain = base64.urlsafe_b64encode(json.dumps({"u": MINA}).encode()).decode()
    return [
        body,
        f"{body}.",
        f"{body}.{signature[:-4]}",
        f"{body[:-2]}AA.{signature}",
        f"{body}.{base64.urlsafe_b64encode(weak).decode().rstrip('=')}",
        f"{token}x",
        f"{plain}.{signature}",
        "x" * 5_000,
        "%00",
        "..%2f..%2f",
    ]


async def test_threat_11_a_token_altered_or_for_something_else_is_refused(
    shared: Stage,
):
    request, token = await linked(shared)
    board, browser = Board(shared, request), Browser(shared.bot.url)
    other, _ = await linked(shared, words="transfer 8 GBP to alice")
    tokens = [
        *forged(token),
        await made(shared, request, MINA, secret="another-secret-0123456789-012345"),
        await made(shared, request, MINA, audience="https://other.example"),
        await made(shared, request, MINA, digest="0" * 64),
        await made(shared, request, MINA, digest=Board(shared, other).digest),
    ]
    run_sql(shared, "DELETE FROM links WHERE user_id = %s", MAREK)
    unknown = await made(shared, request, MAREK)
    run_sql(shared, "DELETE FROM links WHERE user_id = %s", MAREK)
    bodies = set()
    for each in [*tokens, unknown]:
        page = await browser.open(each)
        assert (page.status, page.form) == (403, ""), each
        said = await browser.post(each, form="x", decision="approve")
        assert said.status == 403
        bodies |= {page.text, said.text}
    assert len(bodies) == 1, "none of them is told what is wrong with it"
    assert board.is_open


async def test_threat_11_an_old_link_is_refused(shared: Stage):
    request, token = await linked(shared)
    browser = Browser(shared.bot.url)
    form = (await browser.open(token)).form
    run_sql(
        shared,
        "UPDATE links SET expires_at = bot_now() WHERE request_id = %s",
        request,
    )
    assert (await browser.open(token)).status == 403
    assert (await browser.post(token, form=form, decision="approve")).status == 403
    assert Board(shared, request).is_open


async def test_threat_11_a_link_for_arguments_that_were_edited_is_refused(
    shared: Stage,
):
    request, token = await linked(shared, user=MAREK, words="transfer 507 GBP to alice")
    board, browser = Board(shared, request), Browser(shared.bot.url)
    form = (await browser.open(token)).form
    edit = {"arguments": {**board.arguments, "amount": 1600}}
    assert (
        await Api(shared.bot.url).decide(MINA, request, "edit", **edit)
    ).status == 200
    assert (await browser.post(token, form=form, decision="approve")).status == 403
    assert board.stands() == "finance 0/1"


async def test_threat_11_a_link_of_somebody_who_may_not_decide_decides_nothing(
    shared: Stage,
):
    request, token = await linked(shared, user=OLAF)
    said = await Browser(shared.bot.url).decide(token, "approve")
    assert said.status == 403
    assert "You can't decide this" in said.words
    assert Board(shared, request).came_of("Olaf") == "not_in_group"


async def test_threat_11_of_many_posts_at_once_one_decides(shared: Stage):
    request, token = await linked(shared)
    browser = Browser(shared.bot.url)
    form = (await browser.open(token)).form
    posts = (browser.post(token, form=form, decision="reject") for _ in range(12))
    said = [each.status for each in await asyncio.gather(*posts)]
    assert sorted(said) == [200] + [403] * 11
    count = "SELECT count(*) FROM decisions WHERE request_id = %s"
    assert shared.records.value(count, request) == 1


async def test_a_word_that_decides_nothing_leaves_the_link_good(shared: Stage):
    request, token = await linked(shared, words="transfer 30000 GBP to alice")
    board, browser = Board(shared, request), Browser(shared.bot.url)
    wrong = await browser.decide(token, "approve", typed="3")
    assert (wrong.status, board.stands()) == (422, "managers 0/1")
    assert (await browser.decide(token, "approve", typed="30,000")).status == 200
    assert board.stands() == "finance 0/1"


async def test_untrusted_text_is_shown_and_does_nothing(shared: Stage):
    hostile = '<script>x</script>"\u202e\u200b&amp;'
    request, token = await linked_with(shared, hostile)
    page = await Browser(shared.bot.url).open(token)
    assert "<script" not in page.text
    assert r"\u{202E}\u{200B}&amp;" in page.words
    assert Board(shared, request).is_open


async def linked_with(stage: Stage, text: str) -> tuple[str, str]:
    """A request whose stored arguments hold any text."""
    request, _ = await linked(stage)
    stored = json.dumps(
        {"amount": 7, "currency": "GBP", "to": text}, ensure_ascii=False
    )
    run_sql(stage, "UPDATE requests SET arguments = %s WHERE id = %s", stored, request)
    return request, await made(stage, request, MINA)


async def test_threat_38_no_link_token_is_in_the_log_or_the_database(
    shared: Stage,
):
    request, token = await linked(shared)
    await Browser(shared.bot.url).decide(token, "reject")
    await Browser(shared.bot.url).open(token)
    assert token not in shared.bot.log
    rows = shared.records.rows("SELECT hash FROM links WHERE request_id = %s", request)
    assert rows == [(hashlib.sha256(token.encode()).hexdigest(),)]
