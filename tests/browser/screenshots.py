"""Make the README's screenshots: `python -m tests.browser.screenshots`.

It starts the bot in the simulator on a fresh database and plays the main job.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from playwright.async_api import Page, expect

from tests.support.bot_process import BotProcess
from tests.support.browser import chromium, find_chromium, visit
from tests.support.page import act_as, ask, card_about, open_channel
from tests.support.root import ROOT

TARGET = ROOT / "docs"
ASKED = "delete reports/q3.csv"


async def main() -> None:
    path = find_chromium()
    if path is None:
        raise SystemExit("No Chromium was found: apt-get install chromium")
    with tempfile.TemporaryDirectory(prefix="bot-shots-") as folder:
        bot = BotProcess(Path(folder), {})
        await bot.start()
        try:
            async with (
                chromium(path) as browser,
                visit(browser, bot.url, height=900, device_scale_factor=2) as page,
            ):
                await show_card(page)
                await show_page(page)
        finally:
            await bot.stop()


async def show_card(page: Page) -> None:
    """The card as the manager sees it, in the channel where it was asked for."""
    await open_channel(page, "approvals")
    await page.get_by_text("Try it in three steps").click()
    await ask(page, ASKED)
    await expect(page.get_by_test_id("thread")).to_contain_text("Open")
    await act_as(page, "Mina")
    card = card_about(page, "Waiting")
    await card.get_by_role("button", name="Approve").wait_for()
    await page.get_by_role("heading", name="Thread").hover()
    await card.screenshot(path=TARGET / "card.png")


async def show_page(page: Page) -> None:
    """The whole page: the card in its channel, and the conversation beside it."""
    await expect(page.get_by_test_id("thread")).to_contain_text("Waiting for")
    await page.evaluate("document.activeElement.blur()")
    await page.screenshot(path=TARGET / "page.png")


if __name__ == "__main__":
    asyncio.run(main())
