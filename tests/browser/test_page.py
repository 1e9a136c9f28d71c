"""The page with the whole bot behind it, from the first visit to the outcome."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.bot_process import BotProcess
from tests.support.browser import picture, visit
from tests.support.crashes import until
from tests.support.demo import MAREK, MINA
from tests.support.page import act_as, ask, card_about, messages, open_app, open_channel

pytestmark = pytest.mark.asyncio(loop_scope="session")


def put(bot: BotProcess, name: str) -> str:
    """Put a file where the agent finds it, so that each test has one of its own."""
    file = bot.folder / ".data/files" / name
    file.write_text("content")
    return name


def exists(bot: BotProcess, name: str) -> bool:
    return (bot.folder / ".data/files" / name).exists()


async def ask_to_delete(page: Page, name: str) -> None:
    await ask(page, f"delete {name}")
    thread = page.get_by_test_id("thread")
    await expect(thread).to_contain_text("Waiting for")
    await expect(thread).to_contain_text(name)


async def test_the_first_visit_says_what_to_do(browser: Browser, bot: BotProcess):
    async with visit(browser, bot.url) as page:
        await expect(page.get_by_role("heading", name="Try it")).to_be_visible()
        persons = page.get_by_test_id("person-switch")
        await expect(persons).to_contain_text("Mina — manager")
        await expect(persons).to_contain_text("Fay — finance")
        await expect(persons).to_contain_text("Dora — director")
        await expect(page).to_have_title("#general · Simulated workspace")
        scenes = page.get_by_test_id("guide").get_by_role("listitem")
        await expect(scenes).to_have_count(6)


async def test_an_outsiders_click_is_answered_privately_and_told_later(
    browser: Browser, bot: BotProcess
):
    name = put(bot, "told.txt")
    async with visit(browser, bot.url) as page:
        await ask_to_delete(page, name)
        await act_as(page, "Olaf")
        await open_channel(page, "approvals")
        card = card_about(page, name)
        await card.get_by_role("button", name="Approve").click()
        private = messages(page).last
        await expect(private).to_contain_text("Only visible to you")
        await expect(private).to_contain_text("You can't decide this one")
        assert exists(bot, name)
        await act_as(page, "Mina")
        await expect(card.get_by_role("button", name="Approve")).to_be_visible()
        await expect(page.get_by_text("Only visible to you")).to_have_count(0)
        await card.get_by_role("button", name="What happened").click()
        lines = page.get_by_test_id("history-lines").get_by_role("listitem")
        await expect(lines).to_have_count(4)

        await card.get_by_role("button", name="Approve").click()

        await expect(lines).to_have_count(7)
        told = await lines.all_inner_texts()
        for line, words in zip(
            told,
            [
                "@Ravi wrote to the agent in #general.",
                "The agent asked to run delete_file for @Ravi. The rule deleting wants",
                "The card was posted in #approvals.",
                "@Olaf clicked Approve and was refused: @Olaf is not among those",
                "@Mina approved.",
                "delete_file started.",
                "delete_file ran.",
            ],
            strict=True,
        ):
            assert words in line
        await picture(page, "what-happened")
        await page.keyboard.press("Escape")
        await expect(page.get_by_test_id("history")).to_be_hidden()


async def test_the_main_job_needs_no_mouse(browser: Browser, bot: BotProcess):
    name = put(bot, "keys.txt")
    async with visit(browser, bot.url) as page:
        await expect(page.get_by_test_id("composer")).to_be_focused()
        press = page.keyboard.press
        await page.keyboard.type("@App")
        await expect(page.get_by_role("option", name="@Approval Bot")).to_be_visible()
        await press("Enter")
        await page.keyboard.type(f"delete {name}")
        await press("Shift+Enter")
        await page.keyboard.type("please")
        await press("Enter")
        thread = page.get_by_test_id("thread")
        await expect(thread).to_contain_text("Waiting for")
        await press("Escape")
        await expect(thread).to_be_hidden()

        await page.get_by_test_id("person-switch").focus()
        await page.keyboard.type("Mina")
        await expect(page.get_by_test_id("person-switch")).to_have_value(MINA)
        await press("Tab")
        await press("ArrowDown")
        await press("Enter")
        card = card_about(page, name)
        await card.focus()
        await press("Tab")
        await expect(card.get_by_role("link", name="#general")).to_be_focused()
        await press("Tab")
        await expect(card.get_by_role("button", name="Approve")).to_be_focused()
        await press("Enter")
        await expect(card).to_contain_text("Approved by @Mina")
        await until(lambda: not exists(bot, name))


async def test_a_reload_in_the_middle_loses_nothing(browser: Browser, bot: BotProcess):
    name = put(bot, "reload.txt")
    async with visit(browser, bot.url) as page:
        await act_as(page, "Marek")
        await ask_to_delete(page, name)
        await page.get_by_test_id("composer").fill("half a thought")
        await page.reload()

        thread = page.get_by_test_id("thread")
        await expect(thread).to_contain_text("Waiting for")
        await expect(page.get_by_test_id("person-switch")).to_have_value(MAREK)
        await expect(page.get_by_test_id("composer")).to_have_value("half a thought")
        await thread.get_by_role("link", name="Open").click()
        await expect(page).to_have_title("#approvals · Simulated workspace")
        await expect(card_about(page, name)).to_be_visible()
        await page.go_back()
        await expect(page).to_have_title("#general · Simulated workspace")


async def test_direct_messages_need_no_mention_and_are_their_persons_own(
    browser: Browser, bot: BotProcess
):
    async with visit(browser, bot.url) as page:
        await open_app(page)
        await page.get_by_test_id("composer").fill("list reports")
        await page.get_by_test_id("composer").press("Enter")

        thread = page.get_by_test_id("thread")
        await expect(thread).to_contain_text("q2.csv")
        await expect(thread).to_contain_text("(offline model)")
        # Until the new person's own are there: a click on the old led nowhere.
        assert await page.evaluate(SWITCH, MAREK) == 0
        await open_app(page)
        await expect(page.get_by_test_id("tab-home")).to_be_visible()


SWITCH = """to => {
  const persons = document.querySelector("#person");
  persons.value = to;
  persons.dispatchEvent(new Event("change"));
  const old = "#direct button, #messages *, #replies *, #tabs:not([hidden])";
  return document.querySelectorAll(old).length;
}"""
