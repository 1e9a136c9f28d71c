"""The page of a signed link, and the mailbox in which a visitor finds it."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.support.bot_process import BotProcess
from tests.support.browser import picture, visit
from tests.support.demo import MAREK
from tests.support.page import link_to

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_on_a_phone_by_keyboard_with_a_reason(browser: Browser, bot: BotProcess):
    url = bot.url.replace("127.0.0.1", "localhost")
    async with visit(browser, url) as page:
        address = await link_to(page, bot, MAREK, "Dinner")
    assert address.startswith(f"{url}/approve/")
    phone = {"width": 360, "height": 740, "is_mobile": True, "has_touch": True}
    async with visit(browser, address, **phone) as page:
        heading = page.get_by_role("heading", level=1)
        await expect(heading).to_contain_text("E-mail Dinner to ann@example.com")
        await expect(page.get_by_role("table")).to_contain_text("ann@example.com")
        wide = "document.documentElement.scrollWidth > innerWidth"
        assert not await page.evaluate(wide), "nothing has to be scrolled sideways"
        buttons = page.get_by_role("button")
        for index in range(await buttons.count()):
            box = await buttons.nth(index).bounding_box()
            assert box is not None
            assert box["height"] >= 44
        await page.get_by_label("A reason, if you reject").fill("Not today.")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("button", name="Reject")).to_be_focused()
        await picture(page, "link-phone")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("Rejected")
        await expect(page.locator("ol")).to_contain_text("Not today.")
        await expect(page.get_by_role("button")).to_have_count(0)
