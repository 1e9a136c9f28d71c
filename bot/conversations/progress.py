"""The doings of a run so far, from what LangChain tells of models and tools."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, cast
from uuid import UUID

from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, GenerationChunk
from langchain_core.tools import ToolException
from langgraph.errors import GraphBubbleUp

from agent.heard import ANSWER, Listener, without_thoughts

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
class Pause:
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
    pause: Pause | None = None

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

    def waits(self, now: float) -> Pause | None:
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
        pause = Pause(seconds, time.monotonic() + seconds, is_reached)
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
