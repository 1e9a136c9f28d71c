"""Menus and dialogs on a card, and the forms that they open: what the bot is sent."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.demo import GENERAL, MINA
from tests.support.simulated import World, actions, button, field, modal, plain, refusal


def option(value: str) -> dict[str, Any]:
    return {"text": plain(f"To {value}"), "value": value}


def menu(*values: str, **more: Any) -> dict[str, Any]:
    options = [option(value) for value in values]
    return {"type": "overflow", "action_id": "more", "options": options, **more}


CONFIRM = {
    "title": plain("Transfer money?"),
    "text": plain("£1,200.00 go to ACME."),
    "confirm": plain("Transfer"),
    "deny": plain("Back"),
    "style": "primary",
}
CARD = [
    actions(button(value="one", confirm=CONFIRM), menu("edit:1", "reject:1")),
    actions(button(value="two"), menu("edit:2", "reject:2", confirm=CONFIRM)),
]


async def post(made: World, *blocks: Any) -> str:
    listed = list(blocks)
    answer = await made.slack.chat_postMessage(
        channel=GENERAL, text="A card", blocks=listed
    )
    return answer["ts"]


async def test_a_menu_choice_is_sent_as_slack_sends_it(made: World):
    ts = await post(made, *CARD)
    result = await made.simulator.click(MINA, GENERAL, ts, "more", "reject:1")
    assert result.acked
    [payload] = made.socket.payloads
    assert payload["type"] == "block_actions"
    [entry] = payload["actions"]
    assert (entry["type"], entry["action_id"]) == ("overflow", "more")
    assert entry["selected_option"] == option("reject:1")
    assert entry["block_id"] == payload["message"]["blocks"][0]["block_id"]
    assert "value" not in entry
    assert payload["state"] == {"values": {}}  # a menu of this kind keeps no choice


async def test_each_of_several_menus_is_found_by_what_it_offers(made: World):
    ts = await post(made, *CARD)
    blocks = made.simulator.messages(GENERAL)[0]["blocks"]
    for value, block in (("edit:2", 1), ("edit:1", 0)):
        payload = made.simulator.click_payload(MINA, GENERAL, ts, "more", value)
        [entry] = payload["actions"]
        assert entry["selected_option"]["value"] == value
        assert entry["block_id"] == blocks[block]["block_id"]


async def test_what_a_menu_does_not_offer_cannot_be_chosen(made: World):
    ts = await post(made, *CARD)
    for value in ("reject:3", None):
        with pytest.raises(LookupError, match="more has no option"):
            await made.simulator.click(MINA, GENERAL, ts, "more", value)
    assert made.socket.heard == []


async def test_a_confirmed_click_carries_what_was_confirmed(made: World):
    ts = await post(made, *CARD)
    await made.simulator.click(MINA, GENERAL, ts, "go", "one")
    await made.simulator.click(MINA, GENERAL, ts, "more", "edit:2")
    sent = [payload["actions"][0] for payload in made.socket.payloads]
    assert [entry["confirm"]["text"]["text"] for entry in sent] == [
        "£1,200.00 go to ACME."
    ] * 2


BAD = {
    "no option": (menu(), "/0/elements/0/options"),
    "six options": (menu(*"abcdef"), "/0/elements/0/options"),
    "a long value": (menu("x" * 151), "/0/elements/0/options/0/value"),
    "an empty value": (menu(""), "/0/elements/0/options/0/value"),
    "a long text": (
        {**menu(), "options": [{"text": plain("x" * 76), "value": "x"}]},
        "/0/elements/0/options/0/text/text",
    ),
    "a menu in groups": (menu("a", option_groups=[]), "/0/elements/0/option_groups"),
    "a menu with a text": (menu("a", text=plain("x")), "/0/elements/0/text"),
    "an incomplete dialog": (
        menu("a", confirm={"title": plain("x"), "text": plain("y")}),
        "/0/elements/0/confirm",
    ),
    "a long title": (
        button(confirm={**CONFIRM, "title": plain("x" * 101)}),
        "/0/elements/0/confirm/title/text",
    ),
    "a long verb": (
        button(confirm={**CONFIRM, "confirm": plain("x" * 31)}),
        "/0/elements/0/confirm/confirm/text",
    ),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_menu_or_dialog_over_a_limit_is_refused(made: World, name: str):
    element, pointer = BAD[name]
    answer = await refusal(
        made.slack.chat_postMessage(
            channel=GENERAL, text="x", blocks=[actions(element)]
        )
    )
    assert answer["error"] == "invalid_blocks"
    assert any(
        line.endswith(f"[json-pointer:/blocks{pointer}]") for line in answer["errors"]
    )


@pytest.mark.parametrize(("action_id", "value"), [("go", "two"), ("more", "edit:2")])
async def test_a_button_and_a_menu_open_a_form(made: World, action_id: str, value: str):
    ts = await post(made, *CARD)
    click = await made.simulator.click(MINA, GENERAL, ts, action_id, value)
    trigger_id = click.payload["trigger_id"]
    view = modal(private_metadata="r1", callback_id="edit")
    await made.slack.views_open(trigger_id=trigger_id, view=view)
    [shown] = made.simulator.open_views(MINA)
    assert (shown["callback_id"], shown["private_metadata"]) == ("edit", "r1")


KINDS = [option("eur"), option("usd")]
EDIT = [
    field(
        {"type": "plain_text_input", "action_id": "v", "initial_value": "ACME"}, "to"
    ),
    field(
        {
            "type": "plain_text_input",
            "action_id": "v",
            "multiline": True,
            "max_length": 3000,
        },
        "note",
        optional=True,
    ),
    field(
        {
            "type": "number_input",
            "action_id": "v",
            "is_decimal_allowed": True,
            "initial_value": "1200.50",
            "min_value": "0",
            "max_value": "10000",
        },
        "amount",
    ),
    field(
        {"type": "number_input", "action_id": "v", "is_decimal_allowed": False},
        "count",
        optional=True,
    ),
    field(
        {
            "type": "static_select",
            "action_id": "v",
            "options": KINDS,
            "initial_option": KINDS[1],
        },
        "currency",
    ),
    field(
        {
            "type": "radio_buttons",
            "action_id": "v",
            "options": KINDS,
            "initial_option": KINDS[0],
        },
        "fee",
    ),
    field(
        {"type": "radio_buttons", "action_id": "v", "options": KINDS},
        "none",
        optional=True,
    ),
    field(
        {
            "type": "checkboxes",
            "action_id": "v",
            "options": KINDS,
            "initial_options": KINDS[:1],
        },
        "flags",
        optional=True,
    ),
]
UNTOUCHED = {
    "to": {"type": "plain_text_input", "value": "ACME"},
    "note": {"type": "plain_text_input", "value": None},
    "amount": {"type": "number_input", "value": "1200.50"},
    "count": {"type": "number_input", "value": None},
    "currency": {"type": "static_select", "selected_option": KINDS[1]},
    "fee": {"type": "radio_buttons", "selected_option": KINDS[0]},
    "none": {"type": "radio_buttons", "selected_option": None},
    "flags": {"type": "checkboxes", "selected_options": KINDS[:1]},
}


async def test_an_untouched_form_is_sent_as_it_was_filled_in(made: World):
    view = await made.opened(*EDIT)
    await made.simulator.submit_view(MINA, view["id"], {})
    [payload] = made.socket.payloads
    state = payload["view"]["state"]["values"]
    assert state == {block: {"v": value} for block, value in UNTOUCHED.items()}
    assert made.simulator.open_views(MINA) == []


async def test_typed_and_chosen_values_replace_the_initial_ones(
    made: World,
):
    view = await made.opened(*EDIT)
    typed = {"amount": "9000", "note": "one\ntwo", "currency": "eur", "flags": []}
    await made.simulator.submit_view(MINA, view["id"], typed)
    state = made.socket.payloads[0]["view"]["state"]["values"]
    assert state["amount"]["v"] == {"type": "number_input", "value": "9000"}
    assert state["note"]["v"]["value"] == "one\ntwo"
    assert state["currency"]["v"]["selected_option"] == KINDS[0]
    assert state["flags"]["v"]["selected_options"] == []


@pytest.mark.parametrize(
    ("block", "value", "complaint"),
    [
        ("amount", "10000.01", "at most 10000"),
        ("amount", "-1", "at least 0"),
        ("amount", "1,200", "number"),
        ("amount", "", "required"),
        ("count", "1.0", "whole"),
        ("to", "", "required"),
        ("note", "x" * 3001, "no more than 3000"),
        ("currency", None, "required"),
    ],
)
async def test_slack_itself_holds_back_what_does_not_fit(
    made: World, block: str, value: object, complaint: str
):
    view = await made.opened(*EDIT)
    result = await made.simulator.submit_view(MINA, view["id"], {block: value})
    assert list(result.errors) == [block]
    assert complaint in result.errors[block]
    assert made.socket.heard == []
    assert made.simulator.open_views(MINA)


async def test_the_bots_complaint_leaves_the_form_open_for_another_try(made: World):
    view = await made.opened(*EDIT)
    made.socket.answers["view_submission"] = {
        "response_action": "errors",
        "errors": {"amount": "Payments over £5,000 are not made from here."},
    }
    result = await made.simulator.submit_view(MINA, view["id"], {"amount": "9000"})
    assert result.errors == {"amount": "Payments over £5,000 are not made from here."}
    assert [each["id"] for each in made.simulator.open_views(MINA)] == [view["id"]]
    made.socket.answers["view_submission"] = None
    await made.simulator.submit_view(MINA, view["id"], {"amount": "4000"})
    assert made.simulator.open_views(MINA) == []


WRONG = {
    "a number for a text": ({"initial_value": 7}, "initial_value"),
    "no number": ({"initial_value": "seven"}, "initial_value"),
    "bounds as numbers": ({"min_value": 1}, "min_value"),
    "bounds the wrong way": ({"min_value": "2", "max_value": "1"}, "min_value"),
    "not said whether decimal": ({"is_decimal_allowed": None}, "is_decimal_allowed"),
    "a length": ({"max_length": 3}, "max_length"),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_number_input_is_checked_as_strictly_as_slack_does(
    made: World, name: str
):
    change, key = WRONG[name]
    element = {"type": "number_input", "action_id": "v", "is_decimal_allowed": True}
    view = modal(field({**element, **change}))
    answer = await refusal(
        made.slack.views_open(trigger_id=await made.trigger(), view=view)
    )
    assert answer["error"] == "invalid_arguments"
    [line] = answer["response_metadata"]["messages"]
    assert line.endswith(f"[json-pointer:/view/blocks/0/element/{key}]")
