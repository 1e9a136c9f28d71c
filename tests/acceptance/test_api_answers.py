"""API decisions beyond yes and no: other arguments, answers of any shape."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.asking_graph import ASKING, POLICY
from tests.support.deciding import asked, asked_to_delete, request_of
from tests.support.demo import GENERAL, MINA, RAVI
from tests.support.foreign import said_in
from tests.support.http_api import API_TOKENS, Api
from tests.support.link_browser import LINKS, Browser, made
from tests.support.stage import NewStage, Stage, make_stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
LINKED = """
  - {name: forms, interrupts: [interrupt], stages: [{approvers: managers}], links: true}
"""
SCHEMA = {
    "type": "object",
    "required": ["count", "tags"],
    "properties": {
        "count": {"type": "integer", "minimum": 1},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def zoo_outside(new_stage: NewStage) -> AsyncIterator[Stage]:
    """The zoo's graphs, with API and links."""
    outside = {**LINKS, "policy": POLICY + LINKED, "API_TOKENS": API_TOKENS}
    async with new_stage(graph=ASKING, **outside) as made:
        yield made


async def test_an_answer_of_the_shape_that_a_graph_asks_for(zoo_outside: Stage):
    given = json.dumps({"schema": SCHEMA, "value": "What?"})
    card, ts = await asked(zoo_outside, f"form {given}")
    request, api = request_of(card), Api(zoo_outside.bot.url)
    seen = (await api.get(MINA, f"/api/approvals/{request}")).body
    assert seen["answer_schema"]["required"] == ["count", "tags"]

    for wrong in ({"count": 0, "tags": []}, {"count": "2", "tags": []}, "tea", None):
        said = await api.decide(MINA, request, "answer", answer=wrong)
        assert (said.status, said.word) == (422, "answer_invalid")
    assert (await api.decide(MINA, request, "approve")).status == 403
    said = await api.decide(MINA, request, "answer", answer={"count": 2, "tags": ["a"]})
    assert (said.status, said.body["approval"]["status"]) == (200, "answered")
    assert "'count': 2" in await said_in(zoo_outside, ts, "got {")


async def test_a_link_can_only_reject_a_question_with_a_form(zoo_outside: Stage):
    given = json.dumps({"schema": SCHEMA, "value": "&lt;b&gt;What?&lt;/b&gt;"})
    card, _ = await asked(zoo_outside, f"form {given}")
    request, browser = request_of(card), Browser(zoo_outside.bot.url)
    token = await made(zoo_outside, request, MINA)
    page = await browser.open(token)
    assert page.status == 200
    assert "<b>" not in page.text
    assert "<b>What?</b>" in page.words
    for word in ("answer", "approve"):
        said = await browser.post(token, form=page.form, decision=word, answer="x")
        assert said.status == 422
    said = await browser.post(token, form=page.form, decision="reject")
    assert said.status == 200


async def test_an_edited_path_decides_which_file_is_deleted(
    tmp_path: Path, database: str
):
    async with make_stage(tmp_path, database, "socket", API_TOKENS=API_TOKENS) as stage:
        stage.put("a.txt")
        stage.put("b.txt")
        card, ts = await asked(stage, "delete a.txt")
        edit = {"arguments": {"path": "b.txt"}}
        said = await Api(stage.bot.url).decide(MINA, request_of(card), "edit", **edit)
        assert said.status == 200
        await stage.answer(GENERAL, ts)
        assert [each.name for each in sorted(stage.files.glob("*.txt"))] == ["a.txt"]


async def test_who_asked_takes_it_back_by_a_reject(tmp_path: Path, database: str):
    async with make_stage(tmp_path, database, "socket", API_TOKENS=API_TOKENS) as stage:
        _, card, _ = await asked_to_delete(stage, "a.txt")
        said = await Api(stage.bot.url).decide(RAVI, request_of(card), "reject")
        assert (said.status, said.body["effect"]) == (200, "withdrawn")
        await stage.outcome(card, "Withdrawn")
