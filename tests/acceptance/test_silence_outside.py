"""A stage that ends sooner than its request: what the API, a link, an e-mail say."""

from __future__ import annotations

import datetime as dt

import pytest

from bot.texts.formatting import utc
from tests.support.deciding import SANDBOX, raised
from tests.support.demo import MAREK, MINA, OLAF, RAVI
from tests.support.http_api import API_TOKENS, Api
from tests.support.link_browser import LINKS, Browser, made, run_sql, with_links
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
SOON = with_links(SANDBOX["policy"]).replace(
    "    stages: [{approvers: managers}]\n  - name: transfers-over-1000",
    "    stages: [{approvers: managers, timeout: 1h}]\n  - name: transfers-over-1000",
)
STAGE = {**SANDBOX, **LINKS, "policy": SOON, "API_TOKENS": API_TOKENS}


async def test_they_say_when_silence_rejects_it_as_the_card_does(shared: Stage):
    request = await raised(shared)
    seen = (await Api(shared.bot.url).get(MINA, f"/api/approvals/{request}")).body
    at, until = (
        dt.datetime.fromisoformat(seen[name]) for name in ("raised_at", "expires_at")
    )
    assert dt.timedelta(minutes=59) < until - at < dt.timedelta(minutes=61)
    page = await Browser(shared.bot.url).open(await made(shared, request, MINA))
    assert f"Decide by {utc(until)}" in page.words


async def test_after_it_each_word_is_told_that_it_timed_out(shared: Stage):
    request = await raised(shared)
    token = await made(shared, request, MINA)
    browser, api = Browser(shared.bot.url), Api(shared.bot.url)
    form = (await browser.open(token)).form
    run_sql(
        shared,
        "UPDATE stages SET opened_at = bot_now() - interval '2 h' "
        "WHERE request_id = %s",
        request,
    )

    for user in (MINA, MAREK, RAVI):
        for word in ("approve", "reject"):
            said = await api.decide(user, request, word)
            assert (said.status, said.word) == (410, "timed_out")
            assert said.body["message"].startswith("This request timed out, ")
    assert (await api.decide(OLAF, request, "approve")).status == 404
    late = await browser.post(token, form=form, decision="approve")
    assert late.status == 410
    assert "This request timed out" in late.words
    assert shared.records.decisions(request) == []
    assert shared.records.status(request) == "timed_out"
