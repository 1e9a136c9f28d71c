"""The field names and types that the bot relies on, as Slack's samples have them.

They were compared with Slack's published samples by `tests.support.compare_samples`;
what is written out here holds them without that folder.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.compare_samples import kind_of
from tests.support.simulator_tour import Tour, tour

_USER = """
    id: string, team_id: string, name: string, deleted: boolean, is_bot: boolean,
    profile/real_name: string, profile/display_name: string
"""
_ACTIVE = """
    user/is_restricted: boolean, user/is_ultra_restricted: boolean,
    user/real_name: string, user/tz: string
"""
_PERSON = """
    user/id: string, user/team_id: string, user/name: string, team/id: string,
    enterprise: null, api_app_id: string, is_enterprise_install: boolean
"""
_MESSAGE = "type: string, user: string, text: string, ts: string, channel: string"
_EVENT = """
    type: string, event_id: string, event_time: number, team_id: string,
    api_app_id: string, is_ext_shared_channel: boolean,
    authorizations/*/team_id: string, authorizations/*/user_id: string,
    authorizations/*/is_bot: boolean, event/type: string
"""
_VIEW = """
    view/id: string, view/type: string, view/callback_id: string, view/hash: string,
    view/private_metadata: string, view/state/values: object, view/team_id: string,
    view/app_id: string, view/bot_id: string, view/root_view_id: string
"""
ANSWERS = {
    "auth.test": "team_id: string, user_id: string, bot_id: string, team: string, "
    "url: string, user: string, is_enterprise_install: boolean",
    "bots.info": "bot/id: string, bot/app_id: string, bot/name: string, "
    "bot/user_id: string, bot/deleted: boolean",
    "users.info": ", ".join(f"user/{each.strip()}" for each in _USER.split(",")),
    "users.list": "members/*/id: string, members/*/deleted: boolean",
    "users.lookupByEmail": "user/id: string, user/profile/email: string," + _ACTIVE,
    "users.profile.get": "profile/fields/Xf0MANAGER/value: string, "
    "profile/fields/Xf0MANAGER/alt: string, profile/real_name: string",
    "team.profile.get": "profile/fields/*/id: string, profile/fields/*/label: string, "
    "profile/fields/*/type: string",
    "usergroups.list": "usergroups/*/id: string, usergroups/*/handle: string, "
    "usergroups/*/date_delete: number, usergroups/*/users/*: string",
    "usergroups.users.list": "users/*: string",
    "chat.update": "channel: string, ts: string, text: string, message/text: string",
    "chat.delete": "channel: string, ts: string",
    "chat.postEphemeral": "message_ts: string",
    "chat.getPermalink": "channel: string, permalink: string",
    "conversations.info": "channel/id: string, channel/name: string, "
    "channel/is_member: boolean, channel/is_archived: boolean, "
    "channel/is_private: boolean, channel/is_ext_shared: boolean, "
    "channel/num_members: number",
    "conversations.members": "members/*: string, response_metadata/next_cursor: string",
    "conversations.open": "channel/id: string",
    "conversations.history": "messages/*/ts: string, messages/*/text: string, "
    "messages/*/user: string, has_more: boolean",
    "conversations.replies": "messages/*/ts: string, messages/*/thread_ts: string",
    "chat.postMessage": "channel: string, ts: string, message/ts: string, "
    "message/bot_id: string, message/app_id: string, message/team: string",
    "views.open": _VIEW,
    "views.push": _VIEW + ", view/previous_view_id: string",
    "views.update": _VIEW,
    "views.publish": _VIEW,
    "files.getUploadURLExternal": "upload_url: string, file_id: string",
    "files.completeUploadExternal": "files/*/id: string, files/*/title: string",
    "apps.connections.open": "url: string",
}
EVENTS = {
    "message": f"{_MESSAGE}, channel_type: string, client_msg_id: string, "
    "blocks/*/type: string, event_ts: string",
    "app_mention": f"{_MESSAGE}, event_ts: string",
    "message_changed": "message/ts: string, message/text: string, channel: string, "
    "previous_message/ts: string, hidden: boolean",
    "message_deleted": "deleted_ts: string, previous_message/ts: string",
    "thread_broadcast": f"{_MESSAGE}, thread_ts: string, bot_id: string",
    "app_home_opened": "user: string, channel: string, tab: string, event_ts: string",
    "subteam_members_changed": "subteam_id: string, added_users/*: string, "
    "removed_users/*: string, date_update: number, added_users_count: number",
    "member_left_channel": "user: string, channel: string, channel_type: string",
    "channel_archive": "user: string, channel: string",
}
PAYLOADS = {
    "block_actions": f"""{_PERSON}, trigger_id: string, response_url: string,
    container/type: string, container/channel_id: string, container/message_ts: string,
    container/is_ephemeral: boolean, channel/id: string, channel/name: string,
    message/ts: string, message/metadata/event_type: string,
    message/metadata/event_payload: object, message/bot_id: string,
    state/values: object, actions/*/action_id: string, actions/*/block_id: string,
    actions/*/action_ts: string, actions/*/type: string, actions/*/value: string,
    actions/*/text/text: string, actions/*/style: string""",
    "block_actions in a view": f"""{_PERSON}, {_VIEW}, trigger_id: string,
    container/view_id: string, actions/*/action_id: string, actions/*/value: string,
    view/state/values/field/why/value: string""",
    "view_submission": f"""{_PERSON}, {_VIEW}, trigger_id: string, response_urls: array,
    view/state/values/field/why/value: string,
    view/state/values/field/why/type: string""",
    "view_closed": f"{_PERSON}, {_VIEW}, is_cleared: boolean",
    "slash_command": """command: string, text: string, user_id: string,
    user_name: string, channel_id: string, channel_name: string, team_id: string,
    team_domain: string, api_app_id: string, trigger_id: string, response_url: string,
    is_enterprise_install: string, token: string""",
}


def values_at(value: Any, path: list[str]) -> Iterator[Any]:
    """Yield what stands at a path; `*` is any item of an array."""
    if not path:
        yield value
    elif path[0] == "*":
        assert isinstance(value, list)
        for item in value:
            yield from values_at(item, path[1:])
    else:
        assert path[0] in value, f"no {path[0]} in {sorted(value)}"
        yield from values_at(value[path[0]], path[1:])


def check(value: Any, table: str) -> None:
    """Every field of the table is there, with its type."""
    for line in table.split(","):
        path, _, kind = line.strip().partition(": ")
        found = list(values_at(value, path.split("/")))
        assert found, f"{path} is empty"
        for each in found:
            assert kind_of(each) == kind, f"{path}: {each!r}"


@pytest.fixture(scope="module")
def seen() -> Tour:
    return asyncio.run(tour())


@pytest.mark.parametrize("method", ANSWERS)
def test_answers_have_their_fields(seen: Tour, method: str):
    for answer in seen.answers[method][-1:]:
        check(answer, f"ok: boolean, {ANSWERS[method]}")


def test_a_person_who_left_has_no_flags_and_others_have(seen: Tour):
    active, left, _ = seen.answers["users.info"]
    check(active, _ACTIVE)
    assert left["user"]["deleted"]
    assert "is_restricted" not in left["user"]


@pytest.mark.parametrize("name", EVENTS)
def test_events_have_their_fields_and_wrapping(seen: Tour, name: str):
    payload = seen.events[name][0]
    check(payload, _EVENT)
    check(payload["event"], EVENTS[name])


@pytest.mark.parametrize("name", PAYLOADS)
def test_interactions_have_their_fields(seen: Tour, name: str):
    check(seen.payloads[name][0], PAYLOADS[name])


def test_envelopes_have_their_fields(seen: Tour):
    for envelope in seen.envelopes:
        check(
            envelope,
            "envelope_id: string, type: string, payload: object, "
            "accepts_response_payload: boolean",
        )
        retried = envelope["type"] == "events_api"
        assert ("retry_attempt" in envelope) == retried
