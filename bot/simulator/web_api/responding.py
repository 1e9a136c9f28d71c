"""What a response_url does: a private or public message, a change, a removal."""

from __future__ import annotations

from bot.simulator.messages import Message
from bot.simulator.response_urls import ResponseUrl
from bot.simulator.web_api.arguments import Arguments
from bot.simulator.web_api.chat import content, from_bot
from bot.simulator.workspace import Workspace


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
