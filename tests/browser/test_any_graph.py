"""A graph of somebody else's on the page: a form, a batch, and an unknown end."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.support.asking_graph import ASKING, POLICY
from tests.support.bot_process import BotProcess, NewBot
from tests.support.browser import picture, visit
from tests.support.crashes import until
from tests.support.page import asked, card_about, messages, reads

pytestmark = pytest.mark.asyncio(loop_scope="session")
PAYMENTS = {
    "action_requests": [
        {"name": "pay", "args": {"to": "Ada", "amount": 7}},
        {"name": "pay", "args": {"to": "Bo", "amount": 9}},
    ],
    "review_configs": [
        {"action_name": "pay", "allowed_decisions": ["approve", "edit", "reject"]},
        {"action_name": "pay", "allowed_decisions": ["approve", "edit", "reject"]},
    ],
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def theirs(new_bot: NewBot) -> AsyncIterator[BotProcess]:
    """The bot with its simulator, serving a graph file that it has never seen."""
    async with new_bot(policy=POLICY, graph=ASKING) as process:
        yield process


async def test_the_guide_offers_what_the_graphs_file_says(
    browser: Browser, theirs: BotProcess
):
    async with visit(browser, theirs.url) as page:
        guide = page.get_by_test_id("guide")
        await expect(guide.get_by_role("listitem")).to_have_count(1)
        await expect(guide).to_contain_text("the graph answers")
        await guide.get_by_role("button", name="order").click()
        await expect(messages(page).last).to_contain_text("@Approval Bot order")


async def test_a_refused_form_keeps_its_values(browser: Browser, theirs: BotProcess):
    async with visit(browser, theirs.url, height=1000) as page:
        card = await asked(page, "order", "What do you order?")
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


async def test_all_of_a_batch_is_approved_by_one_click(
    browser: Browser, theirs: BotProcess
):
    async with visit(browser, theirs.url, height=1200) as page:
        card = await asked(page, f"ask {json.dumps(PAYMENTS)}", "Ada")
        await expect(card).to_contain_text("Bo")
        await picture(page, "graph-batch")
        await card.get_by_role("button", name="Approve all").click()
        await expect(card.get_by_role("button", name="Approve all")).to_have_count(0)
        await expect(card).to_contain_text("Approved by @Mina")
        await picture(page, "graph-batch-approved")
        await reads(page, "got {'decisions': [{'type': 'approve'}")


async def test_what_was_cut_off_is_marked_as_done(browser: Browser, theirs: BotProcess):
    ledger = theirs.folder / "ledger.txt"
    async with visit(browser, theirs.url, height=1000) as page:
        card = await asked(page, "effect slow", "slow")
        await card.get_by_role("button", name="Approve").click()
        await expect(card).to_contain_text("Approved by @Mina")
        await until(ledger.exists)
        # the simulator, which dies with the bot, writes down what it shows
        kept = theirs.folder / ".data/simulator.json"
        await until(lambda: "Approved by" in kept.read_text(encoding="utf-8"))
        await theirs.kill()
        await theirs.start()
        unknown = card_about(page, "Unknown")
        await expect(unknown).to_be_visible(timeout=60_000)
        await picture(page, "graph-unknown")
        await unknown.get_by_role("button", name="Mark as done").click()
        await expect(unknown).to_contain_text("Marked as done by @Mina")
        await expect(unknown.get_by_role("button", name="Ask again")).to_have_count(0)
        await picture(page, "graph-marked")
    assert ledger.read_text().split("\n")[:-1] == ["begun slow"]
