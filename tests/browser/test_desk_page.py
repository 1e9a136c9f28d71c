"""App Home and `/approvals` as people see them on the simulator's page."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.support.bot_process import BotProcess
from tests.support.browser import picture, visit
from tests.support.page import act_as, ask, flaws, messages, open_app, open_channel, say

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_home_and_command_decide_on_the_page(browser: Browser, bot: BotProcess):
    async with visit(browser, bot.url) as page:
        await act_as(page, "Ravi")
        await open_channel(page, "general")
        for name in ("README.txt", "notes/todo.txt"):
            await ask(page, f"delete {name}")
            await expect(page.get_by_test_id("thread")).to_contain_text("Waiting for")
        await act_as(page, "Mina")
        await open_app(page)
        await page.get_by_role("tab", name="Home").click()
        home = page.get_by_test_id("app-home")
        await expect(home).to_contain_text("asks before it acts")
        await expect(home).to_contain_text("notes/todo.txt")
        await picture(page, "home")
        for width, scheme in ((390, "light"), (1280, "dark")):
            await page.set_viewport_size({"width": width, "height": 850})
            await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            await expect(home).to_be_visible()
            assert await flaws(page) == []
        await page.emulate_media(color_scheme="light")
        await home.get_by_role("button", name="Approve").first.click()
        await expect(home).to_contain_text("Approved: Delete README.txt")
        await open_channel(page, "general")
        await say(page, "/approvals")
        answer = messages(page).last
        await expect(answer).to_contain_text("notes/todo.txt")
        await answer.get_by_role("button", name="Reject").click()
        told = messages(page).filter(has_text="Rejected: Delete notes/todo.txt")
        await expect(told).to_be_visible()
