"""The table of clicks once more, through signed links.

A page has no word for an edit; the rows with one are played by the other transports.
"""

from __future__ import annotations

import pytest

from tests.support.click_table import TABLE, Row, Step
from tests.support.deciding import SANDBOX, asked, request_of
from tests.support.demo import PEOPLE, RAVI
from tests.support.link_browser import LINKS, Browser, made, with_links
from tests.support.playing import Board
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
STAGE = {**SANDBOX, **LINKS, "policy": with_links(SANDBOX["policy"])}
ROWS = [
    row
    for row in TABLE
    if not any("edit" in step[1] or step[2] == "not_allowed" for step in row.steps)
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_threat_06_by_links_people_can_what_the_table_says(
    shared: Stage, row: Row
):
    card, _ = await asked(shared, row.says)
    board = Board(shared, request_of(card))
    steps = [s for s in row.steps if s[1] != "withdraw" or s[2] == "withdrawn"]
    # all in time: there is no form any more on the page of a closed request
    links = {who: await opened(board, PEOPLE[who]) for who, *_ in steps}

    came: list[Step] = []
    for who, does, *_ in steps:
        await say(board, *links[who], does)
        came.append((who, does, board.came_of(who), board.stands()))
        links[who] = await opened(board, PEOPLE[who])

    assert came == steps
    if board.is_open:
        await say(board, *await opened(board, RAVI), "reject")


async def opened(board: Board, user: str) -> tuple[Browser, str, str]:
    """A person's browser with the page of a link of theirs in it."""
    browser = Browser(board.stage.bot.url)
    token = await made(board.stage, board.request, user)
    return browser, token, (await browser.open(token)).form


async def say(board: Board, browser: Browser, token: str, form: str, does: str) -> None:
    verb, _, words = does.replace("withdraw", "reject").partition(" ")
    fields = {"typed": board.to_type or "", "answer": words, "reason": ""}
    await browser.post(token, form=form, decision=verb, **fields)
