"""`chat.*`: post, update and delete messages, and answers to a response URL."""

from __future__ import annotations

import json

from bot.simulator.app_delivery import ResponseUrl
from bot.simulator.block_check import MARKDOWN_TEXT
from bot.simulator.block_check import errors as block_errors
from bot.simulator.message import Message, with_ids
from bot.simulator.people import Channel
from bot.simulator.shapes import Json, SlackError, as_object, copied
from bot.simulator.web_api.methods import Arguments, Call, method
from bot.simulator.workspace import Workspace

LONGEST_TEXT = 40_000  # what is longer is cut off, see bolt-js issue 2509
LONGEST_UPDATE = 4_000
_NO_TEXT = "This content can't be displayed."
LARGEST_METADATA = 8_000  # bytes of JSON; Slack's own limit is not written down
_MOST_ATTACHMENTS = 100
_CONTENT = ("text", "blocks", "attachments", "markdown_text")


def bot_profile(workspace: Workspace) -> Json:
    """Return the bot_profile that the bot's messages carry."""
    return {
        "id": workspace.bot_id,
        "app_id": workspace.app_id,
        "name": workspace.bot.shown_name,
        "deleted": False,
        "updated": 1700000000,
        "team_id": workspace.team_id,
        "icons": {},
    }


def checked_blocks(blocks: list[Json] | None, where: str = "/blocks") -> list[Json]:
    """Return the blocks, given ids; refuse what Slack would refuse."""
    found = block_errors(blocks or [])
    if any(each["code"] == "msg_blocks_too_long" for each in found):
        raise SlackError("msg_blocks_too_long")
    if found:
        complaints = [
            f"{each['message']} [json-pointer:{where}{each['pointer']}]"
            for each in found
        ]
        messages = {"messages": [f"[ERROR] {each}" for each in complaints]}
        raise SlackError(
            "invalid_blocks", errors=complaints, response_metadata=messages
        )
    return with_ids(blocks or [])


def content(args: Arguments) -> Json:
    """Return text, blocks, attachments and metadata of a new message."""
    if args.has("markdown_text"):
        return _markdown(args) | metadata_of(args)
    blocks = checked_blocks(args.objects("blocks"))
    attachments = _attachments(args)
    text = args.text("text")
    if not (text.strip() or blocks or attachments):
        raise SlackError("no_text")
    found: Json = {"text": text[:LONGEST_TEXT] or _NO_TEXT}
    if blocks:
        found["blocks"] = blocks
    if attachments:
        found["attachments"] = attachments
    return found | metadata_of(args)


def _markdown(args: Arguments) -> Json:
    if args.text("text") or args.has("blocks"):
        raise SlackError("markdown_text_conflict")
    text = args.text("markdown_text")
    if not text.strip():
        raise SlackError("no_text")
    if len(text) > MARKDOWN_TEXT:
        raise SlackError("msg_too_long")
    return {"text": text, "blocks": with_ids([{"type": "markdown", "text": text}])}


def _attachments(args: Arguments) -> list[Json]:
    attachments = args.objects("attachments") or []
    if len(attachments) > _MOST_ATTACHMENTS:
        raise SlackError("too_many_attachments")
    found: list[Json] = []
    for index, attachment in enumerate(attachments):
        inside = Arguments(attachment).objects("blocks")
        where = f"/attachments/{index}/blocks"
        blocks = {"blocks": checked_blocks(inside, where)} if inside else {}
        found.append({**attachment, **blocks})
    return found


def metadata_of(args: Arguments) -> Json:
    """Return the metadata of a message, if any was given."""
    if not args.has("metadata"):
        return {}
    metadata = as_object(args.json("metadata")) or {}
    if not metadata:
        return {"metadata": None}
    if not isinstance(metadata.get("event_type"), str) or (
        as_object(metadata.get("event_payload")) is None
    ):
        raise SlackError("invalid_metadata_format")
    if len(json.dumps(metadata).encode()) > LARGEST_METADATA:
        raise SlackError("metadata_too_large")
    return {"metadata": metadata}


def _without_nothing(data: Json) -> Json:
    return {name: value for name, value in data.items() if value is not None}


def from_bot(workspace: Workspace, found: Json) -> Json:
    """Return a message of the bot with this content."""
    return _without_nothing(
        {
            "type": "message",
            "user": workspace.bot_user_id,
            "bot_id": workspace.bot_id,
            "app_id": workspace.app_id,
            "team": workspace.team_id,
            "bot_profile": bot_profile(workspace),
            **found,
        }
    )


@method("chat.postMessage", "chat:write")
def post_message(call: Call) -> Json:
    """Post into a channel, a direct message, or to a person."""
    channel = _destination(call)
    if channel.refuses_posts:
        raise SlackError(channel.refuses_posts)
    data = from_bot(call.workspace, content(call.args))
    thread_ts = call.args.text("thread_ts")
    if thread_ts:
        data["thread_ts"] = thread_ts
    if thread_ts and call.args.boolean("reply_broadcast"):
        data["subtype"] = "thread_broadcast"
    message = call.workspace.add_message(channel.id, data)
    return {"channel": channel.id, "ts": message.ts, "message": copied(message.data)}


def _destination(call: Call) -> Channel:
    workspace = call.workspace
    user = workspace.users.get(call.args.required("channel"))
    if user is None:
        return _open_channel(call)
    if user.is_bot:
        raise SlackError("cannot_dm_bot")
    if user.deleted:
        raise SlackError("channel_not_found")
    return workspace.open_dm(user.id)


def _open_channel(call: Call) -> Channel:
    """Return a channel that the bot may post to.

    With chat:write.public that is any public channel.
    """
    channel = call.channel()
    is_in = call.workspace.bot_user_id in channel.members
    granted = "chat:write.public" in (call.app.scopes or ())
    if not is_in and (channel.is_private or not granted):
        raise SlackError("not_in_channel")
    if channel.is_archived:
        raise SlackError("is_archived")
    return channel


@method("chat.update", "chat:write")
def update(call: Call) -> Json:
    """Edit a message of the bot; text without blocks removes the blocks."""
    channel = call.channel()
    message = call.message(channel)
    if message.data.get("bot_id") != call.workspace.bot_id:
        raise SlackError("cant_update_message")
    if (channel.id, message.ts) in call.workspace.streams:
        raise SlackError("streaming_state_conflict")
    if channel.refuses_edits:
        raise SlackError(channel.refuses_edits)
    if not any(call.args.has(name) for name in (*_CONTENT, "metadata")):
        raise SlackError("no_text")
    if len(call.args.text("text")) > LONGEST_UPDATE:
        raise SlackError("msg_too_long")
    data = _edited(call, message)
    call.workspace.edit_message(message, data)
    return {
        "channel": channel.id,
        "ts": message.ts,
        "text": data["text"],
        "message": copied(data),
    }


def _edited(call: Call, message: Message) -> Json:
    data = dict(message.data)
    if any(call.args.has(name) for name in _CONTENT):
        for name in _CONTENT:
            data.pop(name, None)
        data |= content(call.args)
    else:
        data |= metadata_of(call.args)
    if "blocks" not in data:  # an edit of blocks shows no "edited" mark
        workspace = call.workspace
        data["edited"] = {"user": workspace.bot_user_id, "ts": workspace.next_ts()}
    return _without_nothing(data)


@method("chat.delete", "chat:write")
def delete(call: Call) -> Json:
    """Delete a message of the bot."""
    channel = call.channel()
    message = call.message(channel)
    if message.data.get("bot_id") != call.workspace.bot_id:
        raise SlackError("cant_delete_message")
    call.workspace.remove_message(message)
    return {"channel": channel.id, "ts": message.ts}


@method("chat.postEphemeral", "chat:write")
def post_ephemeral(call: Call) -> Json:
    """Show a message to one member of a channel."""
    channel = _open_channel(call)
    user_id = call.args.required("user")
    if user_id not in channel.members:
        raise SlackError("user_not_in_channel")
    data = from_bot(call.workspace, content(call.args))
    data.pop("metadata", None)  # a private message has none
    if thread_ts := call.args.text("thread_ts"):
        data["thread_ts"] = thread_ts
    message = call.workspace.add_ephemeral(user_id, channel.id, data)
    return {"message_ts": message.ts}


@method("chat.getPermalink")
def get_permalink(call: Call) -> Json:
    """Return a link to a message, which the page opens."""
    channel = call.channel()
    message = call.message(channel, "message_ts")
    link = f"{call.here.origin}/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.is_reply:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def respond(workspace: Workspace, url: ResponseUrl, args: Arguments) -> None:
    """Let the body of a request to a response_url take effect.

    Raises SlackError for content that Slack would refuse.
    """
    message = workspace.message(url.channel_id, url.message_ts)
    message = message or workspace.ephemeral(
        url.user_id, url.channel_id, url.message_ts
    )
    if args.boolean("delete_original"):
        if message is not None:
            workspace.remove_message(message)
        return
    data = from_bot(workspace, content(args))
    if args.boolean("replace_original") and message is not None:
        kept = ("ts", "thread_ts", "to", "parent_user_id", "metadata")
        old = {name: message.data[name] for name in kept if name in message.data}
        workspace.edit_message(message, {**data, **old})
        return
    if thread_ts := args.text("thread_ts") or _thread(message):
        data["thread_ts"] = thread_ts
    if args.text("response_type") == "in_channel":
        workspace.add_message(url.channel_id, data)
    else:
        workspace.add_ephemeral(url.user_id, url.channel_id, data)


def _thread(message: Message | None) -> str:
    return str(message.data.get("thread_ts", "")) if message else ""
