"""Methods about the app, its workspace, reactions and blocks."""

from __future__ import annotations

from bot.simulator.blocks import errors as block_errors
from bot.simulator.blocks import view_errors
from bot.simulator.shapes import Json, as_object
from bot.simulator.slack_error import SlackError
from bot.simulator.web_api.methods import Call, method


@method("apps.connections.open", "connections:write", caller="app")
def open_connection(call: Call) -> Json:
    """Return an address that opens one socket, once."""
    return {"url": call.here.new_socket_url()}


@method("auth.test")
def auth_test(call: Call) -> Json:
    """Tell whose token it is."""
    workspace = call.workspace
    answer: Json = {
        "url": f"{call.here.origin}/",
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
            "url": f"{call.here.origin}/",
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
