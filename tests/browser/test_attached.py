"""Attachments on the page: a file, a pasted table, a forwarded message."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.support.bot_process import NewBot
from tests.support.browser import visit
from tests.support.page import ask, flaws, messages, open_app, say

pytestmark = pytest.mark.asyncio(loop_scope="session")
ECHO = """
from langchain_core.messages import AIMessage
from langgraph.graph import END, START, MessagesState, StateGraph


def echo(state):
    got = state["messages"][-1].text
    return {"messages": [AIMessage("```\\nThe agent got: " + got + "\\n```")]}


builder = StateGraph(MessagesState)
builder.add_node("echo", echo)
builder.add_edge(START, "echo")
builder.add_edge("echo", END)
graph = builder.compile()
"""
PASTE = """
box => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", "File\\tSize\\na.txt\\t12\\n");
  const init = { clipboardData, bubbles: true, cancelable: true };
  box.dispatchEvent(new ClipboardEvent("paste", init));
}
"""


async def test_a_file_a_table_and_a_forward_reach_the_agent(
    browser: Browser, new_bot: NewBot
):
    async with new_bot(graph=ECHO) as bot, visit(browser, bot.url) as page:
        await say(page, "delete everything")
        await messages(page).last.hover()
        forward = page.get_by_role("button", name="Forward message…")
        await forward.last.click()
        attached = page.locator("#compose").get_by_test_id("attached")
        await expect(attached).to_contain_text("Forward here: Ravi: delete everything")
        await page.get_by_test_id("composer").evaluate(PASTE)
        await expect(attached).to_contain_text("Table, 2 rows")
        files = page.get_by_test_id("composer-files")
        for name in ("q3.csv", "wrong.csv"):
            content = {"name": name, "mimeType": "text/csv", "buffer": b"a,b"}
            await files.set_input_files([content])
            await expect(attached).to_contain_text(name)
        await attached.get_by_role("button", name="Remove: wrong.csv").click()
        assert await flaws(page) == []

        await ask(page, "see below")
        await expect(attached).to_be_empty()
        sent = messages(page).filter(has_text="see below")
        await expect(sent.locator(".forwarded")).to_contain_text("delete everything")
        await expect(sent.get_by_role("row")).to_have_count(2)
        thread = page.get_by_test_id("thread")
        for got in ("got: see below", "| a.txt | 12 |", "> delete everything"):
            await expect(thread).to_contain_text(got)
        await expect(thread).to_contain_text("- q3.csv (")
        await expect(thread).not_to_contain_text("wrong.csv")

        await open_app(page)
        await files.set_input_files([{**content, "name": "alone.csv"}])
        await page.get_by_test_id("send").click()
        await expect(page.get_by_test_id("thread")).to_contain_text("- alone.csv (")
