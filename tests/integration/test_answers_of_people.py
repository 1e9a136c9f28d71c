"""An answer to a graph's own question goes through the chain, bound like an edit."""

from __future__ import annotations

import pytest
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt
from pydantic import BaseModel, field_validator

from bot.approvals import store
from bot.approvals.model import Action, Execution, Mark, Outcome, Place, Status, Verdict
from bot.approvals.unknown_outcome import Marker
from bot.conversations.resume import Handover
from tests.support.agent_parts import Agent, Crash, crash_once
from tests.support.foreign_parts import POLICY, Theirs, make_foreign
from tests.support.house import House, parsed, plain_answer
from tests.support.people import APP, APPROVALS, DANA, MINA, OLAF, OMAR, RAVI, person

ANSWER = Verdict.ANSWER


async def asked(house: House, name: str = "contract") -> tuple[Theirs, Agent, str]:
    theirs = Theirs()
    agent = make_foreign(house, theirs.parallel(name))
    return theirs, agent, await agent.say()


async def test_an_answer_passes_its_own_stage_and_awaits_the_rest(
    house: House,
):
    theirs, agent, conversation = await asked(house)
    before = await agent.request(conversation)
    said = await house.click(MINA, before, ANSWER, reason=" ACME ")
    assert said.effect == "edited"
    waits = await agent.request(conversation)
    assert (waits.status, waits.call.answer_value) == (Status.PENDING, "ACME")
    assert [stage.passed_at is not None for stage in waits.chain.stages] == [
        True,
        False,
    ]
    assert waits.call.grant_digest != before.call.grant_digest
    assert waits.call.digest == before.call.digest
    stale = await house.click(DANA, waits, token=before.place.token)
    assert stale.code == "superseded"
    assert (await house.click(OMAR, waits)).code == "not_in_group"

    assert (await house.click(DANA, waits)).effect == "answered"
    await agent.work()
    over = await agent.request(conversation)
    assert (over.status, over.end.execution) == (Status.ANSWERED, Execution.DONE)
    assert theirs.ran == ["contract ACME", "end"]
    trail = [event for event in await house.trail(over) if event != "refused"]
    assert trail == [
        "requested",
        "edited",
        "answered",
        "claimed",
        "resumed",
        "ran",
    ]


ANSWERS_ONLY = """
  - {name: customers, interrupts: [act], allow: [reject, answer],
     stages: [{approvers: managers}]}
  - {name: contracts only, interrupts: [contract], allow: [reject, answer],
     stages: [{approvers: managers}, {approvers: directors}]}
"""


@pytest.mark.parametrize(("name", "others"), [("act", []), ("contract", [DANA])])
async def test_a_rule_of_answers_alone_can_be_fulfilled(
    house: House, name: str, others: list[str]
):
    theirs = Theirs()
    agent = make_foreign(house, theirs.parallel(name))
    head, _, _ = POLICY.partition("rules:\n")
    house.policies.current = parsed(head + "rules:" + ANSWERS_ONLY)
    conversation = await agent.say()
    request = await agent.request(conversation)
    assert (await house.click(MINA, request)).code == "not_allowed"
    await house.click(MINA, request, ANSWER, reason="ACME")
    for each in others:
        await house.click(each, await agent.request(conversation))
    await agent.work()
    assert theirs.ran == [f"{name} ACME", "end"]


async def test_the_earlier_stage_approves_an_answer_of_a_later_one(house: House):
    theirs, agent, conversation = await asked(house)
    request = await agent.request(conversation)
    await house.click(MINA, request)
    await house.click(DANA, request, ANSWER, reason="Other, Ltd.")
    waits = await agent.request(conversation)
    assert [stage.passed_at is not None for stage in waits.chain.stages] == [
        False,
        True,
    ]
    assert (await house.click(OMAR, waits)).effect == "answered"
    await agent.work()
    assert theirs.ran == ["contract Other, Ltd.", "end"]


@pytest.mark.parametrize(
    ("reason", "word"), [("", "answer_empty"), ("  ", "answer_empty")]
)
async def test_an_empty_answer_is_none(house: House, reason: str, word: str):
    _, agent, conversation = await asked(house)
    request = await agent.request(conversation)
    assert (await house.click(MINA, request, ANSWER, reason=reason)).code == word


async def test_a_form_takes_only_what_fits_it(house: House):
    _, agent, conversation = await asked(house, "act")
    request = await agent.request(conversation)
    form = '{"type": "integer"}'
    await house.rows("UPDATE requests SET form = %s WHERE id = %s", form, request.id)
    for bad in ("7", None, 1.5, True):
        refused = await house.click(MINA, request, ANSWER, value=bad)
        assert refused.code == "answer_invalid"
    assert (await house.click(MINA, request, ANSWER, value=7)).effect == "answered"


class Order(BaseModel):
    """An order with a check that only the graph's own code makes."""

    item: str

    @field_validator("item")
    @classmethod
    def is_there(cls, item: str) -> str:
        if item == "unicorn":
            raise ValueError("a unicorn is not in stock")
        return item


@pytest.mark.parametrize(
    ("name", "others"), [("act", []), ("contract", [DANA])], ids=["alone", "a chain"]
)
async def test_those_who_answered_are_told_why_the_graph_refuses_it(
    house: House, name: str, others: list[str]
):
    def order(state: MessagesState) -> dict[str, list[str]]:
        interrupt({"action": name, "question": "What?"}, response_schema=Order)
        return {"messages": []}

    graph = StateGraph(MessagesState).add_node("order", order)
    agent = make_foreign(house, graph.add_edge(START, "order").compile())
    conversation = await agent.say()
    request = await agent.request(conversation)
    await house.click(MINA, request, ANSWER, value={"item": "unicorn"})
    for each in others:
        await house.click(each, await agent.request(conversation))
    await agent.work()

    again = await agent.request(conversation)
    assert (again.status, again.end.outcome) == (Status.PENDING, Outcome.REOPENED)
    rows = await house.rows("SELECT * FROM deliveries WHERE kind = 'private'")
    told = {row["user_id"]: row["text"] for row in rows}
    assert sorted(told) == sorted([MINA, *others])
    assert {row["channel_id"] for row in rows} == {APPROVALS}
    assert all("a unicorn is not in stock" in text for text in told.values())
    assert "The form still has what you filled in." in told[MINA]


async def test_an_answer_whose_author_lost_the_right_is_taken_back(house: House):
    theirs, agent, conversation = await asked(house)
    request = await agent.request(conversation)
    await house.click(MINA, request, ANSWER, reason="ACME")
    await house.click(DANA, await agent.request(conversation))
    house.people.refusals[MINA] = "deactivated"
    await agent.work()

    again = await agent.request(conversation)
    assert (again.status, again.call.answer_value) == (Status.PENDING, None)
    assert again.chain.decisions == ()
    assert again.chain.stage_index == 0
    assert theirs.ran == []
    await house.click(OMAR, again)
    await house.click(DANA, await agent.request(conversation))
    await agent.work()
    assert theirs.ran == ["contract approve", "end"]


async def test_a_stricter_policy_has_an_answer_approved_by_more_people(house: House):
    theirs, agent, conversation = await asked(house, "act")
    request = await agent.request(conversation)
    await house.click(MINA, request, ANSWER, reason="ACME")
    more = "interrupts: [contract],\n     stages"
    assert more in POLICY
    house.policies.current = parsed(
        POLICY.replace(more, "interrupts: [contract, act],\n     stages")
    )
    await agent.work()
    again = await agent.request(conversation)
    assert (again.status, again.call.answer_value) == (Status.PENDING, "ACME")
    await house.click(DANA, again)
    await agent.work()
    assert theirs.ran == ["act ACME", "end"]


async def test_what_is_asked_must_be_what_was_shown(house: House):
    theirs, agent, conversation = await asked(house, "act")
    request = await agent.request(conversation)
    await house.click(MINA, request)
    await house.rows(
        "UPDATE requests SET arguments = %s WHERE id = %s", '{"x": 1}', request.id
    )
    await agent.work()
    assert theirs.ran == []
    assert "has changed" in (await agent.said("say"))[-1]


async def test_approvers_mark_an_unknown_outcome_and_the_requester_asks_again(
    house: House, monkeypatch
):
    theirs, agent, conversation = await asked(house)
    request = await agent.request(conversation)
    await house.click(MINA, request)
    await house.click(DANA, await agent.request(conversation))
    marker = Marker(
        house.pool,
        house.people,
        house.policies,
        plain_answer,
        house.queue,
        lambda: APP,
    )

    async def mark(user: str, what: Mark, place: Place | None = None) -> str:
        async with house.pool.connection() as connection:
            now = await store.load(connection, request.id)
        assert now is not None
        where = place or Place(APP, now.place.channel, "7.7", now.place.card)
        word = Action(now.place.token, person(user), Verdict.APPROVE, "slack", where)
        return await marker.mark(word, what)

    assert await mark(MINA, Mark.DONE) == "not_unknown"
    crash_once(monkeypatch, Handover, "claim", after=True)
    with pytest.raises(Crash):
        await agent.work()
    await agent.work()
    for user in (OLAF, RAVI):
        assert await mark(user, Mark.DONE) == "may_not_mark"
    assert await mark(OLAF, Mark.AGAIN) == "may_not_mark"
    assert await mark(OMAR, Mark.DONE, Place(APP, "C0OTHER", "1.1")) == "misplaced"
    house.people.refusals[OMAR] = "guest"
    assert await mark(OMAR, Mark.DONE) == "guest"
    house.people.down = True
    assert await mark(MINA, Mark.DONE) == "could_not_check"
    house.people.down = False
    assert await mark(RAVI, Mark.AGAIN) == ""
    assert await mark(DANA, Mark.DONE) == "marked_already"

    await agent.work()
    assert (await house.request(request.id)).end.mark is Mark.AGAIN
    [again] = await agent.open_requests(conversation)
    assert again.people.requester.user == RAVI
    assert theirs.ran == []
