"""A visitor's acts on the simulator's page, and a check of its looks."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from playwright.async_api import Locator, Page, WebSocketRoute, expect

from tests.support.bot_process import BotProcess
from tests.support.demo import APPROVALS, GENERAL, PEOPLE

CHANNELS = {"general": GENERAL, "approvals": APPROVALS}
SCRIPTS = Path(__file__).parent


async def visit_held(page: Page, url: str) -> asyncio.Queue[WebSocketRoute]:
    """Go to a page whose live connections wait, each until the test connects it."""
    held: asyncio.Queue[WebSocketRoute] = asyncio.Queue()
    await page.route_web_socket(re.compile("/page/live"), held.put)
    await page.goto(url)
    return held


async def act_as(page: Page, name: str) -> None:
    await page.get_by_test_id("person-switch").select_option(PEOPLE[name])


async def open_channel(page: Page, name: str) -> None:
    await page.get_by_test_id(f"channel-{CHANNELS[name]}").click()
    await expect(page).to_have_title(re.compile(f"#{name}"))


async def open_app(page: Page) -> None:
    """Open the direct messages with the app."""
    await page.get_by_role("navigation").get_by_role("button", name="Bot").click()


async def ask(page: Page, text: str) -> None:
    """Mention the bot in the channel that is open."""
    await say(page, f"@Approval Bot {text}")


async def asked(page: Page, text: str, words: str) -> Locator:
    """Ask as Ravi in #general, and look at the card with these words as Mina."""
    await act_as(page, "Ravi")
    await open_channel(page, "general")
    await ask(page, text)
    thread = page.get_by_test_id("thread")
    await expect(thread).to_contain_text("Waiting for")
    await act_as(page, "Mina")
    await open_channel(page, "approvals")
    return card_about(page, words)


async def say(page: Page, text: str) -> None:
    """Write a message, or a command, as it is."""
    await page.get_by_test_id("composer").fill(text)
    await page.get_by_test_id("send").click()


def messages(page: Page) -> Locator:
    """The messages of the channel, without those of a thread beside it."""
    return page.locator("#messages").get_by_test_id("message")


def card_about(page: Page, words: str) -> Locator:
    """The newest message of the channel with these words."""
    return messages(page).filter(has_text=words).last


async def flaws(page: Page) -> list[str]:
    """Find what sticks out of the page sideways, is hard to read, or has no name."""
    script = (SCRIPTS / "page_flaws.js").read_text(encoding="utf-8")
    return await page.evaluate(script)


async def reads(page: Page, *words: str, asked: str = "") -> None:
    """Ravi reads these words in the thread of what he has asked last."""
    await act_as(page, "Ravi")
    await open_channel(page, "general")
    replies = re.compile(r"^\d+ repl")  # 1 reply, 2 replies
    mine = messages(page).filter(has_text=asked)
    await mine.get_by_role("button", name=replies).last.click()
    thread = page.get_by_test_id("thread")
    for said in words:
        await expect(thread).to_contain_text(said)


async def link_to(page: Page, bot: BotProcess, user: str, words: str) -> str:
    """Ask for an e-mail as Ravi, and follow the link in somebody's mailbox."""
    await act_as(page, "Ravi")
    await open_channel(page, "general")
    await ask(page, f"email ann@example.com about {words}: At noon.")
    await expect(messages(page).last).to_contain_text(words)  # it has left this page
    await page.goto(f"{bot.url}/mailbox?user={user}".replace("127.0.0.1", "localhost"))
    mail = page.get_by_role("article").filter(has_text=words).first
    for _ in range(40):
        if await mail.count():
            break
        await page.wait_for_timeout(250)
        await page.reload()
    inside = mail.frame_locator("iframe")
    link = inside.get_by_role("link").filter(has_text="/approve/")
    return await link.get_attribute("href") or ""
