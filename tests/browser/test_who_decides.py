"""Deciding, as a visitor plays it: a chain, an edit, a typed value."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.support.bot_process import BotProcess
from tests.support.browser import picture, visit
from tests.support.crashes import until
from tests.support.page import act_as, asked, reads
from tests.support.stage import SIGNED

pytestmark = pytest.mark.asyncio(loop_scope="session")
SANDBOX = ".data/files/.sandbox"


async def more(page: Page, card: Locator, item: str) -> Locator:
    """Choose in the card's menu; the form that opens."""
    await card.get_by_role("button", name="More actions").click()
    await page.get_by_role("menuitem", name=item).click()
    return page.get_by_test_id("modal")


def paid(bot: BotProcess, payee: str) -> list[tuple[str, int]]:
    """The transfers to a payee, each as currency and hundredths."""
    book = bot.folder / SANDBOX / "accounts.sqlite"
    query = "SELECT currency, pence FROM transfers WHERE payee = ?"
    with closing(sqlite3.connect(book)) as connection:
        return connection.execute(query, [payee]).fetchall()


async def test_a_chain_goes_from_mina_to_fay(browser: Browser, bot: BotProcess):
    async with visit(browser, bot.url, height=1000) as page:
        card = await asked(page, "transfer 1500 GBP to alice", "1500")
        await expect(card).to_contain_text("@Mina or @Marek for managers, then finance")
        await picture(page, "chain-1-managers")
        await card.get_by_role("button", name="Approve").click()
        dialog = page.get_by_role("alertdialog")
        await expect(dialog).to_contain_text("You approve this:")
        lines = (await dialog.inner_text()).splitlines()
        assert lines[-5:-2] == ['"to": "alice"', '"amount": 1500', '"currency": "GBP"']
        await picture(page, "chain-2-dialog")
        await dialog.get_by_role("button", name="Approve").click()

        await expect(card).to_contain_text("managers: approved by @Mina")
        await expect(card).to_contain_text("@Fay for finance")
        await act_as(page, "Fay")
        await card.get_by_role("button", name="1 reply").click()
        told = page.get_by_test_id("thread")
        await expect(told).to_contain_text("@Fay: your turn")
        await picture(page, "chain-3-finance")
        await card.get_by_role("button", name="Approve").click()
        await dialog.get_by_role("button", name="Approve").click()

        await expect(card).to_contain_text("Approved by @Mina and @Fay")
        await expect(card.get_by_role("button", name="Approve")).to_have_count(0)
        await picture(page, "chain-4-approved")
        await reads(page, SIGNED, "transferred GBP 1,500.00 to alice", asked="to alice")
        await picture(page, "chain-5-thread")
    assert paid(bot, "alice") == [("GBP", 150000)]


async def test_an_edit_is_typed_into_the_right_kind_of_inputs(
    browser: Browser, bot: BotProcess
):
    async with visit(browser, bot.url, height=1000) as page:
        card = await asked(page, "transfer 90 GBP to bob", "90")
        form = await more(page, card, "Edit")
        await expect(form.get_by_label("to", exact=True)).to_have_value("bob")
        amount = form.get_by_label("amount")
        await expect(amount).to_have_value("90")
        await picture(page, "edit-1-form")
        await amount.fill("-5")
        await form.get_by_role("button", name="Save and approve").click()
        await expect(form).to_contain_text("do not fit the tool")
        await expect(amount).to_be_focused()
        await picture(page, "edit-2-error")
        await amount.fill("120.50")
        await form.get_by_label("currency").select_option(label="EUR")
        await form.get_by_role("button", name="Save and approve").click()
        await expect(form).to_be_hidden()

        await expect(card).to_contain_text('"amount": 90 → 120.5')
        await expect(card).to_contain_text('"currency": "GBP" → "EUR"')
        await expect(card).to_contain_text("Approved by @Mina (with edits)")
        await picture(page, "edit-3-card")
        told = ("A person changed", "transferred EUR 120.50 to bob")
        await reads(page, SIGNED, *told, asked="to bob")
        await picture(page, "edit-4-thread")
    assert paid(bot, "bob") == [("EUR", 12050)]


async def test_a_database_goes_when_two_have_typed_its_name(
    browser: Browser, bot: BotProcess
):
    async with visit(browser, bot.url, height=1000) as page:
        card = await asked(page, "drop database staging", "staging")
        await picture(page, "typed-1-card")
        await card.get_by_role("button", name="Approve").click()
        form = page.get_by_test_id("modal")
        name = form.get_by_label("To approve, type the value of name")
        await name.fill("stagin")
        await form.get_by_role("button", name="Approve").click()
        await expect(form).to_contain_text("That isn't the value of name")
        await picture(page, "typed-2-wrong")
        await name.fill("staging")
        await name.press("Enter")
        await expect(form).to_be_hidden()

        await expect(card).to_contain_text("managers: approved by")
        database = bot.folder / SANDBOX / "databases/staging.sqlite"
        assert database.exists()
        await act_as(page, "Dora")
        await card.get_by_role("button", name="Approve").click()
        await name.fill("staging")
        await form.get_by_role("button", name="Approve").click()
        await expect(card).to_contain_text("Approved by @Mina and @Dora")
        await until(lambda: not database.exists())
