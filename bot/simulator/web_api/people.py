"""The methods users.* and usergroups.*: people, profiles, groups."""

from __future__ import annotations

from bot.simulator.people import User
from bot.simulator.shapes import Json
from bot.simulator.slack_error import SlackError
from bot.simulator.usergroups import UserGroup
from bot.simulator.web_api.methods import Call, method, next_page


@method("users.info", "users:read")
def users_info(call: Call) -> Json:
    """Return one person."""
    return {"user": _shown(call, call.user())}


def _shown(call: Call, user: User) -> Json:
    """Return a person as the bot may see them: the e-mail has a scope of its own."""
    found = user.as_slack()
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
            return {"user": user.as_slack()}
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
