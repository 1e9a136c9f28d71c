"""The page at three widths and in both themes: nothing sticks out, all can be read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from bot.audit.report import page_of
from bot.simulator.page_acts import HistoryLine
from tests.support import slack_samples as samples
from tests.support.browser import picture, visit
from tests.support.crashes import until
from tests.support.demo import APPROVALS, GENERAL, RAVI
from tests.support.page import flaws, messages, open_app
from tests.support.slack_app import SlackApp, slack_app

pytestmark = pytest.mark.asyncio(loop_scope="session")
#: Each width and each theme: a theme moves nothing, and a width colours nothing.
SIGHTS = [(1280, "light"), (1280, "dark"), (820, "light"), (390, "dark")]
LONG = [
    {"type": "header", "text": samples.plain("W" * 140)},
    {"type": "section", "text": samples.mrkdwn("y" * 2000)},
    {
        "type": "section",
        "fields": [samples.mrkdwn("f" * 300), samples.mrkdwn("g" * 300)],
    },
    {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_preformatted",
                "elements": [{"type": "text", "text": "z" * 2000}],
            }
        ],
    },
    {
        "type": "actions",
        "elements": [samples.button("b" * 75, "a"), samples.button("c" * 75, "d")],
    },
]


async def history(_channel: str, _ts: str) -> list[HistoryLine]:
    texts = ["<@U0RAVI0000> wrote to the agent in <#C0GENERAL0>.", "x" * 300]
    return [HistoryLine(datetime.now(UTC), text) for text in texts]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def filled(browser: Browser) -> AsyncIterator[SlackApp]:
    """An app, with something of every kind posted."""
    async with slack_app(history=history) as app:
        markdown = [{"type": "markdown", "text": samples.MARKDOWN}]
        await app.post(GENERAL, text="answer", blocks=markdown)
        await app.post(GENERAL, text=f"https://example.com/{'a' * 300} `{'c' * 300}`")
        ts = await app.post(GENERAL, text="card", blocks=samples.CARD)
        await app.post(GENERAL, text="A reply", thread_ts=ts)
        app.simulator.workspace.name_thread(GENERAL, ts, "A title " * 30)
        await app.post(APPROVALS, text="long", blocks=LONG)
        yield app


async def look(page: Page, name: str) -> None:
    """Keep a picture of each width and theme, and find no flaw in any."""
    for width, scheme in SIGHTS:
        await page.set_viewport_size({"width": width, "height": 850})
        await page.emulate_media(color_scheme=scheme)
        await picture(page, f"{name}-{width}-{scheme}")
        assert await flaws(page) == [], f"{name} at {width}, {scheme}"


async def test_a_channel_is_sound(browser: Browser, filled: SlackApp):
    async with visit(browser, filled.simulator.base_url) as page:
        await expect(messages(page).last).to_contain_text("Every block")
        await look(page, "channel")


async def test_a_thread_is_sound(browser: Browser, filled: SlackApp):
    async with visit(browser, filled.simulator.base_url) as page:
        await page.get_by_role("button", name="1 reply").click()
        await expect(page.get_by_test_id("thread")).to_contain_text("A reply")
        await look(page, "thread")


async def test_what_happened_is_sound(browser: Browser, filled: SlackApp):
    async with visit(browser, filled.simulator.base_url) as page:
        await page.get_by_role("button", name="What happened").first.click()
        await expect(page.get_by_test_id("history")).to_contain_text("xxx")
        await look(page, "history")


async def test_a_card_of_long_words_is_sound(browser: Browser, filled: SlackApp):
    url = f"{filled.simulator.base_url}/archives/{APPROVALS}"
    async with visit(browser, url) as page:
        await expect(messages(page).last).to_contain_text("zzz")
        await look(page, "long")


async def test_a_form_with_errors_is_sound(browser: Browser, filled: SlackApp):
    async with visit(browser, filled.simulator.base_url) as page:
        await messages(page).last.get_by_role("button", name="Details").click()
        modal = page.get_by_role("dialog", name="Every input")
        await modal.get_by_role("button", name="Save").click()
        await expect(modal.get_by_text("required field").first).to_be_visible()
        await look(page, "form")
        await page.keyboard.press("Escape")
        # the page hides it before the app knows
        await until(lambda: not filled.simulator.open_views(RAVI))


async def test_app_home_is_sound(browser: Browser, filled: SlackApp):
    async with visit(browser, filled.simulator.base_url) as page:
        await open_app(page)
        await page.get_by_role("tab", name="Home").click()
        await expect(page.get_by_test_id("app-home")).to_contain_text("Visit")
        await look(page, "home")


async def test_a_narrow_phone_has_all_within_reach(browser: Browser, filled: SlackApp):
    options = {"width": 360, "height": 640, "is_mobile": True, "has_touch": True}
    async with visit(browser, filled.simulator.base_url, **options) as page:
        await expect(messages(page).last).to_contain_text("Every block")
        assert await flaws(page) == []
        await page.get_by_role("button", name="Channels").tap()
        await expect(page.get_by_role("navigation")).to_be_visible()
        assert await flaws(page) == []
        await page.get_by_test_id(f"channel-{APPROVALS}").tap()
        await expect(page.get_by_role("navigation")).to_be_hidden()
        await messages(page).last.get_by_role("button", name="Reply in thread").tap()
        thread = page.get_by_test_id("thread")
        await expect(thread).to_be_visible()
        assert await flaws(page) == []
        await picture(page, "phone-thread")
        await thread.get_by_role("button", name="Close the thread").tap()
        await expect(messages(page).last).to_be_visible()


AT, ROW = "2026-11-29T12:00:00+00:00", {"tool": "delete_file", "request": "1Zj_" * 5}
REPORT = {
    "from": AT,
    "until": AT,
    "requests": {"count": 1, "by_tool": {"delete_file": 1}},
    "outcomes": {"approved": 2, "timed_out": 1},
    "runs": {"ran": 1},
    "stages": [{"group": "m", "decision": "stage_passed", "count": 1, "people": 2}],
    "by_approver": [{"actor": "U0MINA00000", "count": 3, "rejected": 1}],
    "time_to_decide": {"under 1 minute": 2},
    "refused_attempts": [
        {"at": AT, "actor": "U0OLAF00000", "verdict": "approve", "via": "slack", **ROW}
        | {"word": "not_in_group"}
    ],
    "self_approval_attempts": [],
    "decisions_within_3_seconds": [
        {"at": AT, "actor": "U0MINA00000", "decision": "approved", **ROW}
        | {"milliseconds": 900}
    ],
    "policies": [{"policy": "f0" * 32, "loaded": AT, "requests": 3}],
    "feedback": {"good": 1},
    "exports_taken": 1,
    "verify": {
        "good": True,
        "rows": 9,
        "heads": {"T1": {"number": 9, "hash": "a" * 64}},
    },
}


async def test_the_audit_report_fits_a_phone_and_a_desk(browser: Browser):
    async with visit(browser, "about:blank", own=True) as page:
        await page.set_content(page_of(REPORT, {"U0MINA00000": "Mina"}))
        for width in (1280, 390):
            await page.set_viewport_size({"width": width, "height": 850})
            await picture(page, f"report-{width}")
            assert await flaws(page) == [], f"at {width}"
            label = page.get_by_role("columnheader", name="tried to")
            assert await label.is_visible() == (width == 1280)
