"""A run's progress: kept as models and tools report it, and drawn as a stream."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast
from uuid import UUID

from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, GenerationChunk
from langchain_core.tools import ToolException
from langgraph.errors import GraphBubbleUp

from agent.live_words import ANSWER, Listener, without_thoughts
from bot.base.masks import mask
from bot.slack.cards.answer import harmless
from bot.texts import conversation as texts

LONGEST_RESULT = 2_000  # characters of a result that are looked at
State = Literal["works", "done", "failed", "asks"]


@dataclass(frozen=True)
class Words:
    """The words of one call of a model so far, its thoughts left out."""

    key: str
    raw: str

    @property
    def text(self) -> str:
        return without_thoughts(self.raw)


@dataclass(frozen=True)
class Step:
    """One run of a tool."""

    key: str
    tool: str
    arguments: Mapping[str, Any]
    state: State = "works"
    result: str = ""


@dataclass(frozen=True)
class ModelPause:
    """A wait of some seconds before a model is asked again.

    Attributes:
        until: its end, by `time.monotonic`.
        is_reached: whether the model's server has answered at all.
    """

    seconds: float
    until: float
    is_reached: bool


@dataclass(frozen=True)
class Progress:
    """Words and steps in the order of their beginnings; a value.

    Attributes:
        thinks: whether a model is at work last.
        pause: the last wait for a model.
    """

    parts: tuple[Words | Step, ...] = ()
    thinks: bool = True
    pause: ModelPause | None = None

    def said(self, key: str, text: str) -> Progress:
        """Add what a model call says next."""
        old = self._part(key)
        if isinstance(old, Words):
            return self._with(replace(old, raw=old.raw + text))
        return replace(self, parts=(*self.parts, Words(key, text)))

    def began(self, step: Step) -> Progress:
        """Add a tool that begins."""
        return replace(self, parts=(*self.parts, step), thinks=False)

    def ended(self, key: str, state: State, result: str = "") -> Progress:
        """Note how a tool has ended."""
        old = self._part(key)
        if not isinstance(old, Step):
            return self
        return self._with(replace(old, state=state, result=result[:LONGEST_RESULT]))

    def thinking(self) -> Progress:
        """Note that a model is asked."""
        return self if self.thinks else replace(self, thinks=True)

    def waits(self, now: float) -> ModelPause | None:
        """Return the wait that goes on at a time of `time.monotonic`."""
        return self.pause if self.pause and now < self.pause.until else None

    @property
    def steps(self) -> tuple[Step, ...]:
        """The tools alone."""
        return tuple(part for part in self.parts if isinstance(part, Step))

    @property
    def at(self) -> Step | None:
        """The tool that is at work; None while a model thinks."""
        busy = [step for step in self.steps if step.state == "works"]
        return busy[-1] if busy else None

    def _part(self, key: str) -> Words | Step | None:
        return next((part for part in self.parts if part.key == key), None)

    def _with(self, new: Words | Step) -> Progress:
        parts = tuple(new if part.key == new.key else part for part in self.parts)
        return replace(self, parts=parts)


class Watch(Listener):
    """Keeps the progress of one run up to date; it may be told from any thread.

    Attributes:
        changed: called after each change, in whichever thread that happens.
    """

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self.progress = Progress()
        self.changed = changed
        self._lock = threading.Lock()

    def _note(self, change: Callable[[Progress], Progress]) -> None:
        with self._lock:  # sync nodes of a graph run in threads
            self.progress = change(self.progress)
        self.changed()

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[BaseMessage]],
        **about: Any,
    ) -> None:
        """Take note that a model is asked."""
        self._note(Progress.thinking)

    def on_pause(self, seconds: float, *, is_reached: bool) -> None:
        """Take note that a model is asked again in a while."""
        pause = ModelPause(seconds, time.monotonic() + seconds, is_reached)
        self._note(lambda now: replace(now, pause=pause))

    def on_llm_new_token(
        self,
        token: str | list[str | dict[str, Any]],
        *,
        chunk: GenerationChunk | ChatGenerationChunk | None = None,
        run_id: UUID,
        tags: list[str] | None = None,
        **about: Any,
    ) -> None:
        """Take the next words of a call whose words people may read."""
        if ANSWER not in (tags or ()):
            return
        # of a message in blocks its text alone: the others are thoughts and calls
        text = chunk.message.text if isinstance(chunk, ChatGenerationChunk) else ""
        if text:
            self._note(lambda now: now.said(str(run_id), str(text)))

    def on_tool_start(
        self,
        serialized: dict[str, Any] | None,
        input_str: str,
        *,
        run_id: UUID,
        inputs: dict[str, Any] | None = None,
        **about: Any,
    ) -> None:
        """Take note that a tool begins."""
        name = str(about.get("name") or (serialized or {}).get("name") or "")
        step = Step(str(run_id), name, dict(inputs or {}))
        self._note(lambda now: now.began(step))

    def on_tool_end(self, output: Any, *, run_id: UUID, **about: Any) -> None:
        """Take note that a tool has ended, by its own account."""
        failed = getattr(output, "status", "") == "error"
        text = cast("BaseMessage", output).text if hasattr(output, "text") else output
        state: State = "failed" if failed else "done"
        self._note(lambda now: now.ended(str(run_id), state, str(text)))

    def on_tool_error(
        self, error: BaseException, *, run_id: UUID, **about: Any
    ) -> None:
        """Take note that a tool has failed, or asks people."""
        state: State = "asks" if isinstance(error, GraphBubbleUp) else "failed"
        # what a tool says on purpose is for people; other exceptions are not
        said = str(error) if isinstance(error, ToolException) else ""
        self._note(lambda now: now.ended(str(run_id), state, said))


# --- Drawn as the chunks of a stream: words that are safe, and steps ------------------

Chunk = dict[str, Any]
MOST_STREAMED = 9_000  # characters that are streamed: the answer's end has to have room
_FIELD = 256  # characters of a step's title or output
_STATUS = {
    "works": "in_progress",
    "done": "complete",
    "failed": "error",
    "asks": "complete",
}
# What may turn out to be a ping, a link that hides its address, or a secret, and is not
# closed yet.
_LOOK_BACK = 5_000
_OPEN = re.compile(
    r"(?:<[^<>\n]*|!?\[[^\[\]]{0,500}(?:\](?:\([^()\n]*)?)?|=['][^']{0,500})\Z"
)
_KEY = re.compile(r"-----BEGIN (?![\s\S]*-----END )")


def settled(text: str, *, is_over: bool) -> str:
    """Return the part of a text that can be shown, whatever follows it, made harmless.

    Half a word cannot: `<!chan` may go on with `nel>`.
    """
    said = text if is_over else text[: _end(text)]
    return harmless(mask(said)).strip()


def _end(text: str) -> int:
    end = max(text.rfind(" "), text.rfind("\n")) + 1
    start = max(0, end - _LOOK_BACK)
    if found := _OPEN.search(text[start:end]):
        end = start + found.start()
    if found := _KEY.search(text[:end]):
        end = found.start()
    return end


@dataclass(frozen=True)
class Shown:
    """The part of a progress that is in Slack.

    Attributes:
        words: of each model call, by its key.
        steps: the state of each tool's run, by its key.
        last: the key of the part that stands last; what stands before it is over.
        is_broken: whether words have turned out otherwise, so that no more follow.
    """

    words: Mapping[str, str] = field(default_factory=dict[str, str])
    steps: Mapping[str, str] = field(default_factory=dict[str, str])
    last: str = ""
    is_broken: bool = False

    @property
    def lead(self) -> str:
        """Return the break between the last words and the next."""
        return "\n\n" if self.words.get(self.last) else ""

    def answer(self, progress: Progress) -> tuple[str, str]:
        """Return the last words as shown so far, and the break before the rest of them.

        Those are the answer, if nothing was said since.
        """
        last = progress.parts[-1] if progress.parts else None
        words = self.words.get(last.key, "") if isinstance(last, Words) else ""
        return words, "" if words else self.lead


def next_chunks(
    progress: Progress, shown: Shown, *, ends: bool = False
) -> tuple[list[Chunk], Shown]:
    """Return what to add to a stream, and what it shows after that.

    Args:
        ends: nothing more comes.
    """
    chunks: list[Chunk] = []
    for number, part in enumerate(progress.parts):
        if isinstance(part, Step):
            more, shown = _step(part, shown)
        else:
            is_over = ends or number + 1 < len(progress.parts)
            more, shown = _words(part, shown, is_over=is_over)
        chunks += more
    return chunks, shown


def _step(step: Step, shown: Shown) -> tuple[list[Chunk], Shown]:
    had = shown.steps.get(step.key)
    if had == step.state:
        return [], shown
    last = shown.last if had else step.key
    steps = {**shown.steps, step.key: step.state}
    return [task(step)], replace(shown, steps=steps, last=last)


def task(step: Step) -> Chunk:
    """Draw one run of a tool: what it does, then what it did and came to."""
    say = texts.done if step.state == "done" else texts.working
    chunk = {
        "type": "task_update",
        "id": step.key,
        "title": _line(say(step.tool, step.arguments)),
        "status": _STATUS[step.state],
    }
    if output := _output(step):
        chunk["output"] = _line(output)
    return chunk


def _output(step: Step) -> str:
    match step.state:
        case "works":
            return ""
        case "asks":
            return texts.WAITS
        case "failed":
            return texts.failure(step.result)
        case "done":
            return texts.result(step.result, texts.done(step.tool, step.arguments))


def _line(text: str) -> str:
    return harmless(mask(text))[:_FIELD]


def _words(words: Words, shown: Shown, *, is_over: bool) -> tuple[list[Chunk], Shown]:
    had = shown.words.get(words.key, "")
    if shown.is_broken or (had and shown.last != words.key):
        return [], shown
    safe = settled(words.text, is_over=is_over)
    if not safe.startswith(had):
        return [], replace(shown, is_broken=True)
    more = safe[len(had) :]
    if not more:
        return [], shown
    if sum(map(len, shown.words.values())) + len(more) > MOST_STREAMED:
        return [], replace(shown, is_broken=True)
    lead = "" if had else shown.lead
    every = {**shown.words, words.key: safe}
    chunk = {"type": "markdown_text", "text": lead + more}
    return [chunk], replace(shown, words=every, last=words.key)


def is_worth_it(progress: Progress, chunks: list[Chunk]) -> bool:
    """Return whether a message is to begin: one quick step is not worth it."""
    has_words = any(chunk["type"] == "markdown_text" for chunk in chunks)
    return has_words or len(progress.steps) > 1
