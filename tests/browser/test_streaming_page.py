"""An answer on the page as it is written: a status, words that grow, steps."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, expect

from tests.support.bot_process import BotProcess, NewBot
from tests.support.browser import picture, visit
from tests.support.page import ask, flaws, messages, open_app, say

pytestmark = pytest.mark.asyncio(loop_scope="session")
WORDS = [f"word{number}" for number in range(80)]
# A look from here may come when all of them are there.
NOTE_WHAT_BEGINS = """word => {
  new MutationObserver((_, observer) => {
    window.begun = document.querySelector("#replies").textContent;
    if (window.begun.includes(word)) observer.disconnect();
  }).observe(document.body, {childList: true, subtree: true, characterData: true});
}"""


# It thinks for longer than the 0.3 s after which a status is shown.
THINKING = """
import asyncio
from langchain_core.messages import AIMessage
from langgraph.graph import START, MessagesState, StateGraph

async def think(state):
    await asyncio.sleep(2)
    return {"messages": [AIMessage("Thought about it.")]}

graph = StateGraph(MessagesState).add_node(think).add_edge(START, "think").compile()
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def thinking(new_bot: NewBot) -> AsyncIterator[BotProcess]:
    """The bot with a graph that is silent for two seconds."""
    async with new_bot(graph=THINKING) as process:
        yield process


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def slow(new_bot: NewBot) -> AsyncIterator[BotProcess]:
    """The bot with a model that takes its time."""
    async with new_bot(word="0.04") as process:
        files = process.folder / ".data/files"
        (files / "long.txt").write_text(" ".join(WORDS))
        (files / "longer.txt").write_text(" ".join(WORDS * 10))  # long enough to stop
        yield process


async def test_a_status_stands_while_the_agent_thinks(
    browser: Browser, thinking: BotProcess
):
    async with visit(browser, thinking.url) as page:
        await ask(page, "what do you think?")
        status = page.locator(".status")
        await expect(status.first).to_contain_text("Approval Bot is")
        await expect(page.get_by_test_id("thread")).to_contain_text("Thought about it.")
        await expect(status).to_have_count(0)


async def test_the_words_of_an_answer_grow(browser: Browser, slow: BotProcess):
    async with visit(browser, slow.url) as page:
        await page.evaluate(NOTE_WHAT_BEGINS, WORDS[0])
        await ask(page, "read long.txt")
        thread = page.get_by_test_id("thread")
        await expect(thread).to_contain_text(WORDS[0])
        assert WORDS[-1] not in await page.evaluate("begun")
        await picture(page, "streaming")
        await expect(thread).to_contain_text(WORDS[-1])
        await expect(thread).to_contain_text("Read long.txt")
        await expect(page.locator(".status")).to_have_count(0)
        answers = thread.get_by_test_id("message").filter(has_text=WORDS[0])
        await expect(answers).to_have_count(1)
        await expect(messages(page).last).to_contain_text("1 reply")
        await answers.get_by_role("button", name="was good").click()
        await expect(thread).to_contain_text("Noted that this answer was good")


async def test_a_message_is_edited_in_place_and_a_turn_stopped(
    browser: Browser, slow: BotProcess
):
    async with visit(browser, slow.url) as page:
        await say(page, "a note of mine")
        mine = messages(page).filter(has_text="a note of mine")
        await tool(mine.last, "Edit")
        box = page.get_by_test_id("editor")
        await expect(box).to_be_focused()
        await expect(box).to_have_value("a note of mine")
        assert await flaws(page) == []
        await box.press("Escape")
        await expect(box).to_have_count(0)
        await tool(mine.last, "Edit")
        await box.fill(" ")
        save = messages(page).get_by_role("button", name="Save")
        await expect(save).to_be_disabled()
        await box.fill("a better note")
        await box.press("Enter")
        await expect(messages(page).last).to_contain_text("a better note (edited)")
        await tool(messages(page).last, "Delete")
        await expect(messages(page).filter(has_text="a better note")).to_have_count(0)

        await open_app(page)
        await page.get_by_role("button", name="Show the files").click()
        thread = page.get_by_test_id("thread")
        await expect(thread.get_by_role("heading")).to_contain_text("list")
        await expect(page.get_by_test_id("stop")).to_have_count(0)  # that turn's
        await say(page, "read longer.txt")
        await page.get_by_test_id("stop").first.click()
        await expect(thread).to_contain_text("Stopped")


async def tool(message: Locator, name: str) -> None:
    await message.hover()
    await message.get_by_role("button", name=name, exact=True).click()
