"""Changes to groups, channels and profiles, made through the control page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from bot.simulator.people import Channel, User, UserGroup
from bot.simulator.shapes import Json, as_list, as_object
from bot.simulator.workspace import Workspace

Change: TypeAlias = Callable[[Workspace, str, Json], None]


def places(workspace: Workspace) -> Json:
    """Return who is in each user group and channel, and what profiles say."""
    groups, channels = workspace.usergroups, workspace.channels
    return {
        "usergroups": {each.id: list(each.users) for each in groups.values()},
        "channels": {each.id: list(each.members) for each in channels.values()},
        "fields": {
            user.id: dict(user.fields)
            for user in workspace.users.values()
            if user.fields
        },
    }


def subject_of(body: Json) -> str:
    """Return what a body is about, "" if it is about none of these."""
    return next((name for name in _CHANGES if name in body), "")


def rearrange(workspace: Workspace, body: Json) -> None:
    """Do what the body says; raises ValueError with what is wrong with it.

    `{"usergroup": "S…", "users": ["U…"], "is_disabled": false}` and
    `{"channel": "C…", "members": ["U…"], "is_archived": false}` put these people in the
    place of those who are there; what does not exist yet is made, with a `handle`, or a
    `name` and `is_private`. `owner` is another company's workspace that shares the
    channel; `refuses_posts` and `refuses_edits` are Slack's words to the bot there,
    such as `edit_window_closed`, or `none`. `{"user": "U…", "fields": {"Xf…": "U…"}}`
    fills in profile fields, `""` empties one; `team` and `teams` are the person's
    workspaces, `lacks` what Slack leaves out of the user object; a new person needs a
    `name`. `{"enterprise": "E…"}` makes the workspace one of an organisation, `none`
    takes it out.
    """
    subject = subject_of(body)
    change, known = _CHANGES[subject]
    if unknown := sorted(body.keys() - {subject, *known}):
        raise ValueError(f"`{unknown[0]}` isn't one of {', '.join(known)}")
    change(workspace, _text(body, subject), body)


def _usergroup(workspace: Workspace, group_id: str, body: Json) -> None:
    users = _people(workspace, body, "users")
    handle = _text(body, "handle", group_id.lower())
    is_disabled = _flag(body, "is_disabled")
    group = workspace.usergroups.get(group_id)
    group = group or workspace.add_usergroup(UserGroup(group_id, handle))
    group.disabled = int(workspace.clock()) if is_disabled else 0
    workspace.set_usergroup_users(group_id, users)


def _channel(workspace: Workspace, channel_id: str, body: Json) -> None:
    members = _people(workspace, body, "members")
    name = _text(body, "name", channel_id.lower())
    is_private, is_archived = _flag(body, "is_private"), _flag(body, "is_archived")
    channel = workspace.channels.get(channel_id)
    channel = channel or workspace.add_channel(
        Channel(channel_id, name, is_private=is_private)
    )
    for user_id in [each for each in channel.members if each not in members]:
        workspace.leave(channel_id, user_id)
    for user_id in members:
        workspace.join(channel_id, user_id)
    if "owner" in body:
        channel.is_ext_shared, channel.owner_team_id = True, _text(body, "owner")
    for name in _REFUSES:
        if name in body:
            word = _text(body, name)
            setattr(channel, name, "" if word == "none" else word)
    if channel.is_archived != is_archived:
        workspace.archive(channel_id, workspace.bot_user_id, archived=is_archived)


def _person(workspace: Workspace, user_id: str, body: Json) -> None:
    if user_id not in workspace.users:
        if "name" not in body:
            raise ValueError(f"there is no person {user_id}")
        workspace.add_user(User(user_id, _text(body, "name")))
    user = workspace.users[user_id]
    user.team_id = _text(body, "team", user.team_id)
    user.teams = tuple(_words(body, "teams", user.teams))
    user.lacks = tuple(_words(body, "lacks", user.lacks))
    _fill_in(workspace, user, body)


def _fill_in(workspace: Workspace, user: User, body: Json) -> None:
    fields = as_object(body.get("fields")) or {}
    known = {each.id for each in workspace.profile_fields}
    for name, value in fields.items():
        if name not in known or not isinstance(value, str):
            raise ValueError(
                f"{name} isn't a profile field, or its value isn't a string"
            )
    user.fields = {k: v for k, v in {**user.fields, **fields}.items() if v}


def _organisation(workspace: Workspace, enterprise_id: str, _: Json) -> None:
    workspace.enterprise_id = None if enterprise_id == "none" else enterprise_id


_REFUSES = ("refuses_posts", "refuses_edits")
_OF_CHANNEL = ("members", "name", "is_private", "is_archived", "owner", *_REFUSES)
_CHANGES: dict[str, tuple[Change, tuple[str, ...]]] = {
    "usergroup": (_usergroup, ("users", "handle", "is_disabled")),
    "channel": (_channel, _OF_CHANNEL),
    "user": (_person, ("name", "team", "teams", "lacks", "fields")),
    "enterprise": (_organisation, ()),
}


def _text(body: Json, name: str, default: str = "") -> str:
    value = body.get(name, default)
    if not isinstance(value, str) or not value:
        raise ValueError(f"`{name}` isn't a string, or is empty")
    return value


def _flag(body: Json, name: str) -> bool:
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise ValueError(f"`{name}` is neither true nor false")
    return value


def _words(body: Json, name: str, default: Sequence[str]) -> Sequence[str]:
    listed = as_list(body.get(name, list(default)))
    if listed is None or not all(isinstance(each, str) for each in listed):
        raise ValueError(f"`{name}` isn't a list of strings")
    return listed


def _people(workspace: Workspace, body: Json, name: str) -> list[str]:
    listed = as_list(body.get(name))
    if listed is None:
        raise ValueError(f"`{name}` isn't a list of user ids")
    for each in listed:
        if each not in workspace.users:
            raise ValueError(f"there is no person {each}")
    return listed
