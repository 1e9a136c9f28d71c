"""`conversations.*`, `users.*` and `usergroups.*`: look up places and people."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from bot.simulator.message import Message, in_slack
from bot.simulator.people import Channel, User, UserGroup
from bot.simulator.shapes import Json, SlackError, copied, invalid_arguments
from bot.simulator.web_api.methods import Call, method, next_page

_READ = ("channels:read", "groups:read", "im:read", "mpim:read")
_HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")
_KINDS = ("channel", "group", "im", "mpim")  # in the order of the scopes
_TYPES = ("public_channel", "private_channel", "im", "mpim")
_MOST_IN_GROUP = 8


def _readable(call: Call, scopes: tuple[str, ...], *, joined: bool = False) -> Channel:
    """Return the channel if the bot may see it and has the scope of its kind."""
    channel = call.channel()
    call.demand(scopes[_KINDS.index(channel.channel_type)])
    return call.joined_channel() if joined else channel


@method("conversations.info", *_READ)
def info(call: Call) -> Json:
    """Return one channel."""
    channel = _readable(call, _READ)
    found = channel.as_slack(call.workspace.bot_user_id, call.workspace.team_id)
    if call.args.boolean("include_num_members"):
        found["num_members"] = len(channel.members)
    return {"channel": found}


@method("conversations.list", *_READ)
def list_(call: Call) -> Json:
    """Return the channels of the asked types that the bot can see."""
    workspace = call.workspace
    types = _types(call)
    found = [
        channel.as_slack(workspace.bot_user_id, workspace.team_id)
        for channel in workspace.channels.values()
        if _TYPES[_KINDS.index(channel.channel_type)] in types
        and (not channel.is_private or workspace.bot_user_id in channel.members)
        and not (channel.is_archived and call.args.boolean("exclude_archived"))
    ]
    page, cursor = next_page(found, call, 100)
    return {"channels": page, "response_metadata": {"next_cursor": cursor}}


def _types(call: Call) -> set[str]:
    types = set(call.args.text("types", "public_channel").replace(" ", "").split(","))
    if types - set(_TYPES):
        raise SlackError("invalid_types")
    for each in sorted(types):
        call.demand(_READ[_TYPES.index(each)])
    return types


@method("conversations.members", *_READ)
def members(call: Call) -> Json:
    """Return the ids of a channel's members."""
    listed: list[Json] = [{"id": each} for each in _readable(call, _READ).members]
    page, cursor = next_page(listed, call, 100)
    ids = [each["id"] for each in page]
    return {"members": ids, "response_metadata": {"next_cursor": cursor}}


@method("conversations.open", "im:write", "mpim:write")
def open_(call: Call) -> Json:
    """Open the direct message with a person, or the group message with several."""
    if call.args.has("channel"):
        channel = call.channel()
    else:
        ids = [each for each in call.args.text("users").split(",") if each]
        if not ids:
            raise SlackError("users_list_not_supplied")
        channel = _opened(call, ids)
    found = channel.as_slack(call.workspace.bot_user_id, call.workspace.team_id)
    found.pop("is_user_deleted", None)  # stands in conversations.info alone
    return {"channel": found if call.args.boolean("return_im") else {"id": channel.id}}


def _opened(call: Call, ids: list[str]) -> Channel:
    """Return the conversation with these people and the bot."""
    call.demand("im:write" if len(ids) == 1 else "mpim:write")
    if len(ids) > _MOST_IN_GROUP:
        raise SlackError("too_many_users")
    people = [_reachable(call, each).id for each in ids]
    if len(people) > 1:
        return call.workspace.open_group(people)
    return call.workspace.open_dm(people[0])


def _reachable(call: Call, user_id: str) -> User:
    user = call.workspace.users.get(user_id)
    if user is None:
        raise SlackError("user_not_found")
    if user.is_bot:
        raise SlackError("cannot_dm_bot")
    if user.deleted:
        raise SlackError("user_disabled")
    return user


@method("conversations.history", *_HISTORY)
def history(call: Call) -> Json:
    """Return a channel's messages without replies, newest first."""
    channel = _readable(call, _HISTORY, joined=True)
    top = [
        message
        for message in call.workspace.messages(channel.id)
        if not message.is_reply or message.data.get("subtype") == "thread_broadcast"
    ]
    return _page(call, list(reversed(top)), 100)


@method("conversations.replies", *_HISTORY)
def replies(call: Call) -> Json:
    """Return a thread, the message that starts it first."""
    channel = _readable(call, _HISTORY, joined=True)
    start = call.workspace.message(channel.id, call.args.required("ts"))
    if start is None:
        raise SlackError("thread_not_found")
    if start.is_reply:
        return _page(call, [start], 1000)
    return _page(call, call.workspace.thread(channel.id, start.ts), 1000)


def _page(call: Call, messages: list[Message], default: int) -> Json:
    metadata = call.args.boolean("include_all_metadata")
    wanted = [
        copied(in_slack(each, metadata=metadata))
        for each in messages
        if _in_time(call, each)
    ]
    page, cursor = next_page(wanted, call, default)
    answer: Json = {"messages": page, "has_more": bool(cursor)}
    return answer | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})


def _in_time(call: Call, message: Message) -> bool:
    ts, inclusive = Decimal(message.ts), call.args.boolean("inclusive")
    oldest, latest = _moment(call, "oldest"), _moment(call, "latest")
    if inclusive and ts in (oldest, latest):
        return True
    after = oldest is None or ts > oldest
    return after and (latest is None or ts < latest)


def _moment(call: Call, name: str) -> Decimal | None:
    value = call.args.text(name)
    try:
        return Decimal(value) if value and value != "now" else None
    except InvalidOperation:
        raise invalid_arguments(f"must be a timestamp: {name}") from None


@method("users.info", "users:read")
def users_info(call: Call) -> Json:
    """Return one person."""
    return {"user": _shown(call, call.user())}


def _shown(call: Call, user: User) -> Json:
    """Return a person as the bot may see them: the e-mail has a scope of its own."""
    found = user.as_slack(call.workspace.enterprise_id)
    if not call.app.grants("users:read.email"):
        found["profile"].pop("email", None)
    return found


@method("users.list", "users:read")
def users_list(call: Call) -> Json:
    """Return everybody, the deactivated too."""
    listed = [_shown(call, user) for user in call.workspace.users.values()]
    page, cursor = next_page(listed, call, 1000)
    return {
        "members": page,
        "cache_ts": int(call.workspace.clock()),
        "response_metadata": {"next_cursor": cursor},
    }


@method("users.lookupByEmail", "users:read.email")
def lookup_by_email(call: Call) -> Json:
    """Return the person with an e-mail address."""
    email = call.args.required("email").lower()
    for user in call.workspace.users.values():
        if user.email.lower() == email and not user.deleted:
            return {"user": user.as_slack(call.workspace.enterprise_id)}
    raise SlackError("users_not_found")


@method("users.profile.get", "users.profile:read")
def profile_get(call: Call) -> Json:
    """Return a person's profile with the fields that the workspace added."""
    workspace = call.workspace
    user = call.user() if call.args.has("user") else workspace.bot
    profile = user.profile()
    del profile["team"]  # stands in users.info alone
    if not call.app.grants("users:read.email"):
        profile.pop("email", None)
    labels = {each.id: each.label for each in workspace.profile_fields}
    wanted = call.args.boolean("include_labels")
    fields = {
        name: {"value": value, "alt": ""} | ({"label": labels[name]} if wanted else {})
        for name, value in user.fields.items()
        if name in labels
    }
    # Slack's empty object is an array: https://github.com/slack-go/slack/pull/298
    profile["fields"] = fields or list[Json]()
    return {"profile": profile}


@method("team.profile.get", "users.profile:read")
def team_profile_get(call: Call) -> Json:
    """Return the fields that the workspace added to profiles."""
    fields = enumerate(call.workspace.profile_fields)
    listed = [each.as_slack(ordering) for ordering, each in fields]
    return {"profile": {"fields": listed, "sections": list[Json]()}}


@method("usergroups.list", "usergroups:read")
def usergroups_list(call: Call) -> Json:
    """Return the user groups."""
    _demand_paid_plan(call)
    disabled = call.args.boolean("include_disabled")
    groups = call.workspace.usergroups.values()
    listed = [_group(call, each) for each in groups if disabled or not each.disabled]
    return {"usergroups": listed}


def _group(call: Call, group: UserGroup) -> Json:
    found = group.as_slack(call.workspace.team_id)
    if call.args.boolean("include_users"):
        found["users"] = list(group.users)
    if call.args.boolean("include_count"):
        found["user_count"] = len(group.users)
    return found


@method("usergroups.users.list", "usergroups:read")
def usergroups_users_list(call: Call) -> Json:
    """Return who is in a user group."""
    _demand_paid_plan(call)
    group = call.workspace.usergroups.get(call.args.required("usergroup"))
    if group is None or (group.disabled and not call.args.boolean("include_disabled")):
        raise SlackError("no_such_subteam")
    return {"users": list(group.users)}


def _demand_paid_plan(call: Call) -> None:
    if not call.workspace.has_paid_plan:
        raise SlackError("plan_upgrade_required")
