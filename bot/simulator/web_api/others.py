"""The other methods: assistant, files, views, sign-in, and what fits nowhere else."""

from __future__ import annotations

from bot.simulator.block_check import errors as block_errors
from bot.simulator.block_check import is_too_large, view_errors
from bot.simulator.people import Channel
from bot.simulator.shapes import (
    Json,
    SlackError,
    as_list,
    as_object,
    copied,
    invalid_arguments,
    objects,
)
from bot.simulator.web_api.chat import from_bot
from bot.simulator.web_api.methods import Call, method
from bot.simulator.workspace import StoredFile


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


@method("reactions.remove", "reactions:write")
def remove_reaction(call: Call) -> Json:
    """Take the bot's reaction off a message."""
    channel = call.channel()
    name = call.args.required("name").strip(":")
    message = call.message(channel, "timestamp")
    if all(each["name"] != name for each in message.data.get("reactions", [])):
        raise SlackError("no_reaction")
    call.workspace.unreact(message, name)
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


_MOST_PROMPTS = 4
_MOST_LOADING_MESSAGES = 10


@method("assistant.threads.setStatus", "chat:write", "assistant:write")
def set_status(call: Call) -> Json:
    """Show what the bot is doing in a thread; its next post there clears it."""
    channel = call.channel("channel_id")
    loading = as_list(call.args.json("loading_messages")) or []
    if len(loading) > _MOST_LOADING_MESSAGES:
        complaint = f"no more than {_MOST_LOADING_MESSAGES} items: loading_messages"
        raise invalid_arguments(complaint)
    status = call.args.text("status")
    call.workspace.set_status(channel.id, call.args.text("thread_ts"), status)
    return {}


@method("assistant.threads.setTitle", "assistant:write")
def set_title(call: Call) -> Json:
    """Name a thread of a direct message."""
    channel = call.channel("channel_id")
    title, thread = call.args.required("title"), call.args.required("thread_ts")
    if not channel.is_im:
        raise SlackError("channel_not_supported")
    if call.workspace.message(channel.id, thread) is None:
        raise SlackError("thread_not_found")
    call.workspace.name_thread(channel.id, thread, title)
    return {}


@method("assistant.threads.setSuggestedPrompts", "assistant:write")
def set_suggested_prompts(call: Call) -> Json:
    """Suggest what to say in a direct message, in its thread if that is named."""
    channel = call.channel("channel_id")
    if not channel.is_im:
        raise SlackError("channel_not_supported")
    prompts = call.args.objects("prompts") or []
    if not prompts or len(prompts) > _MOST_PROMPTS:
        raise invalid_arguments(f"1 to {_MOST_PROMPTS} items: prompts")
    for prompt in prompts:
        if not (prompt.get("title") and prompt.get("message")):
            raise invalid_arguments("missing title or message: prompts")
    call.workspace.suggest(channel.id, call.args.text("thread_ts"), prompts)
    return {}


LARGEST_FILE = 5_000_000  # bytes; Slack's own limit is far above any test


@method("files.getUploadURLExternal", "files:write")
def get_upload_url(call: Call) -> Json:
    """Announce a file; its content is posted to the address that is returned."""
    name, length = call.args.required("filename"), call.args.integer("length", 0)
    if length <= 0:
        raise invalid_arguments("must be more than 0: length")
    if length > LARGEST_FILE:
        raise SlackError("file_upload_size_restricted")
    file = call.workspace.add_file(call.workspace.bot_user_id, name)
    return {"upload_url": f"{call.here.base}/upload/{file.id}", "file_id": file.id}


@method("files.completeUploadExternal", "files:write")
def complete_upload(call: Call) -> Json:
    """Share the files that were sent, with `channel_id` as a message there."""
    channel = call.joined_channel("channel_id") if call.args.has("channel_id") else None
    if channel is not None and channel.is_archived:
        raise SlackError("is_archived")
    files = [_sent(call, each) for each in call.args.objects("files") or []]
    if not files:
        raise invalid_arguments("missing required field: files")
    shown: list[Json] = []
    for file in files:
        file.shared = channel is not None
        shown.append(file.as_slack(call.here.base, call.workspace.team_id))
    if channel is not None:
        _post(call, channel, shown)
    return {"files": copied({"files": shown})["files"]}


def _sent(call: Call, named: Json) -> StoredFile:
    file = call.workspace.files.get(str(named.get("id", "")))
    if file is None or file.content is None or file.shared:
        raise SlackError("file_not_found")
    file.title = str(named.get("title") or file.name)
    return file


def _post(call: Call, channel: Channel, files: list[Json]) -> None:
    data = from_bot(
        call.workspace,
        {
            "text": call.args.text("initial_comment"),
            "files": files,
            "upload": True,
            "display_as_bot": False,
        },
    )
    if thread_ts := call.args.text("thread_ts"):
        data["thread_ts"] = thread_ts
    call.workspace.add_message(channel.id, data)


@method("files.info", "files:read")
def files_info(call: Call) -> Json:
    """Return one file."""
    file = call.workspace.files.get(call.args.required("file"))
    if file is None or file.content is None:
        raise SlackError("file_not_found")
    found = file.as_slack(call.here.base, call.workspace.team_id)
    shares = _shares(call, file.id)
    return {"file": found | {"shares": shares}, "comments": list[Json]()}


def _shares(call: Call, file_id: str) -> Json:
    """Return where a file stands: its messages by the channel, as Slack lists them."""
    shares: Json = {}
    for channel in call.workspace.channels.values():
        kind = "private" if channel.is_private or channel.is_im else "public"
        for message in call.workspace.messages(channel.id):
            listed = objects(message.data.get("files"))
            if file_id in [each.get("id") for each in listed]:
                place = {"ts": message.ts}
                place |= {"thread_ts": message.thread_ts} if message.is_reply else {}
                shares.setdefault(kind, {}).setdefault(channel.id, []).append(place)
    return shares


@method("openid.connect.token", caller="anyone")
def exchange(call: Call) -> Json:
    """Give a token, and say who signed in, for a code; once."""
    names = ("client_id", "client_secret", "code", "redirect_uri")
    asked = {name: call.args.required(name) for name in names}
    workspace = call.workspace
    return workspace.sign_ins.exchange(asked, workspace.clock())


@method("openid.connect.userInfo", caller="anyone")
def user_info(call: Call) -> Json:
    """Say whose token it is."""
    return call.workspace.sign_ins.whose(call.token)


@method("views.open")
def open_view(call: Call) -> Json:
    """Open a modal."""
    view = call.views.open(_trigger(call), _checked_view(call, "modal"))
    return {"view": copied(view)}


@method("views.push")
def push_view(call: Call) -> Json:
    """Lay a modal over the one that is open."""
    view = call.views.push(_trigger(call), _checked_view(call, "modal"))
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


@method("views.publish")
def publish_view(call: Call) -> Json:
    """Show a view as a person's App Home."""
    if not call.app.home_tab:
        raise SlackError("not_enabled")
    user = call.user("user_id")
    view = _checked_view(call, "home")
    return {"view": copied(call.views.publish(user.id, view, call.args.text("hash")))}


def _trigger(call: Call) -> str:
    return call.args.text("trigger_id") or call.args.required("interactivity_pointer")


def _checked_view(call: Call, kind: str = "") -> Json:
    view = as_object(call.args.json("view"))
    if view is None:
        raise invalid_arguments("missing required field: view")
    complaints = [
        f"{each['message']} [json-pointer:/view{each['pointer']}]"
        for each in view_errors(view)
    ]
    if kind and view.get("type") != kind:
        complaints.append(f"must be {kind} [json-pointer:/view/type]")
    if complaints:
        raise invalid_arguments(*complaints)
    if is_too_large(view):
        raise SlackError("view_too_large")
    return view
