"""The things that a newcomer meets: the guide, both sides, the simulator's own."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Browser, Request, Route, expect

from tests.support.bot_process import BotProcess
from tests.support.browser import picture, visit
from tests.support.demo import GENERAL, PEOPLE
from tests.support.page import act_as, flaws, messages, open_channel, visit_held
from tests.support.slack_app import SlackApp

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_one_click_plays_a_scene_to_its_end(browser: Browser, bot: BotProcess):
    async with visit(browser, bot.url, width=390, height=844) as page:
        guide, steps = page.get_by_test_id("guide"), page.locator("#next")
        await guide.get_by_role("button", name="Transfer money").click()
        await expect(guide).to_be_hidden()
        await expect(page.get_by_test_id("thread")).to_contain_text("Waiting for")
        assert await flaws(page) == []
        await page.set_viewport_size({"width": 1280, "height": 800})
        assert await flaws(page) == []
        await page.set_viewport_size({"width": 390, "height": 844})

        for name in ("Mina", "Fay"):
            await steps.get_by_role("button", name=name).click()
            card = messages(page).last
            await expect(card).to_contain_text(f"@{name}")
            await card.get_by_role("button", name="Approve").click()
            await page.get_by_role("alertdialog").get_by_role("button").last.click()
            await expect(page.get_by_role("alertdialog")).to_be_hidden()
        await expect(card).to_contain_text("Approved")
        await expect(card.get_by_test_id("what-happened")).to_have_count(1)
        await steps.get_by_role("button", name="Ravi again").click()
        await expect(page.get_by_test_id("thread")).to_contain_text("(offline model)")


@pytest.mark.parametrize("path", ["", "/both"])
async def test_scenes_are_offered_when_they_can_be_played(
    browser: Browser, bot: BotProcess, path: str
):
    async with visit(browser, "about:blank", own=True) as page:
        connecting = await visit_held(page, f"{bot.url}{path}")
        held = await connecting.get()
        scenes = page.locator("#scenes").get_by_role("button")
        await expect(scenes).to_have_count(0)
        held.connect_to_server()
        if path:  # the page of both sides has two
            (await connecting.get()).connect_to_server()
        await expect(scenes).not_to_have_count(0)


async def test_nothing_can_be_clicked_before_it_works(browser: Browser, app: SlackApp):
    async with visit(browser, "about:blank", own=True) as page:
        asking: asyncio.Queue[Route] = asyncio.Queue()
        await page.route("**/page/start", asking.put)
        await page.goto(app.simulator.base_url)
        held = await asking.get()
        layout = page.locator("#layout")
        await expect(layout).to_have_js_property("inert", True)
        await held.continue_()
        await page.get_by_role("button", name="Guide", exact=True).click()
        await expect(page.get_by_test_id("guide")).to_be_hidden()


async def test_the_guide_stands_beside_the_conversation(
    browser: Browser, bot: BotProcess
):
    async with visit(browser, bot.url) as page:
        await expect(page.get_by_test_id("guide")).to_be_visible()
        for width in (1280, 820, 390):
            await page.set_viewport_size({"width": width, "height": 844})
            boxes = [await page.locator(f).bounding_box() for f in ("#guide", ".main")]
            guide, main = boxes
            assert guide
            assert main
            beside = guide["x"] >= main["x"] + main["width"]
            above = guide["y"] + guide["height"] <= main["y"]
            assert beside or above, width
        switch = page.get_by_role("button", name="Guide", exact=True)
        await page.get_by_role("button", name="Fold the guide").click()
        await expect(page.get_by_test_id("guide")).to_be_hidden()
        await page.reload()
        await expect(switch).to_have_attribute("aria-expanded", "false")
        await switch.click()
        await expect(page.get_by_test_id("guide")).to_be_visible()


async def test_a_card_folds_the_guide_and_is_a_deciders_mention(
    browser: Browser, bot: BotProcess
):
    async with visit(browser, bot.url) as page, visit(browser, bot.url) as other:
        await open_channel(page, "approvals")
        await other.get_by_role("button", name="Delete a file").click()
        await expect(messages(page).last).to_contain_text("reports/q3.csv")
        await expect(page.get_by_test_id("guide")).to_be_hidden()

        await page.reload()  # the card is there already
        await expect(messages(page).last).to_contain_text("reports/q3.csv")
        await expect(page.get_by_test_id("guide")).to_be_hidden()

        approvals = other.get_by_test_id("channel-C0APPROVAL")
        await expect(approvals).to_contain_text("unread")
        await expect(approvals.locator(".count")).to_have_count(0)
        await act_as(other, "Mina")
        await expect(approvals.locator(".count")).to_have_text(re.compile(r"\d+"))


async def test_both_sides_are_live(browser: Browser, bot: BotProcess):
    async with visit(browser, f"{bot.url}/both", width=1440) as page:
        asks = page.frame_locator('iframe[title="Who asks"]')
        decides = page.frame_locator('iframe[title="Who decides"]')
        await expect(asks.get_by_test_id("composer")).to_be_visible()
        await expect(decides.get_by_test_id("composer")).to_be_visible()
        await page.get_by_role("button", name="Transfer money").click()
        thread = asks.get_by_test_id("thread")
        withdraw = thread.get_by_role("button", name="Withdraw request")
        code = (await withdraw.get_attribute("aria-label") or "").split()[-1]
        card = decides.get_by_test_id("message").filter(has_text=code)
        await expect(card.get_by_role("button", name="Approve")).to_be_visible()
        await picture(page, "both")
        for side, name in ((asks, "Ravi"), (decides, "Mina")):
            person = side.get_by_test_id("person-switch")
            await expect(person).to_have_value(PEOPLE[name])
        await card.get_by_role("button", name="Reject").click()
        await expect(thread).to_contain_text("(offline model)")


async def test_edited_ends_a_line_and_people_differ_in_colour(
    browser: Browser, app: SlackApp
):
    for user in PEOPLE.values():
        await app.simulator.post_message(user, GENERAL, "hello")
    ts = await app.post(GENERAL, text="first line\nlast line")
    await app.client.chat_update(channel=GENERAL, ts=ts, text="first line\nlast word")
    async with visit(browser, app.simulator.base_url) as page:
        last = messages(page).last.locator(".line").last
        await expect(last).to_have_text("last word (edited)")
        faces = messages(page).filter(has_text="hello").locator(".avatar")
        await expect(faces).to_have_count(len(PEOPLE))
        colours = "all => all.map(face => getComputedStyle(face).backgroundColor)"
        assert len(set(await faces.evaluate_all(colours))) == len(PEOPLE)


async def test_the_page_brings_its_fonts_along(browser: Browser, bot: BotProcess):
    async with visit(browser, "about:blank", own=True) as page:
        hosts: set[str] = set()

        def note(request: Request) -> None:
            hosts.add(request.url.split("/")[2])

        page.on("request", note)
        await page.goto(bot.url)
        await expect(page.get_by_test_id("composer")).to_be_visible()
        loaded = await page.evaluate(
            "document.fonts.ready.then(() => document.fonts.check('700 15px Lato'))"
        )
        assert loaded
        signs = "document.fonts.load('15px \"Noto Emoji of emoji.js\"', '⏳✅⛔⌛❓👀')"
        drawn = await page.evaluate(f"{signs}.then(faces => faces[0].status)")
        assert drawn == "loaded"
        assert hosts == {bot.url.split("/")[2]}
