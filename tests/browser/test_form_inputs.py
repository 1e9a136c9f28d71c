"""A form that comes filled in, as a bot's edit form does, and what its answers do."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.support.browser import visit
from tests.support.page import CHANNELS, messages
from tests.support.simulated import actions, field, modal, plain
from tests.support.slack_app import SlackApp

pytestmark = pytest.mark.asyncio(loop_scope="session")


def options(*words: str) -> list[dict[str, Any]]:
    return [{"text": plain(word), "value": word.lower()} for word in words]


def filled(block_id: str, kind: str, *, optional: bool = False, **more: Any) -> Any:
    element = {"type": kind, "action_id": "v", **more}
    label = plain(block_id.title())
    return field(element, block_id, label=label, optional=optional)


CURRENCIES, FEES, FLAGS = (
    options("EUR", "GBP"),
    options("Ours", "Theirs"),
    options("Now"),
)
EDIT = modal(
    filled("to", "plain_text_input", initial_value="ACME"),
    filled("note", "plain_text_input", multiline=True, initial_value="one\ntwo"),
    filled("amount", "number_input", is_decimal_allowed=True, initial_value="1200.50"),
    filled("count", "number_input", is_decimal_allowed=False, optional=True),
    filled(
        "currency", "static_select", options=CURRENCIES, initial_option=CURRENCIES[1]
    ),
    filled("fee", "radio_buttons", options=FEES, initial_option=FEES[1]),
    filled("when", "checkboxes", options=FLAGS, initial_options=FLAGS, optional=True),
    callback_id="edit",
    title=plain("Edit"),
)
CONFIRM = {
    "title": plain("Transfer money?"),
    "text": plain("£1,200.50 go to ACME."),
    "confirm": plain("Transfer"),
    "deny": plain("Back"),
}
MENU = {
    "type": "overflow",
    "action_id": "edit_menu",
    "options": options("Edit"),
    "confirm": CONFIRM,
}


class Editing:
    """The app's answer to the form, and the values that it was sent."""

    def __init__(self, app: SlackApp) -> None:
        self.app = app
        self.answer: dict[str, Any] = {}
        self.values: dict[str, Any] = {}
        app.bolt.action("edit_menu")(self._open)
        app.bolt.view("edit")(self._take)

    async def _open(self, ack: Any, body: dict[str, Any]) -> None:
        await ack()
        trigger_id = body["trigger_id"]
        await self.app.client.views_open(trigger_id=trigger_id, view=EDIT)

    async def _take(self, ack: Any, view: dict[str, Any]) -> None:
        values = view["state"]["values"]
        self.values = {name: element["v"] for name, element in values.items()}
        await ack(**self.answer)


@pytest.fixture(scope="module")
def editing(lasting_app: SlackApp) -> Editing:
    return Editing(lasting_app)


async def opened(page: Page, editing: Editing) -> Locator:
    """The form, opened by a menu that asks first."""
    blocks = [actions(MENU)]
    await editing.app.post(CHANNELS["general"], text="A card", blocks=blocks)
    await messages(page).last.get_by_role("button", name="More actions").click()
    await page.get_by_role("menuitem", name="Edit").click()
    dialog = page.get_by_role("alertdialog", name="Transfer money?")
    await expect(dialog).to_contain_text("£1,200.50 go to ACME.")
    await expect(page.get_by_test_id("modal")).to_be_hidden()
    await dialog.get_by_role("button", name="Transfer").click()
    form = page.get_by_test_id("modal")
    await expect(form).to_be_visible()
    return form


async def test_a_filled_form_is_shown_and_sent_as_it_came(
    browser: Browser, editing: Editing
):
    editing.answer = {}
    async with visit(browser, editing.app.simulator.base_url) as page:
        form = await opened(page, editing)
        await expect(form.get_by_label("To")).to_have_value("ACME")
        await expect(form.get_by_label("Note")).to_have_value("one\ntwo")
        await expect(form.get_by_label("Amount")).to_have_value("1200.50")
        await expect(form.get_by_label("Currency")).to_have_value("gbp")
        await expect(form.get_by_role("radio", name="Theirs")).to_be_checked()
        await expect(form.get_by_role("checkbox", name="Now")).to_be_checked()
        await form.get_by_role("button", name="Title").click()
        await expect(form).to_be_hidden()
    values = editing.values
    assert values["to"] == {"type": "plain_text_input", "value": "ACME"}
    assert values["note"]["value"] == "one\ntwo"
    assert values["amount"] == {"type": "number_input", "value": "1200.50"}
    assert values["count"] == {"type": "number_input", "value": None}
    assert values["currency"]["selected_option"] == CURRENCIES[1]
    assert values["fee"]["selected_option"] == FEES[1]
    assert values["when"]["selected_options"] == FLAGS


async def test_a_complaint_stands_at_its_input_and_the_form_stays(
    browser: Browser, editing: Editing
):
    sentence = "Payments over £5,000 are not made from here."
    editing.answer = {"response_action": "errors", "errors": {"amount": sentence}}
    async with visit(browser, editing.app.simulator.base_url) as page:
        form = await opened(page, editing)
        amount = form.get_by_label("Amount")
        await amount.fill("9000")
        await form.get_by_role("checkbox", name="Now").uncheck()
        await form.get_by_role("button", name="Title").click()
        await expect(form.locator("[data-block=amount]")).to_contain_text(sentence)
        await expect(amount).to_be_focused()
        await expect(amount).to_have_value("9000")
        assert editing.values["when"]["selected_options"] == []
        editing.answer = {}
        await amount.fill("4000")
        await form.get_by_role("button", name="Title").click()
        await expect(form).to_be_hidden()
    assert editing.values["amount"]["value"] == "4000"


async def test_an_answer_may_put_another_view_there_or_clear_all(
    browser: Browser, editing: Editing
):
    said = modal({"type": "section", "text": plain("Too late.")}, title=plain("Sorry"))
    editing.answer = {"response_action": "update", "view": said}
    async with visit(browser, editing.app.simulator.base_url) as page:
        form = await opened(page, editing)
        await form.get_by_role("button", name="Title").click()
        await expect(page.get_by_role("dialog", name="Sorry")).to_contain_text(
            "Too late."
        )
        await page.keyboard.press("Escape")
        await expect(form).to_be_hidden()
        editing.answer = {"response_action": "clear"}
        form = await opened(page, editing)
        await form.get_by_role("button", name="Title").click()
        await expect(form).to_be_hidden()
