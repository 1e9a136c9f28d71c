"""The methods assistant.threads.*: what the bot is doing, titles, suggestions."""

from __future__ import annotations

from bot.simulator.shapes import Json, as_list
from bot.simulator.slack_error import SlackError, invalid_arguments
from bot.simulator.web_api.methods import Call, method

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
    """Name a thread; the simulator does not show it."""
    channel = call.channel("channel_id")
    call.args.required("title")
    if not channel.is_im:
        raise SlackError("channel_not_supported")
    return {}


@method("assistant.threads.setSuggestedPrompts", "assistant:write")
def set_suggested_prompts(call: Call) -> Json:
    """Suggest what to say; the simulator does not show it."""
    call.channel("channel_id")
    prompts = call.args.objects("prompts") or []
    if not prompts or len(prompts) > _MOST_PROMPTS:
        raise invalid_arguments(f"1 to {_MOST_PROMPTS} items: prompts")
    for prompt in prompts:
        if not (prompt.get("title") and prompt.get("message")):
            raise invalid_arguments("missing title or message: prompts")
    return {}
