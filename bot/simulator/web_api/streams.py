"""`chat.*Stream`: a message that grows while the agent writes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from bot.simulator.block_check import MARKDOWN_TEXT
from bot.simulator.message import Message
from bot.simulator.shapes import (
    Json,
    SlackError,
    copied,
    invalid_arguments,
    objects,
)
from bot.simulator.web_api import chat
from bot.simulator.web_api.methods import Call, method
from bot.simulator.workspace import Workspace

LIFETIME = 300.0  # seconds after which Slack ends a stream, see python-slack-sdk#1859
LONGEST_FIELD = 256  # characters of a task's title, details or output
LONGEST_TITLE = 200  # characters of a session's title
SESSION = ("active", "processing", "suspended", "closed")
_MODES = ("timeline", "plan", "dense")
_STATUSES = ("pending", "in_progress", "complete", "error")
_WHERE = ("channel", "token")
_FIELDS = {
    "markdown_text": {"text"},
    "task_update": {"id", "title", "status", "details", "output", "sources"},
    "plan_update": {"title"},
    "blocks": {"blocks"},
}
_TASK = ("title", "details", "output")
Part: TypeAlias = Json  # a chunk as it stands in the message


@dataclass
class Stream:
    """A message that is still written: its parts in their order, by Slack's chunks."""

    began: float
    parts: list[Part] = field(default_factory=list[Part])

    def take(self, chunks: list[Json]) -> None:
        """Add chunks: text goes on where text ends, a task that stands is changed."""
        for chunk in chunks:
            last = self.parts[-1] if self.parts else {}
            if chunk["type"] == last.get("type") == "markdown_text":
                last["text"] += chunk["text"]
            elif (task := self._task(chunk)) is not None:
                # a second `details` or `output` is added without a separator
                for name in ("details", "output"):
                    if chunk.get(name):
                        task[name] = f"{task.get(name) or ''}{chunk[name]}"
                task |= {k: chunk[k] for k in ("title", "status") if k in chunk}
            else:
                self.parts.append(dict(chunk))

    def _task(self, chunk: Json) -> Json | None:
        if chunk["type"] != "task_update":
            return None
        return next((p for p in self.parts if p.get("id") == chunk["id"]), None)

    @property
    def text(self) -> str:
        """The words that have been written so far."""
        return "".join(p["text"] for p in self.parts if p["type"] == "markdown_text")

    @property
    def blocks(self) -> list[Json]:
        """Return the blocks that the message shows so far."""
        shown = [block for part in self.parts for block in _blocks(part)]
        return [each for each in shown if each.get("text") != ""]


def _blocks(part: Part) -> list[Json]:
    match part["type"]:
        case "markdown_text":
            return [{"type": "markdown", "text": part["text"]}]
        case "blocks":
            return objects(part["blocks"])
        case "task_update":
            shown = {"type": "task_card", "task_id": part["id"], "title": part["title"]}
            rest = {name: _rich(part[name]) for name in _TASK[1:] if part.get(name)}
            return [{**shown, "status": part.get("status", "in_progress"), **rest}]
        case _:
            return []


def _rich(text: str) -> Json:
    section = {
        "type": "rich_text_section",
        "elements": [{"type": "text", "text": text}],
    }
    return {"type": "rich_text", "elements": [section]}


@method("chat.startStream", "chat:write")
def start_stream(call: Call) -> Json:
    """Begin a message in a thread; outside of a direct message it says for whom."""
    _only(call, "thread_ts", "markdown_text", "chunks", "task_display_mode")
    channel = call.joined_channel()
    if channel.is_archived:
        raise SlackError("is_archived")
    if channel.refuses_posts:
        raise SlackError(channel.refuses_posts)
    thread = call.args.required("thread_ts")
    if call.workspace.message(channel.id, thread) is None:
        raise SlackError("thread_not_found")
    if not channel.is_im:
        _recipient(call)
    if call.args.text("task_display_mode", "timeline") not in _MODES:
        raise invalid_arguments(f"must be one of {_MODES}: task_display_mode")
    workspace = call.workspace
    stream = Stream(workspace.clock())
    stream.take(_chunks(call))
    data = {**_content(stream), "thread_ts": thread}
    message = workspace.add_message(channel.id, chat.from_bot(workspace, data))
    workspace.streams[(channel.id, message.ts)] = stream
    return {"channel": channel.id, "ts": message.ts}


def _recipient(call: Call) -> None:
    for name in ("recipient_user_id", "recipient_team_id"):
        if not call.args.text(name):
            raise SlackError(f"missing_{name}")
    if call.args.text("recipient_user_id") not in call.workspace.users:
        raise SlackError("user_not_found")


@method("chat.appendStream", "chat:write")
def append_stream(call: Call) -> Json:
    """Add to a message that is still written."""
    _only(call, "ts", "markdown_text", "chunks")
    chunks, (message, stream) = _chunks(call), _streaming(call)
    if not chunks:
        raise SlackError("no_text")
    stream.take(chunks)
    call.workspace.stream_on(message, _content(stream))
    return {"channel": message.channel, "ts": message.ts}


@method("chat.stopStream", "chat:write")
def stop_stream(call: Call) -> Json:
    """End a message: what comes now is its last."""
    _only(call, "ts", "markdown_text", "chunks", "blocks", "metadata", "session_status")
    status = call.args.text("session_status", "active")
    if status not in SESSION:
        raise invalid_arguments(f"must be one of {SESSION}: session_status")
    chunks, (message, stream) = _chunks(call), _streaming(call)
    ending = chat.checked_blocks(call.args.objects("blocks"))
    stream.take(chunks)
    found = _content(stream, *ending) | chat.metadata_of(call.args)
    workspace, root = call.workspace, message.thread_ts
    workspace.streams.pop((message.channel, message.ts))
    workspace.stream_on(message, found)
    if (message.channel, root) in workspace.sessions:
        workspace.sessions[(message.channel, root)] = status
    return {
        "channel": message.channel,
        "ts": message.ts,
        "message": copied(message.data),
    }


def _content(stream: Stream, *ending: Json) -> Json:
    """Return text and blocks of the message so far.

    Raises SlackError for more than one message may hold.
    """
    if len(stream.text) > MARKDOWN_TEXT:
        raise SlackError("msg_too_long")
    return {
        "text": stream.text,
        "blocks": chat.checked_blocks([*stream.blocks, *ending]),
    }


def _streaming(call: Call) -> tuple[Message, Stream]:
    channel = call.channel()
    message = call.message(channel)
    if message.data.get("bot_id") != call.workspace.bot_id:
        raise SlackError("message_not_owned_by_app")
    stream = is_streaming(call.workspace, message)
    if stream is None:
        raise SlackError("message_not_in_streaming_state")
    return message, stream


def is_streaming(workspace: Workspace, message: Message) -> Stream | None:
    """Return the stream of a message that is still written; an old one has ended."""
    key = (message.channel, message.ts)
    stream = workspace.streams.get(key)
    if stream is not None and workspace.clock() - stream.began > LIFETIME:
        del workspace.streams[key]
        return None
    return stream


def _only(call: Call, *names: str) -> None:
    known = {*_WHERE, *names, "recipient_user_id", "recipient_team_id"}
    for name in sorted({*call.args.values} - known):
        raise invalid_arguments(f"unknown field: {name}")


def _chunks(call: Call) -> list[Json]:
    """Return what comes as chunks; a text alone is one of them."""
    text, chunks = call.args.text("markdown_text"), call.args.objects("chunks") or []
    if text and chunks:
        raise SlackError("markdown_text_conflict")
    if len(text) > MARKDOWN_TEXT:
        raise SlackError("msg_too_long")
    for chunk in chunks:
        if complaint := _wrong(chunk):
            raise SlackError("invalid_chunks", errors=[complaint])
    return [{"type": "markdown_text", "text": text}] if text else chunks


def _wrong(chunk: Json) -> str:
    kind = str(chunk.get("type"))
    known = _FIELDS.get(kind)
    if known is None:
        return f"unknown type {kind}"
    if unknown := {*chunk} - known - {"type"}:
        return f"unknown field {min(unknown)}"
    if kind == "markdown_text" and not isinstance(chunk.get("text"), str):
        return "text is missing"
    return _wrong_task(chunk) if kind == "task_update" else ""


def _wrong_task(chunk: Json) -> str:
    if not (chunk.get("id") and chunk.get("title")):
        return "id or title is missing"
    if chunk.get("status", "in_progress") not in _STATUSES:
        return f"status isn't one of {_STATUSES}"
    for name in _TASK:
        value = chunk.get(name) or ""
        if not isinstance(value, str) or len(value) > LONGEST_FIELD:
            return f"{name} isn't a text of at most {LONGEST_FIELD} characters"
    return ""


@method("agents.sessions.setStatus", "chat:write")
def set_session_status(call: Call) -> Json:
    """Say whether the agent works, waits for people, or is done in a thread.

    A title counts only as the session begins; `agents.sessions.rename` changes it.
    """
    if not call.app.is_agent:
        raise SlackError("not_allowed")
    channel = call.channel("channel_id")
    thread, status = call.args.required("thread_ts"), call.args.required("status")
    if status not in SESSION:
        raise invalid_arguments(f"must be one of {SESSION}: status")
    title, key = call.args.text("title"), (channel.id, thread)
    if len(title) > LONGEST_TITLE:
        raise invalid_arguments(f"at most {LONGEST_TITLE} characters: title")
    if title and key not in call.workspace.sessions:
        call.workspace.name_thread(*key, title)
    call.workspace.set_session(*key, status)
    return {"status": status, "agent_status": status}
