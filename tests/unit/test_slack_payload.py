"""Payloads from Slack pass; those that only look like them do not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.slack.app import readable

CLICK: dict[str, Any] = {
    "type": "block_actions",
    "user": {"id": "U1", "username": "mina", "team_id": "T1"},
    "api_app_id": "A1",
    "team": {"id": "T1", "domain": "x"},
    "container": {"type": "message", "message_ts": "1.2", "channel_id": "C1"},
    "channel": {"id": "C1", "name": "general"},
    "message": {
        "ts": "1.2",
        "text": "a card",
        "metadata": {"event_type": "x", "event_payload": {"delivery": "d"}},
    },
    "trigger_id": "1.2.3",
    "actions": [{"action_id": "approve", "value": "r1", "action_ts": "1.3"}],
}
SUBMISSION: dict[str, Any] = {
    "type": "view_submission",
    "user": {"id": "U1", "team_id": "T1"},
    "team": None,
    "enterprise": {"id": "E1", "name": "x"},
    "view": {"type": "modal", "id": "V1", "callback_id": "c", "private_metadata": ""},
    "response_urls": [],
}
MENU: dict[str, Any] = {
    **CLICK,
    "actions": [
        {
            "action_id": "more",
            "type": "overflow",
            "selected_option": {
                "text": {"type": "plain_text", "text": "Edit…"},
                "value": "edit:t1",
            },
            "action_ts": "1.3",
        }
    ],
}
FORM: dict[str, Any] = {
    **SUBMISSION,
    "view": {
        **SUBMISSION["view"],
        "state": {
            "values": {
                "reason": {"value": {"type": "plain_text_input", "value": "no"}},
                "empty": {"value": {"type": "number_input", "value": None}},
                "pick": {
                    "value": {
                        "type": "static_select",
                        "selected_option": {"text": {}, "value": "1"},
                    }
                },
                "other": {"value": {"type": "checkboxes", "selected_options": []}},
            }
        },
    },
}
MESSAGE: dict[str, Any] = {
    "type": "event_callback",
    "team_id": "T1",
    "enterprise_id": None,
    "api_app_id": "A1",
    "event_id": "Ev1",
    "authorizations": [{"enterprise_id": None, "team_id": "T1", "user_id": "U2"}],
    "event": {
        "type": "message",
        "channel": "C1",
        "user": "U1",
        "text": "half a character: \ud83d",
        "ts": "1.2",
        "channel_type": "im",
    },
}
JOINED = {**MESSAGE, "event": {"type": "team_join", "user": {"id": "U1", "name": "a"}}}
CREATED = {**MESSAGE, "event": {"type": "channel_created", "channel": {"id": "C1"}}}
REACTED = {
    **MESSAGE,
    "event": {
        "type": "reaction_added",
        "user": "U1",
        "item": {"type": "message", "channel": "C1", "ts": "1.2"},
    },
}
CHANGED = {
    **MESSAGE,
    "event": {
        "type": "message",
        "subtype": "message_changed",
        "channel": "C1",
        "ts": "1.2",
        "message": {"user": "U1", "ts": "1.1"},
        "previous_message": {"user": "U1", "ts": "1.1"},
    },
}
COMMAND = {"command": "/approvals", "text": "", "user_id": "U1", "team_id": "T1"}
ALL = [
    CLICK,
    SUBMISSION,
    MENU,
    FORM,
    MESSAGE,
    JOINED,
    CREATED,
    REACTED,
    CHANGED,
    COMMAND,
]


@pytest.mark.parametrize("payload", ALL)
def test_what_slack_sends_is_passed_on_without_its_nulls(payload: dict[str, Any]):
    found = readable(payload)

    assert found == {k: v for k, v in payload.items() if v is not None}


SEVERAL = SUBMISSION | {"response_urls": [{"response_url": "x"}] * 2}


@pytest.mark.parametrize(
    "value", [None, 7, "text", [], [CLICK], {"type": ["x"]}, SEVERAL]
)
def test_what_is_no_payload_is_refused(value: object):
    assert readable(value) is None


@pytest.mark.parametrize("lacking", ["user", "actions"])
def test_a_click_names_a_person_and_an_action(lacking: str):
    assert readable({k: v for k, v in CLICK.items() if k != lacking}) is None


@pytest.mark.parametrize("word", ["a\x00b", "\ud800"])
def test_an_id_that_cannot_be_stored_is_refused(word: str):
    assert readable({**CLICK, "api_app_id": word}) is None


@pytest.mark.parametrize(
    "held",
    [
        {"value": 7},
        {"value": "a\x00b"},
        {"value": "\ud800"},
        {"selected_option": "1"},
        {"selected_option": {"value": ["1"]}},
        "text",
    ],
)
def test_what_no_input_can_hold_is_refused(held: object):
    state = {"values": {"reason": {"value": held}}}
    assert readable({**FORM, "view": {**FORM["view"], "state": state}}) is None


def test_a_menu_whose_option_is_no_option_is_refused():
    action = {**MENU["actions"][0], "selected_option": {"value": {"x": 1}}}
    assert readable({**MENU, "actions": [action]}) is None


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["id", "type", "team_id", "user", "event", "message", "ts"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


@given(st.sampled_from(ALL), st.data())
def test_what_is_passed_on_can_be_taken_in_by_bolt(
    payload: dict[str, Any], data: st.DataObject
):
    key = data.draw(st.sampled_from([*payload, "item", "team", "previous_message"]))
    inside = payload.get(key)
    odd = data.draw(ANYTHING)
    if isinstance(inside, dict) and data.draw(st.booleans()):
        inner = data.draw(st.sampled_from([*inside, "enterprise", "thread_ts"]))
        odd = {**inside, inner: odd}

    found = readable({**payload, key: odd})

    if found is not None:
        AsyncBoltRequest(body=found, mode="socket_mode")
