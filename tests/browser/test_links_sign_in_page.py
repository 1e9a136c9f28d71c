"""A link to something critical in a browser: to Slack's sign-in, and back."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.support.bot_process import BotProcess, NewBot
from tests.support.browser import visit
from tests.support.deciding import SHIPPED
from tests.support.demo import MINA
from tests.support.page import link_to

pytestmark = pytest.mark.asyncio(loop_scope="session")
CRITICAL = SHIPPED.replace("    links: true\n", "    links: true\n    critical: true\n")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def strict(new_bot: NewBot) -> AsyncIterator[BotProcess]:
    """The simulator, with e-mails that are critical."""
    async with new_bot(policy=CRITICAL) as process:
        yield process


async def test_who_signs_in_as_the_links_own_person_decides(
    browser: Browser, strict: BotProcess
):
    url = strict.url.replace("127.0.0.1", "localhost")
    async with visit(browser, url) as page:
        address = await link_to(page, strict, MINA, "Lunch")
        await page.goto(address)
        await expect(page.get_by_role("alert")).to_contain_text("critical")
        await expect(page.get_by_role("button")).to_have_count(0)
        await page.get_by_role("link", name="Sign in with Slack").click()
        await page.get_by_role("link", name="Sign in as Mina").click()

        await expect(page).to_have_url(address)
        await page.get_by_role("button", name="Approve").click()
        await expect(page.get_by_role("alert")).to_contain_text("Approved")
