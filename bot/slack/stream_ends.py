"""The ends of messages that were streamed: finished, closed, or found again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from slack_sdk.errors import SlackApiError

from bot.slack.cards.blocks import Drawn
from bot.slack.client import error_code
from bot.texts import conversation as texts

Call = Callable[..., Awaitable[dict[str, Any]]]  # method, channel, arguments
Place = tuple[str, str]  # channel, ts
#: Slack has ended it, or somebody else of us has.
ENDED = "message_not_in_streaming_state"
GONE = frozenset({"message_not_found"})
#: Of a stream that has ended without being an answer. One that is lost has none.
METADATA = {"event_type": "approval_bot_stream", "event_payload": {"is_over": True}}


@dataclass(frozen=True)
class Streamed:
    """The words that stand in a stream for certain, and what parts the rest of them."""

    words: str
    lead: str = ""


async def finish(
    call: Call,
    place: Place,
    streamed: Streamed | None,
    drawn: Drawn,
    metadata: Mapping[str, Any],
) -> bool:
    """End a stream with the rest of its answer; False if it has to be edited.

    Args:
        streamed: None where nobody knows what stands there.
    """
    more = _more(streamed, drawn)
    if more is not None:
        try:
            await _stop(call, place, metadata, **more)
            return True
        except SlackApiError as error:
            if error_code(error) == ENDED:
                return False
    await _ended(call, place, metadata)
    return False


def _more(streamed: Streamed | None, drawn: Drawn) -> dict[str, Any] | None:
    """Return the rest of an answer that begins with what the message shows."""
    if streamed is None or not drawn.said.startswith(streamed.words):
        return None
    if not drawn.said:
        return None
    rest = drawn.said[len(streamed.words) :]
    blocks = [block for block in drawn.blocks if block["type"] != "markdown"]
    return {
        "markdown_text": f"{streamed.lead}{rest}" if rest else None,
        "blocks": blocks or None,
    }


async def _stop(
    call: Call, place: Place, metadata: Mapping[str, Any], **more: Any
) -> None:
    channel, ts = place
    await call("chat_stopStream", channel, ts=ts, metadata=metadata, **more)


async def _ended(
    call: Call, place: Place, metadata: Mapping[str, Any] = METADATA
) -> None:
    """End a stream as it is, unless it has ended."""
    try:
        await _stop(call, place, metadata)
    except SlackApiError as error:
        if error_code(error) != ENDED:
            raise


async def close(
    call: Call, place: Place, chunks: Sequence[Mapping[str, Any]], status: str
) -> None:
    """End a stream that is no answer, with the last word on its steps."""
    try:
        more = {"chunks": chunks or None, "session_status": status}
        await _stop(call, place, METADATA, **more)
    except SlackApiError as error:
        if error_code(error) not in {ENDED, *GONE}:
            raise


async def cut_off(call: Call, place: Place) -> None:
    """End a stream whose process has died, and say that the answer follows."""
    channel, ts = place
    try:
        note = f"\n\n{texts.CUT_OFF}"
        await _stop(call, place, METADATA, markdown_text=note)
    except SlackApiError as error:
        if error_code(error) != ENDED:
            _unless_gone(error)
            return
        said: dict[str, Any] = {
            "text": texts.CUT_OFF,
            "blocks": [],
            "metadata": METADATA,
        }
        try:
            await call("chat_update", channel, ts=ts, **said)
        except SlackApiError as other:
            _unless_gone(other)


def _unless_gone(error: SlackApiError) -> None:
    if error_code(error) not in GONE:
        raise error


async def drop(call: Call, place: Place) -> None:
    """Take an empty stream out."""
    channel, ts = place
    try:
        await _ended(call, place)
        await call("chat_delete", channel, ts=ts)
    except SlackApiError as error:
        _unless_gone(error)


async def lost(
    call: Call, channel: str, thread: str, bot: str, since: float
) -> Place | None:
    """Find a stream that has begun while its process died, before its ts was noted.

    All else that the bot posts carries metadata, and so does a stream that has ended.
    None too where the bot may not look.
    """
    wanted = {"oldest": f"{since:.6f}", "include_all_metadata": True, "limit": 200}
    with suppress(SlackApiError):
        page = await call("conversations_replies", channel, ts=thread, **wanted)
        for message in reversed(page.get("messages", ())):
            if message.get("bot_id") == bot and not message.get("metadata"):
                return channel, message["ts"]
    return None
