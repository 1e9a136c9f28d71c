"""The table of clicks once more, through the HTTP API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.click_table import TABLE, Row, Step
from tests.support.deciding import SANDBOX, asked, request_of
from tests.support.demo import PEOPLE, RAVI
from tests.support.http_api import API_TOKENS, Api
from tests.support.playing import Board
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
STAGE = {**SANDBOX, "API_TOKENS": API_TOKENS}
STATUS = {
    "not_in_group": {403, 404},
    "requester": {403},
    "late": {404, 409},  # 404 where it was never theirs
    "already_decided": {409},
    "superseded": {409},
    "edit_same": {422},
    "edit_invalid": {422},
    "not_allowed": {403},
}


def said_through(row: Row) -> Iterator[Step]:
    """The steps for which the API has a word: taking back is rejecting there."""
    return (s for s in row.steps if s[1] != "withdraw" or s[2] == "withdrawn")


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
async def test_threat_06_through_the_api_people_can_what_the_table_says(
    shared: Stage, row: Row
):
    card, _ = await asked(shared, row.says)
    board = Board(shared, request_of(card))
    api, first = Api(shared.bot.url), board.digest

    came: list[Step] = []
    for who, does, effect, _ in (steps := list(said_through(row))):
        said = await api.decide(PEOPLE[who], board.request, **word(board, does, first))
        assert said.status in STATUS.get(effect, {200}), said.body
        came.append((who, does, board.came_of(who), board.stands()))

    assert came == steps
    if board.is_open:
        assert (await api.decide(RAVI, board.request, "reject")).status == 200


def word(board: Board, does: str, first: str) -> dict[str, object]:
    """The body for one thing that somebody does."""
    is_old = does.startswith("old ")
    verb, _, words = does.removeprefix("old ").partition(" ")
    body: dict[str, object] = {"word": verb.replace("withdraw", "reject")}
    body["digest"] = first if is_old else board.digest
    if verb == "approve" and (typed := board.to_type):
        body["typed"] = typed
    if verb == "edit":
        name, _, value = words.partition("=")
        body["arguments"] = {**board.arguments, name: int(value)}
    elif verb == "answer":
        body["answer"] = words
    return body
