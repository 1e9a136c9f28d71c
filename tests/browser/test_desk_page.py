"""App Home, `/approvals` and *Approve for…* as people see them on the page."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from tests.support.bot_process import BotProcess, NewBot
from tests.support.browser import picture, visit
from tests.support.demo import BOT, GENERAL, PEOPLE
from tests.support.page import act_as, ask, flaws, messages, open_app, open_channel, say
from tests.support.root import ROOT

pytestmark = pytest.mark.asyncio(loop_scope="session")
DELETING = "tools: [delete_file]\n"
ASK_MEANWHILE = f"""fetch("/page/messages", {{
    method: "POST",
    headers: {{"Content-Type": "application/json"}},
    body: JSON.stringify({{
        user: "{PEOPLE["Ravi"]}",
        channel: "{GENERAL}",
        text: "<@{BOT}> delete other.txt",
    }}),
}})"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lasting(new_bot: NewBot) -> AsyncIterator[BotProcess]:
    """The simulator with a policy that lets people allow deletions ahead."""
    policy = (ROOT / "bot/simulator/policy.yml").read_text(encoding="utf-8")
    offer = f"{DELETING}    standing: {{max: 8h, uses: 20}}\n"
    async with new_bot(policy.replace(DELETING, offer, 1)) as process:
        yield process


def is_new_home(patch: str | bytes) -> bool:
    return '"home"' in str(patch) and "other.txt" in str(patch)


async def asked_by_ravi(page: Page, name: str) -> None:
    await act_as(page, "Ravi")
    await open_channel(page, "general")
    await ask(page, f"delete {name}")


async def home_of_mina(page: Page) -> Locator:
    await act_as(page, "Mina")
    await open_app(page)
    await page.get_by_role("tab", name="Home").click()
    return page.get_by_test_id("app-home")


async def looks_well(page: Page, shown: Locator, name: str) -> None:
    """Look at what is shown narrow and dark, and as it was."""
    await picture(page, name)
    for width, scheme in ((390, "light"), (1280, "dark")):
        await page.set_viewport_size({"width": width, "height": 850})
        await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        await expect(shown).to_be_visible()
        assert await flaws(page) == []
    await page.emulate_media(color_scheme="light")


async def test_a_desk_decides_allows_and_revokes(browser: Browser, lasting: BotProcess):
    async with visit(browser, lasting.url) as page:
        thread = page.get_by_test_id("thread")
        for name in ("README.txt", "notes/todo.txt"):
            await asked_by_ravi(page, name)
            await expect(thread).to_contain_text("Waiting for")
        home = await home_of_mina(page)
        await expect(home).to_contain_text("asks before it acts")
        await expect(home).to_contain_text("Waiting for you · 2")
        await expect(home).to_contain_text("@Ravi asked in #general · normal risk")
        await looks_well(page, home, "home")
        await home.get_by_role("button", name="Approve").first.click()
        await expect(home).to_contain_text("Approved: Delete README.txt")

        await open_channel(page, "approvals")
        card = messages(page).filter(has_text="notes/todo.txt")
        await card.get_by_text("Approve for…").click()
        form = page.get_by_role("dialog")
        path, uses, where = [form.get_by_role("combobox").nth(n) for n in (0, 2, 3)]
        await expect(path).to_contain_text("Exactly notes/todo.txt")
        await looks_well(page, form, "approve-for")
        await path.select_option(label="Anything in notes/")
        await uses.select_option(label="3 times")
        await where.select_option(label="Wherever this person asks")
        await form.get_by_role("button", name="Approve and allow").click()
        await expect(card).to_contain_text("Approved by @Mina")

        await asked_by_ravi(page, "notes/plan.txt")
        await open_channel(page, "approvals")
        used = messages(page).filter(has_text="notes/plan.txt")
        await expect(used).to_contain_text("Approved by @Mina")

        async with page.expect_websocket() as opened:
            home = await home_of_mina(page)
        await expect(home).to_contain_text("path is under notes")
        await expect(home).to_contain_text("1 of 3 used")
        await home.get_by_role("button", name="Revoke").hover()
        await page.mouse.down()
        async with (await opened.value).expect_event("framereceived", is_new_home):
            await page.evaluate(ASK_MEANWHILE)
        await page.mouse.up()
        await expect(home).to_contain_text("Delete other.txt")
        await expect(home).not_to_contain_text("What you allowed")
        await asked_by_ravi(page, "notes/later.txt")
        await expect(thread).to_contain_text("Waiting for")
        await act_as(page, "Mina")
        await open_channel(page, "general")
        await say(page, "/approvals")
        answer = messages(page).last
        await expect(answer).to_contain_text("notes/later.txt")
        await answer.get_by_role("button", name="Reject").last.click()
        told = messages(page).filter(has_text="Rejected: Delete notes/later.txt")
        await expect(told).to_be_visible()
