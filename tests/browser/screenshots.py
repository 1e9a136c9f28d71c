"""Make screenshots from a simulator of one's own, on a fresh database.

`python -m tests.browser.screenshots` makes those of the README, with both sides at
once, and of docs/slack.md, an answer as it grows;
`python -m tests.browser.screenshots DIRECTORY` all that people see: each kind of card,
light, dark and on a phone, and the pages.
"""

from __future__ import annotations

import asyncio
import base64
import re
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, expect

from bot.base.settings import SIMULATOR_POLICY
from tests.support.bot_process import BotProcess, run_command
from tests.support.browser import chromium, find_chromium, visit
from tests.support.demo import APPROVALS, MINA
from tests.support.page import (
    act_as,
    ask,
    asked,
    card_about,
    link_to,
    messages,
    open_channel,
)
from tests.support.root import ROOT
from tests.support.stage import write_graph

SCENE = "Delete a file"
REPLIES = re.compile(r"^\d+ repl")  # 1 reply, 2 replies
FAULT = "dies-at"  # a file of the bot's that may name a point of `bot.base.faults`
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"height": 1000},
    "dark": {"height": 1000, "color_scheme": "dark"},
    "phone": {"width": 390, "height": 1200},  # the longest card stands whole
}
SHORT = """
  - name: short
    tools: [transfer_money]
    when: {amount: {in: [77]}}
    stages: [{approvers: managers, timeout: 1s}]
"""


async def main(target: Path | None) -> None:
    path = find_chromium()
    if path is None:
        raise SystemExit("No Chromium was found: apt-get install chromium")
    async with started() as bot, chromium(path) as browser:
        size = {"height": 800, "device_scale_factor": 2}
        async with visit(browser, f"{bot.url}/both", **size) as page:
            await show_both_sides(page, target or ROOT / "docs")
        await film(browser, target or ROOT / "docs")
        if target is None:
            return
        async with visit(browser, bot.url, height=800) as page:
            await expect(page.get_by_test_id("guide")).to_be_visible()
            await page.screenshot(path=target / "first-screen.png")
            await play(page)
            await cut_off(page, bot)
        await show_cards(browser, bot, target)
        await show_pages(browser, bot, target)


@asynccontextmanager
async def started(graph: str = "") -> AsyncIterator[BotProcess]:
    """The bot as a newcomer starts it, with a rule that times out soon."""
    with tempfile.TemporaryDirectory(prefix="bot-shots-") as folder:
        policy = SIMULATOR_POLICY.read_text(encoding="utf-8") + SHORT
        (Path(folder) / "policy.yml").write_text(policy, encoding="utf-8")
        settings = {"POLICY_FILE": "policy.yml", "FAULT_POINT": f"@{FAULT}"}
        if graph:
            settings["AGENT"] = write_graph(Path(folder), graph)
        bot = BotProcess(Path(folder), settings)
        await bot.start()
        try:
            yield bot
        finally:
            await bot.stop()


async def show_both_sides(page: Page, target: Path) -> None:
    """Two stills: the request waits; it was approved, and the agent has gone on."""
    asks = page.frame_locator('iframe[title="Who asks"]')
    decides = page.frame_locator('iframe[title="Who decides"]')
    for side in (asks, decides):
        await expect(side.get_by_test_id("composer")).to_be_visible()
    await page.get_by_role("button", name=SCENE).click()
    approve = decides.get_by_role("button", name="Approve").last
    await expect(approve).to_be_visible()
    await expect(asks.get_by_test_id("thread")).to_contain_text("Waiting for")
    await page.screenshot(path=target / "both-sides.png")

    await approve.click()
    await expect(asks.get_by_test_id("thread")).to_contain_text("(offline model)")
    await expect(approve).to_be_hidden()
    await page.screenshot(path=target / "both-sides-approved.png")


#: An agent that takes its time: it thinks, reads two files, and answers word by word.
SLOW = '''
import asyncio

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph

from agent.live_words import ANSWER, say_slowly

SAID = (
    "Sales grew by **12 %** from the second quarter to the third: 1,240 orders after "
    "1,107. Most of that came from Leeds, which opened in July. York fell a little, as "
    "it does each summer, and was back in September. The to-do list still has the "
    "report for the board on it, which these numbers would complete."
)


class Speaker(BaseChatModel):
    _llm_type = "speaker"

    def _generate(self, messages, stop=None, run_manager=None, **more):
        raise NotImplementedError

    async def _agenerate(self, messages, stop=None, run_manager=None, **more):
        await say_slowly(run_manager, SAID, 0.1)
        return ChatResult(generations=[ChatGeneration(message=AIMessage(SAID))])


@tool
async def read_file(path: str) -> str:
    """Read a file."""
    await asyncio.sleep(2)
    return "one\\ntwo\\nthree"


async def work(state, config):
    await asyncio.sleep(2)
    for path in ("reports/q2.csv", "reports/q3.csv"):
        await read_file.ainvoke({"path": path}, config)
    model = Speaker().with_config(tags=[ANSWER])
    return {"messages": [await model.ainvoke(state["messages"], config)]}


graph = StateGraph(MessagesState).add_node(work).add_edge(START, "work").compile()
'''
#: The words that each frame waits for: a status, steps, words that grow, the answer.
FRAMES = ("is thinking", "Reading reports/q3.csv", "Leeds", "complete.")


async def film(browser: Browser, target: Path) -> None:
    """Draw one slow turn as a strip: four looks at its thread."""
    frames: list[str] = []
    async with (
        started(SLOW) as bot,
        visit(browser, bot.url, height=520, device_scale_factor=2) as page,
    ):
        await ask(page, "how did sales go from the second quarter to the third?")
        await messages(page).last.get_by_role("button", name="Reply in thread").click()
        thread = page.get_by_test_id("thread")
        for words in FRAMES:
            await expect(thread).to_contain_text(words)
            png = base64.b64encode(await thread.screenshot()).decode()
            frames.append(f"data:image/png;base64,{png}")
        await page.goto("about:blank")  # whose styles nobody forbids
        shown = "".join(f'<img width=376 src="{each}">' for each in frames)
        await page.set_viewport_size({"width": 1560, "height": 540})
        strip = f'<div style="display: flex; gap: 8px; width: max-content">{shown}'
        await page.set_content(strip)
        await page.locator("div").screenshot(path=target / "answer-grows.png")


#: The cards by what they are called, each with words that it alone has.
CARDS = {
    "card-simple": "README.txt",
    "card-high-risk": "1,502.00",
    "card-three-stages": "15,500.00",
    "card-two-requests": "todo.txt",
    "card-three-requests": "72.00",
    "card-edited": "2,601.00",
    "card-approved": "83.00",
    "card-rejected": "94.00",
    "card-withdrawn": "66.00",
    "card-timed-out": "77.00",
    "card-unknown": "55.00",
}


async def play(page: Page) -> None:
    """Have one card of each kind."""
    await asked(page, "delete README.txt", CARDS["card-simple"])
    await asked(page, "transfer 1502 GBP to alice", CARDS["card-high-risk"])
    await asked(page, "transfer 15500 GBP to alice", CARDS["card-three-stages"])
    await asked(page, "delete notes/todo.txt and delete reports/q2.csv", "todo.txt")
    three = "transfer 71 GBP to alice, transfer 72 GBP to bob, delete reports/q3.csv"
    await asked(page, three, CARDS["card-three-requests"])
    card = await asked(page, "transfer 2600 GBP to bob", "2,600.00")
    await card.get_by_role("button", name="More actions").click()
    await page.get_by_role("menuitem", name="Edit").click()
    form = page.get_by_test_id("modal")
    await form.get_by_label("amount").fill("2601")
    await form.get_by_role("button", name="Save and approve").click()
    for name, button in (("approved", "Approve"), ("rejected", "Reject")):
        words = CARDS[f"card-{name}"]
        card = await asked(page, f"transfer {words} GBP to bob", words)
        await card.get_by_role("button", name=button).click()
    await expect(card).to_contain_text("Rejected by")
    await asked(page, "transfer 66 GBP to bob", CARDS["card-withdrawn"])
    await act_as(page, "Ravi")
    await open_channel(page, "general")
    mine = messages(page).filter(has_text="transfer 66")
    await mine.get_by_role("button", name=REPLIES).click()
    await page.get_by_test_id("thread").get_by_role("button", name="Withdraw").click()
    await open_channel(page, "general")
    await ask(page, "transfer 77 GBP to bob")
    await open_channel(page, "approvals")
    timed_out = card_about(page, CARDS["card-timed-out"])
    await expect(timed_out).to_contain_text("Timed out")


async def cut_off(page: Page, bot: BotProcess) -> None:
    """Have a card whose outcome is unknown: the bot dies as the call begins."""
    card = await asked(page, "transfer 55 GBP to bob", CARDS["card-unknown"])
    await expect(card).to_be_visible()
    (bot.folder / FAULT).write_text("claimed", encoding="utf-8")
    await card.get_by_role("button", name="Approve").click()
    assert bot.process is not None
    await bot.process.wait()
    await bot.start()
    await expect(card).to_contain_text("Unknown", timeout=60_000)


async def show_cards(browser: Browser, bot: BotProcess, target: Path) -> None:
    for look, options in LOOKS.items():
        address = f"{bot.url}/archives/{APPROVALS}"
        async with visit(browser, address, own=True, **options) as page:
            await act_as(page, "Mina")
            await open_channel(page, "approvals") if look != "phone" else None
            for name, words in CARDS.items():
                card = card_about(page, words)
                await expect(card).to_be_visible()
                await card.screenshot(path=target / f"{name}-{look}.png")
            await page.screenshot(path=target / f"channel-{look}.png")


async def show_pages(browser: Browser, bot: BotProcess, target: Path) -> None:
    """E-mail, link page and report."""
    url = bot.url.replace("127.0.0.1", "localhost")
    async with visit(browser, url) as page:
        link = await link_to(page, bot, MINA, "Lunch")
        await page.screenshot(path=target / "email.png")
        for look in ("light", "dark"):
            await page.emulate_media(color_scheme=look)
            await page.goto(link)
            await page.screenshot(path=target / f"link-{look}.png", full_page=True)
    words = ("audit", "report", "--format", "html")
    made = await run_command(*words, folder=bot.folder, environment=bot.environment)
    report = bot.folder / "report.html"
    report.write_text(made.out, encoding="utf-8")
    async with visit(browser, report.as_uri()) as page:
        await page.screenshot(path=target / "report.png", full_page=True)


if __name__ == "__main__":
    directory = Path(sys.argv[1]) if sys.argv[1:] else None
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(directory))
