"""Modals in depth: what forms hold, what Slack checks itself, stacks, answers."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from tests.support.block_samples import OPTION, RICH, TWO
from tests.support.demo import GENERAL, MINA, RAVI
from tests.support.simulated import World, actions, button, field, modal, plain, refusal

VALUES: dict[str, tuple[dict[str, Any], object, dict[str, Any]]] = {
    "plain_text_input": ({}, "hello", {"value": "hello"}),
    "number_input": ({"is_decimal_allowed": True}, "1.5", {"value": "1.5"}),
    "email_text_input": ({}, "a@b.cd", {"value": "a@b.cd"}),
    "url_text_input": ({}, "https://a.b", {"value": "https://a.b"}),
    "rich_text_input": ({}, RICH, {"rich_text_value": RICH}),
    "static_select": ({"options": [OPTION, TWO]}, "2", {"selected_option": TWO}),
    "radio_buttons": ({"options": [OPTION]}, "1", {"selected_option": OPTION}),
    "checkboxes": ({"options": [OPTION, TWO]}, ["2"], {"selected_options": [TWO]}),
    "multi_static_select": (
        {"options": [OPTION, TWO]},
        ["1", "2"],
        {"selected_options": [OPTION, TWO]},
    ),
    "external_select": (
        {"initial_option": OPTION},
        "1",
        {"selected_option": OPTION},
    ),
    "users_select": ({}, RAVI, {"selected_user": RAVI}),
    "multi_users_select": ({}, [RAVI], {"selected_users": [RAVI]}),
    "channels_select": ({}, GENERAL, {"selected_channel": GENERAL}),
    "conversations_select": ({}, GENERAL, {"selected_conversation": GENERAL}),
    "multi_conversations_select": (
        {},
        [GENERAL],
        {"selected_conversations": [GENERAL]},
    ),
    "datepicker": ({}, "2026-12-31", {"selected_date": "2026-12-31"}),
    "timepicker": ({}, "14:05", {"selected_time": "14:05"}),
    "datetimepicker": ({}, 1700000000, {"selected_date_time": 1700000000}),
}


@pytest.mark.parametrize("kind", VALUES)
async def test_every_input_is_sent_as_slack_sends_it(made: World, kind: str):
    more, value, expected = VALUES[kind]
    view = await made.opened(field({"type": kind, "action_id": "a", **more}))
    result = await made.simulator.submit_view(MINA, view["id"], {"a": value})
    state = result.payload["view"]["state"]["values"]
    assert state == {"field": {"a": {"type": kind, **expected}}}
    assert made.socket.payloads[0]["view"]["state"]["values"] == state


async def test_a_file_is_handed_in(made: World):
    view = await made.opened(field({"type": "file_input", "action_id": "a"}))
    file_id = made.simulator.upload_file(MINA, "plan.txt", b"one\ntwo")
    result = await made.simulator.submit_view(MINA, view["id"], {"a": [file_id]})
    [file] = result.payload["view"]["state"]["values"]["field"]["a"]["files"]
    assert (file["id"], file["name"], file["size"]) == (file_id, "plan.txt", 7)
    headers = {"Authorization": "Bearer xoxb-1"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(file["url_private"]) as response,
    ):
        assert await response.text() == "one\ntwo"


async def test_inputs_of_one_name_are_told_apart_by_their_blocks(made: World):
    element = {"type": "plain_text_input", "action_id": "a"}
    view = await made.opened(field(element, "one"), field(element, "two"))
    values = {"one": {"a": "1"}, "two": "2"}
    result = await made.simulator.submit_view(MINA, view["id"], values)
    state = result.payload["view"]["state"]["values"]
    assert [state[name]["a"]["value"] for name in ("one", "two")] == ["1", "2"]


@pytest.mark.parametrize(
    ("element", "value", "complaint"),
    [
        ({"type": "plain_text_input", "min_length": 3}, "ab", "at least 3"),
        ({"type": "plain_text_input", "max_length": 3}, "abcd", "more than 3"),
        ({"type": "number_input", "is_decimal_allowed": False}, "1.5", "whole"),
        ({"type": "number_input", "is_decimal_allowed": False}, "x", "number"),
        (
            {"type": "number_input", "is_decimal_allowed": True, "min_value": "2"},
            "1",
            "at least 2",
        ),
        (
            {"type": "number_input", "is_decimal_allowed": True, "max_value": "2"},
            "3",
            "at most 2",
        ),
        ({"type": "email_text_input"}, "nobody", "email"),
        ({"type": "url_text_input"}, "nowhere", "URL"),
        ({"type": "users_select"}, None, "required"),
    ],
)
async def test_what_slack_itself_checks_is_not_sent(
    made: World, element: dict[str, Any], value: object, complaint: str
):
    view = await made.opened(field({"action_id": "a", **element}))
    result = await made.simulator.submit_view(MINA, view["id"], {"a": value})
    assert complaint in result.errors["field"]
    assert made.socket.heard == []


async def test_an_empty_optional_field_is_sent_as_null(made: World):
    element = {"type": "datepicker", "action_id": "a"}
    view = await made.opened(field(element, optional=True))
    result = await made.simulator.submit_view(MINA, view["id"], {})
    assert result.acked
    state = result.payload["view"]["state"]["values"]
    assert state["field"]["a"]["selected_date"] is None


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"response_action": "update", "view": {"type": "modal"}}, "missing"),
        ({"response_action": "push", "view": {"type": "home", "blocks": []}}, "modal"),
        ({"response_action": "errors", "errors": {"other": "No."}}, "other"),
        ({"response_action": "errors"}, "none"),
        ({"response_action": "shout"}, "shout"),
    ],
)
async def test_an_answer_that_slack_would_refuse_changes_nothing(
    made: World, answer: Any, why: str
):
    view = await made.opened(callback_id="kept")
    made.socket.answers["view_submission"] = answer
    result = await made.simulator.submit_view(MINA, view["id"], {})
    assert why in result.refusal
    assert [v["callback_id"] for v in made.simulator.open_views(MINA)] == ["kept"]


async def test_a_fourth_view_by_an_answer_is_refused_too(made: World):
    view = await made.opened()
    made.socket.answers["view_submission"] = {
        "response_action": "push",
        "view": modal(),
    }
    for _ in range(2):
        assert not (await made.simulator.submit_view(MINA, view["id"], {})).refusal
    result = await made.simulator.submit_view(MINA, view["id"], {})
    assert result.refusal == "push_limit_reached"


async def test_each_person_has_a_stack_of_their_own(made: World):
    await made.opened(callback_id="mina")
    trigger_id = await made.trigger(RAVI)
    await made.slack.views_open(trigger_id=trigger_id, view=modal(callback_id="ravi"))
    shown = [made.simulator.open_views(user) for user in (MINA, RAVI)]
    assert [[v["callback_id"] for v in each] for each in shown] == [["mina"], ["ravi"]]


async def test_the_cross_closes_all_and_says_so(made: World):
    await made.opened(notify_on_close=True, callback_id="below")
    await made.slack.views_push(
        trigger_id=await made.trigger(), view=modal(notify_on_close=True)
    )
    top = made.simulator.open_views(MINA)[1]
    await made.simulator.close_view(MINA, top["id"], clear=True)
    assert made.simulator.open_views(MINA) == []
    assert [each["is_cleared"] for each in made.socket.payloads] == [True, True]
    assert made.socket.payloads[1]["view"]["callback_id"] == "below"


async def test_a_view_may_take_all_with_it_when_it_closes(made: World):
    await made.opened()
    top = await made.slack.views_push(
        trigger_id=await made.trigger(), view=modal(clear_on_close=True)
    )
    await made.simulator.close_view(MINA, top["view"]["id"])
    assert made.simulator.open_views(MINA) == []


async def test_an_external_id_is_taken_once(made: World):
    view = await made.opened(external_id="mine")
    trigger_id = await made.trigger()
    again = made.slack.views_push(trigger_id=trigger_id, view=modal(external_id="mine"))
    assert (await refusal(again))["error"] == "duplicate_external_id"
    updated = await made.slack.views_update(
        external_id="mine", view=modal(external_id="mine", callback_id="new")
    )
    assert updated["view"]["id"] == view["id"]


async def test_a_view_of_more_than_250_kb_is_too_large(made: World):
    texts = [{"type": "section", "text": plain("x" * 2900)}] * 90
    view = modal(*texts)
    answer = await refusal(
        made.slack.views_open(trigger_id=await made.trigger(), view=view)
    )
    assert answer["error"] == "view_too_large"


async def test_a_home_is_no_modal(made: World):
    view = {"type": "home", "blocks": []}
    answer = await refusal(
        made.slack.views_open(trigger_id=await made.trigger(), view=view)
    )
    assert answer["error"] == "invalid_arguments"
    assert "/view/type" in answer["response_metadata"]["messages"][0]


async def test_a_click_in_a_modal_carries_its_view_and_values(made: World):
    view = await made.opened(
        field({"type": "plain_text_input", "action_id": "why"}),
        actions(button(value="r1"), block_id="row"),
        private_metadata="r1",
    )
    result = await made.simulator.click_view(
        MINA, view["id"], "go", values={"why": "half a sen"}
    )
    [payload] = made.socket.payloads
    assert result.acked
    assert payload["container"] == {"type": "view", "view_id": view["id"]}
    assert payload["view"]["private_metadata"] == "r1"
    assert payload["view"]["state"]["values"]["field"]["why"]["value"] == "half a sen"
    assert [(a["block_id"], a["value"]) for a in payload["actions"]] == [("row", "r1")]
    assert not {"channel", "message", "response_url"} & payload.keys()
    await made.slack.views_push(trigger_id=payload["trigger_id"], view=modal())
    assert len(made.simulator.open_views(MINA)) == 2
    with pytest.raises(LookupError, match="no element other"):
        await made.simulator.click_view(MINA, view["id"], "other")


async def test_a_menu_loads_its_options_from_the_bot(made: World):
    view = await made.opened(field({"type": "external_select", "action_id": "who"}))
    made.socket.answers["block_suggestion"] = {"options": [OPTION, TWO]}
    offered = await made.simulator.options(MINA, "who", "tw", view_id=view["id"])
    assert offered == {"options": [OPTION, TWO]}
    [envelope] = made.socket.heard
    assert envelope["accepts_response_payload"]
    asked = envelope["payload"]
    assert (asked["value"], asked["action_id"]) == ("tw", "who")
    result = await made.simulator.submit_view(MINA, view["id"], {"who": "2"})
    state = result.payload["view"]["state"]["values"]["field"]["who"]
    assert state["selected_option"] == TWO


async def test_a_chosen_conversation_brings_a_response_url(made: World):
    element = {"type": "conversations_select", "action_id": "where"}
    view = await made.opened(field({**element, "response_url_enabled": True}))
    result = await made.simulator.submit_view(MINA, view["id"], {"where": GENERAL})
    [given] = result.payload["response_urls"]
    assert (given["channel_id"], given["block_id"]) == (GENERAL, "field")
    assert given["response_url"].startswith(made.simulator.base_url)
