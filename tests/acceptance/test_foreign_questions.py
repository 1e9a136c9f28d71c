"""A graph of somebody else's asks in every shape, and gets what is documented."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.deciding import asked, choose, filled_in, offered, opened, shows
from tests.support.demo import APPROVALS, DORA, GENERAL, MAREK, MINA, OLAF, RAVI
from tests.support.foreign import let_time_pass, said_in
from tests.support.payloads import ALL
from tests.support.shown import buttons, everything
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def ask(stage: Stage, payload: object) -> Any:
    """Have the graph raise a payload: the card, and the thread."""
    return await asked(stage, f"ask {json.dumps(payload)}")


def call(name: str, **args: Any) -> dict[str, Any]:
    return {"name": name, "args": args}


def batch(*calls: dict[str, Any], allowed: Any = None) -> dict[str, Any]:
    return {
        "action_requests": [*calls],
        "review_configs": [
            {"action_name": c["name"], "allowed_decisions": allowed or ALL}
            for c in calls
        ],
    }


@pytest.mark.parametrize(
    ("payload", "values"),
    [
        ("Go?", ["approve", "reject", "timeout_reject"]),
        ({"action": "choose", "question": "Go?"}, [True, False, False]),
        (
            {
                "question": "Go?",
                "answers": {"approve": 1, "reject": 0, "timed_out": []},
            },
            [1, 0, []],
        ),
        (
            {"question": "Go?", "answers": "booleans", "n": [1, None]},
            [True, False, False],
        ),
        (
            {"level": "manager", "message": "Go?"},
            ["approve", "reject", "timeout_reject"],
        ),
        (17, ["approve", "reject", "timeout_reject"]),
    ],
    ids=["text", "rule", "own answers", "own word", "level", "number"],
)
async def test_a_raw_question_gets_the_documented_values(
    zoo: Stage, payload: object, values: list[Any]
):
    for verdict, value in zip(["approve", "reject", ""], values, strict=True):
        card, ts = await ask(zoo, payload)
        if verdict:
            await zoo.click(MINA, verdict, card)
        else:
            let_time_pass(zoo)
        await said_in(zoo, ts, f"got {value!r}")


async def test_a_raw_card_shows_the_headline_then_everything_else(zoo: Stage):
    payload = {
        "zone": "eu",
        "question": "Open the &lt;!channel&gt; gate?",
        "size": [1, 2.5],
    }
    card, ts = await ask(zoo, payload)
    words = everything(card)
    assert "Open the <!channel> gate?" in words
    assert "`Open the &lt;!channel&gt; gate?`" in card["text"]
    assert "size\n  \n[1, 2.5]\n\n\nzone\n  \neu" in words
    assert {a for a, _ in buttons(card)} >= {"approve", "reject", "answer_open"}
    assert "edit" not in offered(card)
    await zoo.click(MINA, "reject", card)
    await said_in(zoo, ts, "got 'reject'")


async def test_an_unknown_level_gets_a_sentence_and_no_card(zoo: Stage):
    cards = len(zoo.cards())
    ts = await zoo.ask(f"ask {json.dumps({'level': 'pope', 'question': 'Go?'})}")
    said = await said_in(zoo, ts, "“pope”")
    assert "Code: " in said
    assert len(zoo.cards()) == cards
    await zoo.ask('ask "And now?"', thread_ts=ts)
    card = await zoo.card(cards + 1)
    await zoo.click(MINA, "approve", card)
    await said_in(zoo, ts, "got 'approve'")


async def test_free_text_is_approved_by_the_stages_that_are_left(zoo: Stage):
    card, ts = await ask(zoo, {"action": "contract", "question": "Which customer?"})
    form = await opened(zoo, MINA, card, "answer")
    await filled_in(zoo, MINA, form, your="ACME, Inc. <b>")

    shown = await shows(zoo, card, "Answer to be approved:", "ACME, Inc. <b>")
    assert f"<@{MINA}> (with an answer)" in everything(shown)
    assert not [t for t in zoo.said(GENERAL, ts) if "got " in everything(t)]
    await zoo.click(DORA, "approve", card)  # as it was drawn before
    await zoo.whisper(DORA, "An answer was given")
    await zoo.click(MINA, "approve", shown)
    await zoo.whisper(MINA, "already decided")
    await zoo.click(DORA, "approve", shown)

    final = await zoo.outcome(card, "Answered")
    assert f"<@{DORA}>" in everything(final)
    await said_in(zoo, ts, "got 'ACME, Inc. <b>'")


async def test_an_answer_before_the_last_stage_can_be_rejected(zoo: Stage):
    card, ts = await ask(zoo, {"action": "contract", "question": "Which one?"})
    await filled_in(zoo, MINA, await opened(zoo, MINA, card, "answer"), your="None")
    shown = await shows(zoo, card, "Answer to be approved:")
    await zoo.click(DORA, "reject", shown)
    await said_in(zoo, ts, "got 'reject'")


async def test_calls_of_a_batch_are_decided_separately_on_one_card(zoo: Stage):
    payload = batch(
        call("pay", to="Ada", amount=7),
        call("read", path="a"),
        call("pay", to="Bo", amount=1.5),
        call("pay", to="Cy", amount=9),
    )
    card, ts = await ask(zoo, payload)
    tokens = [value for action, value in buttons(card) if action == "reject"]
    assert len(tokens) == 3  # what is waived has no row

    async def click(user: str, action: str, token: str) -> None:
        await zoo.simulator.click(user, APPROVALS, card["ts"], action, token)

    await click(MINA, "approve", tokens[0])
    await click(MAREK, "reject", tokens[2])
    await shows(zoo, card, "Approved by", "Rejected by")
    await click(MINA, "more", f"edit:{tokens[1]}")
    views = await zoo.simulator.wait_for(lambda: zoo.simulator.open_views(MINA))
    await filled_in(zoo, MINA, views[-1], amount="2.5")

    said = await said_in(zoo, ts, "got {'decisions'")
    assert "[{'type': 'approve'}, {'type': 'approve'}, {'type': 'edit'" in said
    assert "{'name': 'pay', 'args': {'amount': 2.5, 'to': 'Bo'}}}" in said
    assert "{'type': 'reject', 'message': " in said


@pytest.mark.parametrize(
    ("action", "word"), [("approve_all", "approve"), ("reject_all", "reject")]
)
async def test_all_calls_of_a_card_are_decided_by_one_click(
    zoo: Stage, action: str, word: str
):
    card, ts = await ask(zoo, batch(call("pay", to="Ada"), call("pay", to="Bo")))
    await zoo.click(OLAF, action, card)
    told = await zoo.whisper(OLAF, "didn't decide all of these")
    assert told.count("You can't decide this one") == 2
    await zoo.click(MINA, action, card)
    said = await said_in(zoo, ts, "got {'decisions'")
    # a message shows its text twice, as blocks and as what stands in for them
    assert said.count(f"{{'type': '{word}'") == 4
    decisions = "SELECT count(*) FROM decisions WHERE user_id = %s AND click <> ''"
    assert zoo.records.value(decisions, MINA) >= 2


async def test_approve_all_decides_only_what_the_person_may_decide(zoo: Stage):
    # one channel and one card, though the stages are of two groups
    card, ts = await ask(zoo, batch(call("pay", to="Ada"), call("drop", database="x")))
    heard = len(zoo.whispers(MINA))
    await zoo.click(MINA, "approve_all", card)
    told = await zoo.whisper(MINA, "didn't decide all of these", since=heard)
    assert told.count("can't decide this one") == 1
    shown = await shows(zoo, card, "Approved by", "Approval needed: ")
    assert "approve_all" not in dict(buttons(shown))
    await zoo.click(DORA, "approve", shown)
    await said_in(
        zoo, ts, "got {'decisions': [{'type': 'approve'}, {'type': 'approve'}]}"
    )


async def test_where_a_batch_takes_no_no_the_turn_is_stopped(zoo: Stage):
    card, ts = await ask(zoo, batch(call("pay", to="A"), allowed=["approve"]))
    assert set(offered(card)) == {"reject", "history"}
    await zoo.click(MINA, "reject", card)
    await said_in(zoo, ts, "rejected, so I stopped here")
    await zoo.ask('ask "Still there?"', thread_ts=ts)
    again = await zoo.card_about("Still there?")
    await zoo.click(MINA, "approve", again)
    await said_in(zoo, ts, "got 'approve'")


INBOX = {
    "action_request": {
        "action": "pay",
        "args": {"to": "Ada", "n": 1, "f": 0.5, "b": None},
    },
    "config": {
        "allow_accept": True,
        "allow_edit": True,
        "allow_respond": True,
        "allow_ignore": True,
    },
    "description": "Pays somebody.",
}


@pytest.mark.parametrize(
    "raised", [INBOX, [INBOX], json.dumps(INBOX)], ids=["one", "list", "text"]
)
async def test_an_agent_inbox_question_gets_a_list_of_one(zoo: Stage, raised: object):
    card, ts = await ask(zoo, raised)
    assert "*Pay* `" in everything(card)
    await zoo.click(MINA, "approve", card)
    args = "{'to': 'Ada', 'n': 1, 'f': 0.5, 'b': None}"
    accept = f"{{'type': 'accept', 'args': {{'action': 'pay', 'args': {args}}}}}"
    await said_in(zoo, ts, f"got [{accept}]")


async def test_an_agent_inbox_question_is_ignored_edited_or_answered(zoo: Stage):
    card, ts = await ask(zoo, [INBOX])
    await zoo.click(MINA, "reject", card)
    await said_in(zoo, ts, "got [{'type': 'ignore'}]")
    card, ts = await ask(zoo, [INBOX])
    await filled_in(zoo, MINA, await opened(zoo, MINA, card, "edit"), n="2")
    await said_in(zoo, ts, "'type': 'edit', 'args': {'action': 'pay'")
    await said_in(zoo, ts, "'n': 2")
    card, ts = await ask(zoo, [INBOX])
    await filled_in(zoo, MINA, await opened(zoo, MINA, card, "answer"), your="Less.")
    await said_in(zoo, ts, "got [{'type': 'response', 'args': 'Less.'}]")


async def test_a_withdrawn_question_of_a_graph_is_a_no(zoo: Stage):
    card, ts = await ask(zoo, "Shall I?")
    await choose(zoo, RAVI, card, "withdraw")
    await said_in(zoo, ts, "got 'reject'")
