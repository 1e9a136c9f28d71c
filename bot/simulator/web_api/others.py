"""Methods about the app, people, views, reactions and the assistant."""

from __future__ import annotations

from bot.simulator.blocks import errors as block_errors
from bot.simulator.blocks import view_errors
from bot.simulator.shapes import Json, as_object, copied
from bot.simulator.slack_error import SlackError, invalid_arguments
from bot.simulator.web_api.methods import Call, method, next_page


@method("apps.connections.open", "connections:write", caller="app")
def open_connection(call: Call) -> Json:
    """Return an address that opens one socket, once."""
    return {"url": call.new_socket_url()}


@method("auth.test")
def auth_test(call: Call) -> Json:
    """Tell whose token it is."""
    workspace = call.workspace
    answer: Json = {
        "url": f"{call.origin}/",
        "team": workspace.team_name,
        "user": workspace.bot.name,
        "team_id": workspace.team_id,
        "user_id": workspace.bot_user_id,
        "bot_id": workspace.bot_id,
        "is_enterprise_install": False,
    }
    enterprise = {"enterprise_id": workspace.enterprise_id}
    return answer | (enterprise if workspace.enterprise_id else {})


@method("bots.info", "users:read")
def bots_info(call: Call) -> Json:
    """Return the bot, and with it the id of the app."""
    workspace = call.workspace
    if call.args.text("bot", workspace.bot_id) != workspace.bot_id:
        raise SlackError("bot_not_found")
    return {
        "bot": {
            "id": workspace.bot_id,
            "deleted": False,
            "name": workspace.bot.shown_name,
            "updated": 1700000000,
            "app_id": workspace.app_id,
            "user_id": workspace.bot_user_id,
            "icons": {},
        }
    }


@method("users.info", "users:read")
def users_info(call: Call) -> Json:
    """Return one person."""
    return {"user": call.user().as_slack()}


@method("users.list", "users:read")
def users_list(call: Call) -> Json:
    """Return everybody, the deactivated too."""
    listed = [user.as_slack() for user in call.workspace.users.values()]
    page, cursor = next_page(listed, call, 1000)
    return {
        "members": page,
        "cache_ts": int(call.workspace.clock()),
        "response_metadata": {"next_cursor": cursor},
    }


@method("team.info", "team:read")
def team_info(call: Call) -> Json:
    """Return the workspace."""
    workspace = call.workspace
    return {
        "team": {
            "id": workspace.team_id,
            "name": workspace.team_name,
            "domain": workspace.team_domain,
            "email_domain": "",
            "url": f"{call.origin}/",
            "icon": {"image_default": True},
        }
    }


@method("reactions.add", "reactions:write")
def add_reaction(call: Call) -> Json:
    """Add the bot's reaction to a message."""
    channel = call.channel()
    name = call.args.required("name").strip(":")
    message = call.message(channel, "timestamp")
    if any(each["name"] == name for each in message.data.get("reactions", [])):
        raise SlackError("already_reacted")
    call.workspace.react(message, name)
    return {}


@method("assistant.threads.setStatus", "chat:write", "assistant:write")
def set_status(call: Call) -> Json:
    """Show what the bot is doing in a thread; its next post there clears it."""
    channel = call.channel("channel_id")
    status = call.args.text("status")
    call.workspace.set_status(channel.id, call.args.text("thread_ts"), status)
    return {}


@method("views.open")
def open_view(call: Call) -> Json:
    """Open a modal."""
    view = call.views.open(_trigger(call), _checked_view(call))
    return {"view": copied(view)}


@method("views.push")
def push_view(call: Call) -> Json:
    """Lay a modal over the one that is open."""
    view = call.views.push(_trigger(call), _checked_view(call))
    return {"view": copied(view)}


@method("views.update")
def update_view(call: Call) -> Json:
    """Put another view in the place of an open one."""
    view = call.views.update(
        _checked_view(call),
        view_id=call.args.text("view_id"),
        external_id=call.args.text("external_id"),
        hash_=call.args.text("hash"),
    )
    return {"view": copied(view)}


def _trigger(call: Call) -> str:
    return call.args.text("trigger_id") or call.args.required("interactivity_pointer")


def _checked_view(call: Call) -> Json:
    view = as_object(call.args.json("view"))
    if view is None:
        raise invalid_arguments("missing required field: view")
    complaints = [
        f"{each['message']} [json-pointer:/view{each['pointer']}]"
        for each in view_errors(view)
    ]
    if complaints:
        raise invalid_arguments(*complaints)
    return view


@method("blocks.validate", caller="anyone")
def validate(call: Call) -> Json:
    """Check blocks or a view without posting them; needs no token."""
    view = call.args.json("view")
    if view is not None:
        found = view_errors(view)
    else:
        message = as_object(call.args.json("message")) or {}
        found = block_errors(call.args.json("blocks") or message.get("blocks"))
    if found:
        raise SlackError("invalid_blocks", errors=found)
    return {}
