"""Cards, modals, App Home and the rest of the page, with a small app behind it."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Browser, Page, WebSocketRoute, expect

from tests.support import slack_samples as samples
from tests.support.browser import picture, visit
from tests.support.crashes import until
from tests.support.demo import APPROVALS, GENERAL, PEOPLE
from tests.support.page import act_as, messages, open_app, say
from tests.support.slack_app import SlackApp

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def post_card(app: SlackApp) -> None:
    await app.post(GENERAL, text="A card", blocks=samples.CARD)


async def open_form(page: Page, app: SlackApp) -> None:
    await post_card(app)
    await messages(page).last.get_by_role("button", name="Details").click()
    await expect(page.get_by_role("dialog", name="Every input")).to_be_visible()


async def test_a_card_looks_as_in_slack(browser: Browser, app: SlackApp):
    async with visit(browser, app.simulator.base_url) as page:
        await post_card(app)
        card = messages(page).last.get_by_test_id("card")
        await expect(card.get_by_role("heading")).to_contain_text("Every block 👋")
        await expect(card.locator("b", has_text="bold").first).to_be_visible()
        await expect(card.locator("ol > li")).to_have_count(2)
        await expect(card.locator("blockquote")).to_have_text("somebody's words")
        await expect(card.locator("pre")).to_have_text("exact\n  text <b>&amp;</b>")
        await expect(card.get_by_role("img", name="a red square")).to_be_visible()
        await expect(card.get_by_text("@Mina")).to_be_visible()
        await expect(card).not_to_contain_text("is not drawn here")
        # this app has no trail to show
        await expect(page.get_by_test_id("what-happened")).to_have_count(0)
        await card.get_by_role("link", name="#general").click()
        await expect(page).to_have_title("#general · Simulated workspace")


async def test_a_markdown_answer_is_laid_out(browser: Browser, app: SlackApp):
    async with visit(browser, app.simulator.base_url) as page:
        blocks = [{"type": "markdown", "text": samples.MARKDOWN}]
        await app.post(GENERAL, text="answer", blocks=blocks)
        answer = messages(page).last
        await expect(answer.get_by_role("heading", name="A heading")).to_be_visible()
        await expect(answer.get_by_role("table").get_by_role("row")).to_have_count(3)
        await expect(answer.locator("ul ul > li")).to_have_text("below one")
        await expect(answer.locator("ol > li")).to_have_text(["first", "second"])
        await expect(answer.locator("pre")).to_have_text('print("a | b")  # no table')
        await expect(answer.get_by_role("link", name="link")).to_have_attribute(
            "href", "https://example.com/"
        )


async def test_what_can_be_set_on_a_card_reaches_the_app(
    browser: Browser, app: SlackApp
):
    app.actions.clear()
    async with visit(browser, app.simulator.base_url) as page:
        await post_card(app)
        card = messages(page).last
        await card.get_by_role("button", name="Plain").click()
        await card.get_by_role("button", name="Careful").click()
        await page.get_by_role("button", name="Stop").click()
        await card.get_by_role("button", name="Careful").click()
        await expect(page.get_by_role("alertdialog", name="Really?")).to_be_visible()
        await page.get_by_role("button", name="Do it").click()
        await card.get_by_role("button", name="More actions").click()
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await card.get_by_label("A colour").select_option("green")
        await card.locator("input[type=date]").fill("2027-01-31")
        await card.get_by_role("checkbox", name="Fast").check()
        await card.get_by_role("radio", name="Blue").check()

        await until(lambda: len(app.actions) >= 7)
        by_id = {each["action_id"]: each for each in app.actions}
        assert len(by_id) == len(app.actions) == 7
        assert by_id["plain"]["value"] == "1"
        assert by_id["more"]["selected_option"]["value"] == "archive"
        assert by_id["colour"]["selected_option"]["value"] == "green"
        assert by_id["day"]["selected_date"] == "2027-01-31"
        assert [e["value"] for e in by_id["boxes"]["selected_options"]] == ["fast"]
        assert by_id["radio"]["selected_option"]["value"] == "blue"


async def fill_in(page: Page) -> None:
    form = page.get_by_test_id("modal")
    await form.get_by_label("Title").fill("taken")
    await form.get_by_label("Text").fill("one\ntwo")
    await form.get_by_label("Count").fill("7")
    await form.get_by_label("E-mail").fill("ravi@example.com")
    await form.get_by_label("Address").fill("https://example.com")
    await form.get_by_label("Colour", exact=True).select_option("red")
    many = form.get_by_role("group", name="Colours")
    await many.get_by_label("Red").check()
    await many.get_by_label("Blue").check()
    await form.get_by_label("Person").select_option(label="Dora")
    await form.get_by_label("Channel").select_option(label="#approvals")
    await form.get_by_label("Conversation").select_option(label="Approval Bot")
    await form.get_by_label("Day").fill("2027-02-01")
    await form.get_by_label("Time").fill("09:30")
    one = form.get_by_role("radiogroup", name="One of")
    await one.get_by_label("Green").check()


async def test_a_form_takes_every_kind_of_input(browser: Browser, app: SlackApp):
    async with visit(browser, app.simulator.base_url) as page:
        await open_form(page, app)
        form = page.get_by_test_id("modal")
        await form.get_by_role("button", name="Save").click()
        missing = form.get_by_text("Please complete this required field.")
        await expect(missing).to_have_count(7)
        await expect(form.get_by_label("Title")).to_be_focused()
        await picture(page, "modal-errors")
        await fill_in(page)
        await form.get_by_role("button", name="Save").click()
        await expect(form.get_by_text("This is taken.")).to_be_visible()
        await expect(missing).to_have_count(0)
        await form.get_by_label("Title").fill("free")
        await form.get_by_label("Title").press("Enter")
        await expect(form).to_be_hidden()

    values = {block: each["value"] for block, each in app.submitted.items()}
    assert values["title"]["value"] == "free"
    assert values["text"]["value"] == "one\ntwo"
    assert values["count"]["value"] == "7"
    assert values["colour"]["selected_option"]["value"] == "red"
    chosen = [each["value"] for each in values["many"]["selected_options"]]
    assert chosen == ["red", "blue"]
    assert values["person"]["selected_user"] == PEOPLE["Dora"]
    assert values["place"]["selected_channel"] == APPROVALS
    assert values["talk"]["selected_conversation"].startswith("D")
    assert values["day"]["selected_date"] == "2027-02-01"
    assert values["time"]["selected_time"] == "09:30"
    assert values["one"]["selected_option"]["value"] == "green"
    assert values["some"]["selected_options"] == []


async def test_views_lie_in_a_stack_and_keep_what_was_typed(
    browser: Browser, app: SlackApp
):
    app.closed.clear()
    async with visit(browser, app.simulator.base_url) as page:
        await open_form(page, app)
        form = page.get_by_test_id("modal")
        await form.get_by_label("Title").fill("half a title")
        await form.get_by_role("button", name="Push").click()
        await expect(page.get_by_role("dialog", name="On top")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(form.get_by_label("Title")).to_have_value("half a title")
        await form.get_by_role("button", name="Push").click()
        await expect(page.get_by_role("dialog", name="On top")).to_be_visible()
        await form.get_by_role("button", name="Close the dialog").click()
        await expect(form).to_be_hidden()
        await until(lambda: app.closed == ["form"])


async def test_an_open_form_survives_a_reload(browser: Browser, app: SlackApp):
    async with visit(browser, app.simulator.base_url) as page:
        await open_form(page, app)
        await page.reload()
        form = page.get_by_role("dialog", name="Every input")
        await expect(form).to_be_visible()
        await act_as(page, "Mina")
        await expect(form).to_be_hidden()
        await act_as(page, "Ravi")
        await expect(form).to_be_visible()
        for _ in range(2):  # the impatient press it twice
            await page.keyboard.press("Escape")
        await expect(form).to_be_hidden()


async def test_app_home_is_a_persons_own_page(browser: Browser, app: SlackApp):
    app.visits = 0
    async with visit(browser, app.simulator.base_url) as page:
        await open_app(page)
        await page.get_by_role("tab", name="Home").click()
        home = page.get_by_test_id("app-home")
        await expect(home).to_contain_text("Visit 1")
        await expect(page.get_by_test_id("composer")).to_be_hidden()
        await picture(page, "app-home")
        await home.get_by_role("button", name="Refresh").click()
        await expect(home).to_contain_text("Refreshed")
        await app.publish(PEOPLE["Ravi"], "Pushed by the app")
        await expect(home).to_contain_text("Pushed by the app")
        await app.publish(PEOPLE["Mina"], "Only for Mina")
        await page.reload()
        await expect(home).to_contain_text("Visit 2")
        await page.get_by_role("tab", name="Messages").click()
        await expect(page.get_by_test_id("composer")).to_be_visible()
        await expect(home).to_be_hidden()


async def test_a_private_message_is_for_one_person(browser: Browser, app: SlackApp):
    async with visit(browser, app.simulator.base_url) as page:
        await post_card(app)
        await messages(page).last.get_by_role("button", name="Whisper").click()
        whisper = messages(page).filter(has_text="A secret for @Ravi")
        await expect(whisper).to_contain_text("Only visible to you")
        await act_as(page, "Dora")
        await expect(page.get_by_test_id("card").last).to_be_visible()
        await expect(whisper).to_have_count(0)


async def test_a_private_message_behind_a_pane_is_pointed_out(
    browser: Browser, app: SlackApp
):
    async with visit(browser, app.simulator.base_url, width=820) as page:
        await post_card(app)
        card = messages(page).last
        await card.hover()
        await card.get_by_role("button", name="Reply in thread").click()
        await page.locator("#replies").get_by_role("button", name="Whisper").click()
        await page.get_by_role("button", name="Show").click()
        await expect(messages(page).last).to_contain_text("A secret for @Ravi")
        await expect(messages(page).last).to_be_focused()


async def test_an_app_that_does_not_answer_is_told(browser: Browser, app: SlackApp):
    async with visit(browser, app.simulator.base_url) as page:
        await post_card(app)
        card = messages(page).last
        await card.get_by_role("button", name="Silent").click()
        await expect(card.get_by_role("alert")).to_have_text(
            "Approval Bot did not respond. Try again."
        )


async def test_a_command_is_run_and_an_unknown_one_is_kept(
    browser: Browser, app: SlackApp
):
    async with visit(browser, app.simulator.base_url) as page:
        box = page.get_by_test_id("composer")
        await box.press_sequentially("/de")
        await page.get_by_role("option", name="/demo").click()
        await box.press_sequentially("some words")
        await box.press("Enter")
        answer = messages(page).filter(has_text="Only for you: some words")
        await expect(answer).to_contain_text("Only visible to you")
        await say(page, "/nonsense at all")
        await expect(page.locator("#toast")).to_contain_text("/nonsense is not")
        await expect(box).to_have_value("/nonsense at all")


async def test_a_command_typed_before_the_connection_still_gets_suggestions(
    browser: Browser, app: SlackApp
):
    known = asyncio.Event()

    async def slow(socket: WebSocketRoute) -> None:
        await known.wait()
        socket.connect_to_server()

    async with visit(browser, "about:blank", own=True) as page:
        await page.route_web_socket(re.compile("/page/live"), slow)
        await page.goto(app.simulator.base_url)
        await page.get_by_test_id("composer").press_sequentially("/de")
        known.set()
        await expect(page.get_by_test_id("composer")).to_have_attribute(
            "placeholder", re.compile("^Message #")
        )
        await expect(page.get_by_role("option", name="/demo")).to_be_visible()
