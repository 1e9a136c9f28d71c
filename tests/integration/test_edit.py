"""An edit: new arguments, a new digest, the policy asked again, older words void."""

from __future__ import annotations

from typing import Any

import pytest

from bot.approvals.model import Effect, Execution, Request, Status, Verdict
from tests.support.agent_parts import make_agent
from tests.support.house import House, parsed
from tests.support.people import DANA, FAY, MINA, OLAF, OMAR, RAVI, person
from tests.support.policies import policy_text

EDIT = Verdict.EDIT
POLICY = policy_text(
    """
  - {name: looking, tools: [peek], approval: none}
  - {name: small, tools: [pay], stages: [{approvers: managers}]}
  - name: big
    tools: [pay]
    when: {amount: {gt: 1000}}
    why: Over 1,000 needs finance.
    stages: [{approvers: finance}]
  - name: huge
    tools: [pay]
    when: {amount: {gt: 10000}}
    stages: [{approvers: directors}]
    confirm: typed
  - name: never
    tools: [pay]
    when: {to: {eq: mallory}}
    deny: true
    why: Mallory is not paid.
  - name: watched
    tools: [pay]
    when: {to: {eq: victor}}
    stages: [{approvers: managers}]
    allow: [approve, reject]
  - name: frozen
    tools: [pay]
    when: {to: {eq: frida}}
    stages: [{approvers: managers}]
    allow: [reject]
  - {name: one, tools: [wipe], stages: [{approvers: finance}]}
  - {name: shown, tools: [show], stages: [{approvers: managers}], allow: [approve]}
""",
    approvers={"managers": (MINA, OMAR), "finance": (FAY,), "directors": (DANA,)},
)
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"to": {"type": "string"}, "amount": {"type": "number"}},
    "required": ["to", "amount"],
}


@pytest.fixture
async def pay(house: House):
    """A payment of 500 to bob that waits for the managers."""
    house.policies.current = parsed(POLICY)
    return await ask(house)


async def ask(house: House, tool: str = "pay", amount: float = 500, **how) -> Request:
    arguments = {"to": "bob", "amount": amount}
    return await house.ask(tool, arguments=arguments, schema=SCHEMA, **how)


async def edit(house: House, user: str, request: Request, **arguments: Any):
    whole = {"to": "bob", "amount": 500, **arguments}
    return await house.click(user, request, EDIT, arguments=whole)


def test_a_request_keeps_the_order_of_its_schema(pay: Request):
    assert list(pay.call.schema["properties"]) == ["to", "amount"]


async def test_the_only_approver_edits_and_that_is_the_approval(house: House, pay):
    result = await edit(house, MINA, pay, amount=400)
    assert result.effect is Effect.APPROVED

    now = await house.request(pay.id)
    assert (now.status, now.end.execution) == (Status.APPROVED, Execution.APPROVED)
    assert now.call.arguments == {"to": "bob", "amount": 400}
    assert now.call.raised_arguments == {"to": "bob", "amount": 500}
    assert now.call.edited_by == MINA
    assert now.call.digest != pay.call.digest
    assert now.call.grant_digest != pay.call.grant_digest
    [word] = now.chain.decisions
    assert (word.verdict, word.person.user, word.stage) == (EDIT, MINA, 0)
    [grant] = await house.rows("SELECT call_digest, grant_digest FROM grants")
    assert grant == {
        "call_digest": now.call.digest,
        "grant_digest": now.call.grant_digest,
    }
    assert await house.trail(pay) == ["requested", "edited", "approved"]


async def test_an_edit_over_a_limit_opens_the_next_stage(house: House, pay):
    result = await edit(house, MINA, pay, amount=1500)
    assert result.effect is Effect.EDITED

    now = await house.request(pay.id)
    assert now.status is Status.PENDING
    assert [s.approvers for s in now.chain.stages] == ["managers", "finance"]
    assert (now.chain.stage_index, now.terms.rules) == (1, ("small", "big"))
    assert now.terms.why == ("Over 1,000 needs finance.",)
    assert now.place.token not in (pay.place.token, pay.id)
    [call] = await house.rows("SELECT id::text FROM deliveries WHERE kind = 'call'")
    assert call["id"] in house.handed
    assert (await house.click(MINA, pay)).code == "already_decided"
    assert (await house.click(OMAR, pay)).code == "not_in_group"
    assert (await house.click(FAY, pay)).effect is Effect.APPROVED


@pytest.mark.parametrize(
    ("payee", "then"), [("victor", Effect.APPROVED), ("frida", Effect.REFUSED)]
)
async def test_an_edit_approves_nothing_if_its_values_forbid_edits(
    house: House, pay, payee: str, then: Effect
):
    result = await edit(house, MINA, pay, to=payee)
    assert result.effect is Effect.EDITED
    now = await house.request(pay.id)
    assert (now.status, now.chain.decisions) == (Status.PENDING, ())
    assert (await house.click(MINA, pay)).effect is then


async def test_an_edit_stores_no_delegates_among_a_groups_people(house: House):
    delegation = "delegations: [{from: U0FAY, to: U0OLAF, until: 2990-01-01}]"
    house.policies.current = parsed(POLICY + delegation)
    request = await ask(house)
    await edit(house, MINA, request, amount=1500)
    assert (await house.request(request.id)).chain.stages[1].people == (FAY,)
    assert (await house.click(OLAF, request)).effect is Effect.APPROVED


async def test_a_call_without_arguments_is_known_to_be_edited(house: House):
    house.policies.current = parsed(POLICY)
    request = await house.ask("wipe", requester=person(RAVI))
    await house.rows("UPDATE requests SET arguments = '{}' WHERE id = %s", request.id)
    result = await house.click(FAY, request, EDIT, arguments={"path": "b"})
    assert result.edit is not None
    assert result.edit.request.call.is_edited


async def test_who_approved_the_old_values_is_called_again(house: House, pay):
    two = "tools: [pay], stages: [{approvers: managers"
    house.policies.current = parsed(POLICY.replace(two, f"{two}, quorum: 2"))
    request = await ask(house)
    await house.click(MINA, request)
    assert (await edit(house, OMAR, request, amount=400)).effect is Effect.EDITED
    assert await house.rows("SELECT 1 FROM deliveries WHERE kind = 'call'")
    assert (await house.click(MINA, request)).effect is Effect.APPROVED


async def test_a_click_on_what_the_card_showed_before_approves_nothing(
    house: House, pay
):
    await edit(house, MINA, pay, amount=1500)
    old = await house.click(FAY, pay, token=pay.place.token)
    assert (old.effect, old.code) == (Effect.REFUSED, "superseded")
    assert await house.told(FAY) == ["refused superseded"]
    assert (await house.request(pay.id)).is_open
    twice = await house.request(pay.id)
    await house.click(FAY, pay, EDIT, arguments={"to": "bob", "amount": 1600})
    old = await house.click(OMAR, pay, token=twice.place.token)
    assert old.code == "superseded"


async def test_an_edit_voids_earlier_decisions_and_repeats_of_their_clicks(
    house: House,
):
    house.policies.current = parsed(POLICY)
    request = await ask(house, amount=1500)
    assert (await house.click(MINA, request, click="1.1")).effect is Effect.STAGE_PASSED
    edited = await edit(house, FAY, request, amount=1600)
    assert edited.effect is Effect.EDITED

    now = await house.request(request.id)
    # finance has passed with the edit; the managers' word was on other arguments
    assert [(s.approvers, s.passed_at is None) for s in now.chain.stages] == [
        ("managers", True),
        ("finance", False),
    ]
    assert [d.person.user for d in now.chain.decisions] == [FAY]
    assert [d.person.user for d in now.chain.voided] == [MINA]
    assert (await house.click(MINA, request, click="1.1")).effect is Effect.REPEATED
    assert (await house.click(MINA, request, click="1.2")).effect is Effect.APPROVED


async def test_an_edit_can_make_a_chain_shorter(house: House):
    house.policies.current = parsed(POLICY)
    request = await ask(house, amount=50000)
    assert len(request.chain.stages) == 3
    whole = {"to": "bob", "amount": 20}
    edited = await house.click(
        MINA, request, EDIT, arguments=whole, typed="20", click="2.2"
    )
    assert edited.effect is Effect.APPROVED
    assert len((await house.request(request.id)).chain.stages) == 1


@pytest.mark.parametrize(
    ("arguments", "word", "detail"),
    [
        ({}, "edit_same", ""),
        ({"amount": 500.0}, "edit_same", ""),
        ({"to": "mallory"}, "edit_denied", "Mallory is not paid."),
        ({"amount": "500"}, "edit_invalid", "amount: '500' is not of type 'number'"),
        ({"amount": None}, "edit_invalid", "amount: None is not of type 'number'"),
        ({"note": "x"}, "edit_invalid", "there is no argument 'note'"),
    ],
)
async def test_an_edit_that_cannot_be_changes_nothing(
    house: House, pay, arguments, word, detail
):
    result = await edit(house, MINA, pay, **arguments)
    assert (result.effect, result.code) == (Effect.REFUSED, word)
    assert result.detail == detail
    assert await house.request(pay.id) == pay


async def test_arguments_that_cannot_be_written_down_are_no_edit(house: House, pay):
    for value in (float("nan"), 2**60, "\ud800"):
        refused = await edit(house, MINA, pay, to=value)
        assert refused.code == "edit_invalid"
    assert await house.request(pay.id) == pay


async def test_an_edit_whose_chain_nobody_can_fill_is_refused(house: House):
    house.policies.current = parsed(POLICY)
    request = await ask(house, requester=person(FAY))
    refused = await edit(house, MINA, request, amount=2000)
    assert (refused.code, refused.detail) == ("edit_unfillable", "finance")
    assert (await house.request(request.id)).call.arguments["amount"] == 500


@pytest.mark.parametrize(
    ("user", "word"),
    [(RAVI, "requester"), (OLAF, "not_in_group"), (DANA, "not_in_group")],
)
async def test_who_may_not_decide_may_not_edit(house: House, pay, user, word):
    assert (await edit(house, user, pay, amount=1)).code == word
    assert await house.request(pay.id) == pay


async def test_what_the_rule_does_not_allow_is_not_edited(house: House):
    house.policies.current = parsed(POLICY)
    request = await ask(house, "show")
    assert (await edit(house, MINA, request, amount=1)).code == "not_allowed"
    assert (await house.click(MINA, request, Verdict.REJECT)).code == "not_allowed"
    assert (await house.click(RAVI, request, Verdict.REJECT)).effect is Effect.WITHDRAWN


async def test_edited_values_that_must_be_typed_count_only_once_typed(
    house: House, pay
):
    edited = await edit(house, MINA, pay, amount=20000)
    assert edited.effect is Effect.EDITED
    now = await house.request(pay.id)
    assert (now.chain.stage_index, now.chain.decisions, now.call.edited_by) == (
        0,
        (),
        MINA,
    )
    assert (await house.click(MINA, pay)).code == "typed_wrong"
    typed = await house.click(MINA, pay, typed="20,000")
    assert typed.effect is Effect.STAGE_PASSED


async def test_the_edited_call_runs_with_the_edited_arguments_and_once(house: House):
    house.policies.current = parsed(POLICY)
    agent = make_agent(house, ("wipe", {"path": "a"}), "Over.")
    conversation = await agent.say()
    request = await agent.request(conversation)
    edited = await house.click(FAY, request, EDIT, arguments={"path": "b"})
    assert edited.effect is Effect.APPROVED
    await agent.work()
    assert agent.ledger.runs == ["wipe b"]
    assert "A person changed the arguments" in agent.results()["call_0"]
    assert (await house.request(request.id)).end.execution is Execution.DONE
