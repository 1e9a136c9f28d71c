"""Make the README's screenshots: `python -m tests.browser.screenshots`.

It starts the bot in the simulator on a fresh database and plays a scene, both sides at
once.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from playwright.async_api import Page, expect

from tests.support.bot_process import BotProcess
from tests.support.browser import chromium, find_chromium, visit
from tests.support.root import ROOT

TARGET = ROOT / "docs"
SCENE = "Delete a file"


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
                visit(
                    browser, f"{bot.url}/both", height=800, device_scale_factor=2
                ) as page,
            ):
                await show_both_sides(page)
        finally:
            await bot.stop()


async def show_both_sides(page: Page) -> None:
    """Two stills: the request waits; it was approved, and the agent has gone on."""
    asks = page.frame_locator('iframe[title="Who asks"]')
    decides = page.frame_locator('iframe[title="Who decides"]')
    for side in (asks, decides):
        await expect(side.get_by_test_id("composer")).to_be_visible()
    await page.get_by_role("button", name=SCENE).click()
    approve = decides.get_by_role("button", name="Approve").last
    await expect(approve).to_be_visible()
    await expect(asks.get_by_test_id("thread")).to_contain_text("Waiting for")
    await page.screenshot(path=TARGET / "both-sides.png")

    await approve.click()
    await expect(asks.get_by_test_id("thread")).to_contain_text("(offline model)")
    await expect(approve).to_be_hidden()
    await page.screenshot(path=TARGET / "both-sides-approved.png")


if __name__ == "__main__":
    asyncio.run(main())
