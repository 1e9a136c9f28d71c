"""A graph of somebody else's on the page: what it offers, and a form."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.support.asking_graph import ASKING, POLICY
from tests.support.bot_process import BotProcess, NewBot
from tests.support.browser import picture, visit
from tests.support.page import act_as, card_about, messages, open_channel, reads

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def theirs(new_bot: NewBot) -> AsyncIterator[BotProcess]:
    """The bot with its simulator, serving a graph file that it has never seen."""
    async with new_bot(policy=POLICY, graph=ASKING) as process:
        yield process


async def test_a_graphs_offers_are_asked_and_a_refused_form_kept(
    browser: Browser, theirs: BotProcess
):
    async with visit(browser, theirs.url, height=1000) as page:
        guide = page.get_by_test_id("guide")
        await expect(guide.get_by_role("listitem")).to_have_count(1)
        await expect(guide).to_contain_text("the graph answers")
        await guide.get_by_role("button", name="order").click()
        await expect(messages(page).last).to_contain_text("@Approval Bot order")
        await act_as(page, "Mina")
        await open_channel(page, "approvals")
        card = card_about(page, "What do you order?")
        await card.get_by_role("button", name="Answer").click()
        form = page.get_by_test_id("modal")
        await form.get_by_label("item").fill("unicorn")
        await form.get_by_label("count").fill("3")
        await form.get_by_role("button", name="Send the answer").click()
        await expect(form).to_be_hidden()
        told = messages(page).filter(has_text="Only visible to you").last
        await expect(told).to_contain_text("a unicorn is not in stock")
        await expect(card).to_contain_text("a unicorn is not in stock")
        await picture(page, "graph-answer-refused")
        await card.get_by_role("button", name="Answer").click()
        await expect(form).to_contain_text("a unicorn is not in stock")
        await expect(form.get_by_label("count")).to_have_value("3")
        await picture(page, "graph-form-refused")
        await form.get_by_label("item").fill("tea")
        await form.get_by_role("button", name="Send the answer").click()
        await expect(form).to_be_hidden()
        await expect(card).to_contain_text("Answered")
        await reads(page, "got Order(item='tea', count=3, express=False)")
