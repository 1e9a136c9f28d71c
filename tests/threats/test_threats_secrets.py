"""Threats 37 and 38: a secret is used as it is and shown to nobody."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.approvals.digest import call_digest
from bot.approvals.model import Confirm, Status, Verdict
from bot.base.masks import (
    hides,
    is_secret_name,
    mask,
    mask_arguments,
    mask_strings,
    masked,
)
from bot.slack.cards.answer import answer
from bot.slack.cards.arguments import effect_lines
from bot.slack.cards.card import card_blocks, card_text, changes
from bot.slack.cards.edit_form import block_id, edit_form, edited
from bot.slack.cards.view import RequestView
from bot.slack.full_text import full_view
from bot.slack.render import draw, draw_call, draw_notice
from bot.texts.clicks import what_to_type
from tests.support.cards_samples import CARD, closed, comment, decision, view
from tests.support.hostile_texts import TOKENS
from tests.support.house import POLICY, House, parsed
from tests.support.people import MINA, US
from tests.support.request_builder import NOW, request

CANARY = "CANARY"
SCHEMA = {
    "properties": {
        "pin_code": {"type": "string", "format": "password"},
        "referred": {"$ref": "#/$defs/S"},
        "wrapped": {"anyOf": [{"$ref": "#/$defs/S"}, {"type": "null"}]},
        "many": {"type": "array", "items": {"writeOnly": True, "type": "string"}},
        "inner": {"properties": {"x": {"format": "password", "type": "string"}}},
        "free": {"additionalProperties": {"format": "password"}},
    },
    "$defs": {"S": {"type": "string", "writeOnly": True}},
}
MARKED: list[dict[str, Any]] = [
    {"pin_code": CANARY},
    {"referred": CANARY},
    {"wrapped": CANARY},
    {"many": ["x", CANARY]},
    {"inner": {"x": CANARY}},
    {"free": {"any": CANARY}},
    {"password": CANARY},
    {"auth": {"apiKey": CANARY}},
    {"credentials": {"user": CANARY, "list": [CANARY]}},
]
# What token of TOKENS stands where; as a whole value, inside a text, as a name, deep.
PLACES = ["{t}", "curl -H 'x: {t}' https://a.example", "a\n{t}\tb"]


def arguments_with(token: str) -> list[dict[str, Any]]:
    texts = [place.format(t=token) for place in PLACES]
    return [{"body": texts}, {"a": {"b": [{"c": texts[1]}]}}, {token: 1}]


def everything_shown(**changed: Any) -> str:
    """All that people can read of a request, open, closed, and in every form."""
    one = request(schema=SCHEMA, allow=tuple(Verdict)[:4], **changed)
    over = closed(Status.REJECTED, schema=SCHEMA, **changed)
    return json.dumps(
        [
            card_blocks(view(one)),
            card_text(view(one)),
            card_blocks(view(over)),
            card_text(view(over)),
            full_view(RequestView(one, NOW), CARD),
            edit_form(one, CARD),
            [str(draw) for draw in (draw_notice([one], US), draw_call(one, US))],
        ],
        ensure_ascii=False,
    )


@pytest.mark.parametrize("token", [t for t in TOKENS if "'" not in t])
def test_threat_37_no_canary_leaves_a_card_in_any_place(token: str):
    spoken = f"use {token} now"
    for arguments in arguments_with(token):
        shown = everything_shown(
            arguments=arguments,
            raised_arguments={"body": spoken},
            edited_by=MINA,
            tool=f"tool {token}",
            note=spoken,
            end_note=spoken,
            comments=(comment(spoken),),
            decisions=(decision(reason=spoken, verdict=Verdict.REJECT),),
            confirm=Confirm.DIALOG,
        )
        assert CANARY not in shown
        assert "[secret, " in shown


@pytest.mark.parametrize("arguments", MARKED, ids=lambda a: next(iter(a)))
def test_threat_37_fields_marked_secret_are_masked_as_a_whole(
    arguments: dict[str, Any],
):
    shown = everything_shown(
        arguments=arguments, raised_arguments={}, edited_by=MINA, confirm=Confirm.DIALOG
    )
    assert CANARY not in shown
    assert "[secret, " in shown


@pytest.mark.parametrize("token", TOKENS)
def test_threat_37_what_the_agent_says_is_masked_too(token: str):
    assert CANARY not in json.dumps(asdict(answer(f"It is {token}.")))
    for kind in ("say", "private", "answer"):
        said = {"kind": kind, "id": "d-1", "text": f"It is {token}.", "offer": None}
        assert CANARY not in json.dumps(asdict(draw(said, parsed(POLICY), US, {})))


def test_threat_37_a_schema_that_names_itself_comes_to_an_end():
    alternatives = [{"$ref": "#"} for _ in range(20)]
    schema = {"anyOf": alternatives, "properties": {"a": {"writeOnly": True}}}
    [shown] = mask_arguments({"a": "canary"}, schema).values()
    assert shown == "[secret, 6 characters]"


def test_threat_37_what_stands_below_a_masked_name_is_masked():
    token = next(token for token in TOKENS if "." not in token)
    assert hides({token: {"x": 1}}, {}, f"{token}.x")
    assert not hides({"a": {"x": 1}}, {}, "a.x")


def test_threat_37_the_mask_says_what_it_hides():
    token = "xapp-1-" + "a1" * 22
    digest = hashlib.sha256(token.encode()).hexdigest()
    assert (
        mask(f"use {token}!") == f"use [secret, 51 characters, sha256 {digest[:4]}…]!"
    )
    assert masked("1234") == "[secret, 4 characters]"  # a hash would give it away


def test_threat_37_the_digest_covers_the_values_and_not_the_mask():
    one, other = ({"password": "correct horse " + each} for each in "ab")
    assert call_digest("t", "", one) != call_digest("t", "", other)


def test_threat_37_a_changed_secret_shows_as_changed_even_under_equal_masks():
    [(name, old, new)] = changes({"pin": 1111}, {"pin": 2222}, {})
    assert (name, old) == ("pin", new)


def test_threat_37_two_masked_names_do_not_hide_one_entry():
    token = "sk-CANARYcanary0123456789"
    shown = mask_arguments({token: 1, mask(token): 2}, {})
    assert sorted(shown.values()) == [1, 2]


def test_threat_37_a_secret_stays_as_it_is_through_the_edit_form():
    one = request(
        schema=SCHEMA,
        arguments={"password": CANARY, "path": "a.txt"},
        allow=tuple(Verdict),
    )
    form = json.dumps(edit_form(one, CARD))
    assert CANARY not in form
    assert "holds a secret" in form
    fields = {block_id(i): {"value": {"value": "b.txt"}} for i in range(7)}
    assert edited(one, fields).arguments["password"] == CANARY


def test_threat_37_a_secret_is_not_what_people_type_in():
    one = request(
        arguments={"token": "CANARYcanary"},
        confirm=Confirm.TYPED,
        confirm_argument="token",
    )
    assert one.code in what_to_type(one)
    assert CANARY not in "".join(effect_lines(one, 300))


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        *(
            (n, True)
            for n in ("apiKey", "db_password", "token", "X-API-KEY", "userPIN")
        ),
        *((n, False) for n in ("max_tokens", "key", "path", "", "tokenizer", "monkey")),
    ],
)
def test_a_name_says_what_is_secret(name: str, is_secret: bool):
    assert is_secret_name(name) is is_secret


@given(st.text(), st.sampled_from(TOKENS), st.text())
@example("password=", "xoxb-1-CANARY", "")
def test_to_mask_twice_is_to_mask_once(before: str, token: str, after: str):
    once = mask(f"{before} {token} {after}")
    assert mask(once) == once


NAMED = st.dictionaries(st.sampled_from(["apiKey", "userPIN", "note"]), st.text())


@given(st.lists(st.text() | st.sampled_from(TOKENS) | NAMED))
def test_texts_are_masked_together_as_one_by_one(values: list[Any]):
    alone = [mask(v) if isinstance(v, str) else mask_arguments(v, {}) for v in values]
    assert mask_strings(values) == alone


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists))
def test_plain_values_stay(value: Any):
    assert mask_strings(value) == value or "[secret, " in json.dumps(
        mask_strings(value)
    )


SECRET_DECIDES = f"""{POLICY}
  - {{name: big, tools: [wipe], when: {{path: {{eq: b}}}}, deny: true, why: Not b.}}
"""


async def test_threat_37_what_decides_the_risk_is_never_masked_but_refused(
    house: House,
):
    house.policies.current = parsed(SECRET_DECIDES)
    one = await house.ask(arguments={"path": "ghp_CANARYcanary0123456789"})
    assert one.status is Status.REJECTED
    assert "path looks like a secret" in one.end.note
    assert one.call.arguments == {}
    assert (await house.ask(arguments={"path": "a"})).is_open


async def test_threat_38_no_canary_reaches_the_trail(house: House):
    for token in TOKENS:
        one = await house.ask(arguments={"body": token})
        await house.click(MINA, one, Verdict.REJECT, reason=f"because {token}")
        await house.click(MINA, one, token=token)
    trail = await house.rows("SELECT * FROM audit")
    assert CANARY not in str(trail)
    assert "[secret, " in str(trail)
