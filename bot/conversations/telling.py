"""The messages that a graph is given."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from langchain_core.messages import HumanMessage, ToolMessage

from bot.approvals.model import Profile
from bot.conversations.conversation import Conversation, Message
from bot.slack import graph_sentences, sentences


def human(
    conversation: Conversation, message: Message, profile: Profile
) -> HumanMessage:
    """A person's message; the same one has the same id in the graph."""
    speaker = {"id": message.author.user, "name": profile.name}
    return HumanMessage(
        message.text,
        id=conversation.message_id(message),
        additional_kwargs={"speaker": speaker},
    )


def mended(
    calls: Sequence[tuple[str, str]], unknown: Collection[str]
) -> list[ToolMessage]:
    """What became of calls that a turn has left open, by their ids and tools.

    Models refuse a history in which a call has no end.

    Args:
        unknown: tools of which nobody knows whether a call happened.
    """
    return [
        ToolMessage(
            sentences.UNKNOWN_FOR_AGENT
            if tool in unknown
            else graph_sentences.STOPPED_FOR_AGENT,
            tool_call_id=call,
            name=tool,
            status="error",
        )
        for call, tool in calls
    ]
