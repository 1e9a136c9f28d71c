"""Writing and reading on the page: mentions, marks, times, connections."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from bot.simulator import Simulator, demo_workspace
from tests.support.bot_process import free_port
from tests.support.browser import visit
from tests.support.crashes import until
from tests.support.demo import APPROVALS, GENERAL, PEOPLE
from tests.support.page import act_as, ask, messages, open_channel, say, visit_held
from tests.support.slack_app import SlackApp

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_message_without_a_mention_says_why_nothing_answers(
    browser: Browser, app: SlackApp
):
    async with visit(browser, app.simulator.base_url) as page:
        hint = page.get_by_test_id("composer-hint")
        await page.get_by_test_id("composer").fill("list files")
        await expect(hint).to_contain_text("hears only messages that mention it")
        await hint.get_by_role("button", name="Add the mention").click()
        box = page.get_by_test_id("composer")
        await expect(box).to_have_value("@Approval Bot list files")
        await expect(hint).to_be_empty()

        await say(page, "list files")
        await expect(hint).to_contain_text("No one answers")
        await hint.get_by_role("button", name="Send it again").click()
        thread = page.get_by_test_id("thread")
        await expect(thread).to_contain_text("You said: @Approval Bot list files")

        await say(page, "list files")
        await expect(hint).to_contain_text("No one answers")
        await ask(page, "list files once more")
        await expect(hint).to_be_empty()


async def test_the_answer_opens_beside_and_takes_no_focus(
    browser: Browser, app: SlackApp
):
    async with visit(browser, app.simulator.base_url) as page:
        await ask(page, "first")
        await page.get_by_test_id("composer").press_sequentially("second thought")
        thread = page.get_by_test_id("thread")
        await expect(thread).to_contain_text("You said: @Approval Bot first")
        await expect(page.get_by_test_id("composer")).to_be_focused()
        await expect(page.get_by_test_id("composer")).to_have_value("second thought")
        await thread.get_by_test_id("thread-composer").fill("@Approval Bot more")
        await thread.get_by_test_id("thread-send").click()
        await expect(thread).to_contain_text("@Approval Bot more")
        await expect(messages(page).last).to_contain_text("replies")


async def test_an_answer_opens_that_came_before_all_else(
    browser: Browser, app: SlackApp
):
    async with visit(browser, "about:blank", own=True) as page:
        connecting = await visit_held(page, app.simulator.base_url)
        (await connecting.get()).connect_to_server()
        await expect(page.get_by_test_id("composer")).to_be_focused()
        await act_as(page, "Mina")
        await ask(page, "early")
        await until(lambda: "You said" in str(app.simulator.messages(GENERAL)))
        (await connecting.get()).connect_to_server()
        thread = page.get_by_test_id("thread")
        await expect(thread).to_contain_text("You said: @Approval Bot early")


async def test_what_is_entered_before_the_connection_goes_out_with_it(
    browser: Browser, app: SlackApp
):
    async with visit(browser, "about:blank", own=True) as page:
        connecting = await visit_held(page, app.simulator.base_url)
        held, box = await connecting.get(), page.get_by_test_id("composer")
        await box.fill("early words")
        await box.press("Enter")
        held.connect_to_server()
        await expect(messages(page).last).to_contain_text("early words")
        await expect(box).to_have_value("")


async def test_unread_messages_are_marked(browser: Browser, app: SlackApp):
    async with visit(browser, app.simulator.base_url) as page:
        await open_channel(page, "approvals")
        await app.post(APPROVALS, text="Seen at once")
        await expect(messages(page).last).to_contain_text("Seen at once")
        await open_channel(page, "general")
        approvals = page.get_by_test_id(f"channel-{APPROVALS}")
        await expect(approvals).not_to_contain_text("unread")
        await app.post(APPROVALS, text="For all")
        await expect(approvals).to_contain_text("unread")
        await app.post(APPROVALS, text=f"For <@{PEOPLE['Ravi']}>")
        await expect(approvals.locator(".count")).to_have_text("1")
        await expect(page).to_have_title("(1) #general · Simulated workspace")

        await approvals.click()

        news = page.get_by_role("separator").filter(has_text="New")
        await expect(news).to_have_count(1)
        await expect(approvals.locator(".count")).to_have_count(0)
        await open_channel(page, "general")
        await open_channel(page, "approvals")
        await expect(news).to_have_count(0)


async def test_times_stand_in_the_visitors_zone(browser: Browser, app: SlackApp):
    async with visit(browser, app.simulator.base_url, timezone_id="Asia/Tokyo") as page:
        token = "<!date^1700000000^{date_num} {time}|long ago>"
        await app.post(GENERAL, text=f"At {token}")
        await expect(messages(page).last).to_contain_text("At 2023-11-15 7:13 AM")


async def test_a_name_opens_a_profile_with_an_act_as_button(
    browser: Browser, app: SlackApp
):
    async with visit(browser, app.simulator.base_url) as page:
        await app.post(GENERAL, text=f"<@{PEOPLE['Dora']}>, please decide")
        await messages(page).last.get_by_text("@Dora").click()
        await expect(page.locator("#profile")).to_contain_text("director")
        await page.get_by_role("button", name="Act as Dora").click()
        await expect(page.get_by_test_id("person-switch")).to_have_value(PEOPLE["Dora"])


async def test_news_are_said_to_screen_readers(browser: Browser, app: SlackApp):
    async with visit(browser, app.simulator.base_url) as page:
        await expect(page.get_by_test_id("composer")).to_be_focused()
        await app.post(GENERAL, text="Hear, *hear*")
        live = page.locator("#announce")
        await expect(live).to_have_text("Approval Bot: Hear, hear")
        await app.post(APPROVALS, text="Elsewhere")
        await expect(live).to_have_text("Approval Bot in #approvals: Elsewhere")
        await act_as(page, "Mina")
        await expect(live).to_have_text("You act as Mina now.")


async def test_arrow_keys_move_among_channels_and_messages(
    browser: Browser, app: SlackApp
):
    await app.post(GENERAL, text="one above")
    await app.post(GENERAL, text="one below")
    async with visit(browser, app.simulator.base_url) as page:
        # once it has the focus, the page moves the focus no more
        await expect(page.get_by_test_id("composer")).to_be_focused()
        await page.get_by_test_id(f"channel-{GENERAL}").focus()
        await page.keyboard.press("ArrowDown")
        await expect(page.get_by_test_id(f"channel-{APPROVALS}")).to_be_focused()
        await page.locator("#messages").focus()
        await page.keyboard.press("ArrowUp")
        await expect(messages(page).last).to_be_focused()
        await page.keyboard.press("ArrowUp")
        await expect(messages(page).nth(-2)).to_be_focused()
        await page.keyboard.press("F6")
        await expect(page.get_by_test_id("composer")).to_be_focused()


async def test_a_lost_connection_is_told_and_comes_back(browser: Browser):
    simulator = Simulator(demo_workspace(), bot_token="xoxb-1")
    port = free_port()  # that the system gives to nobody meanwhile
    await simulator.start(port=port)
    async with visit(browser, simulator.base_url) as page:
        lost = page.get_by_text("Connection lost. Trying again…")
        await expect(page.get_by_test_id("composer")).to_be_focused()
        await expect(lost).to_be_hidden()
        await simulator.stop()
        await expect(lost).to_be_visible()
        await say(page, "kept")
        await expect(page.get_by_text("cannot be reached").first).to_be_visible()
        await expect(page.get_by_test_id("composer")).to_have_value("kept")
        await simulator.start(port=port)
        await expect(lost).to_be_hidden()
        await page.get_by_test_id("send").click()
        await expect(messages(page).last).to_contain_text("kept")
    await simulator.stop()
