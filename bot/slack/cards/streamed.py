"""Draw what a run does as the chunks of a stream: words that are safe, and steps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bot.base.masks import mask
from bot.conversations.progress import Progress, Step, Words
from bot.slack.cards.answer import harmless
from bot.texts import conversation as texts
from bot.texts.formatting import one_line

Chunk = dict[str, Any]
MOST = 9_000  # characters that are streamed: the answer's end has to have room
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


LONGEST_TITLE = 80  # characters; Slack's limit is 200
_MENTION = re.compile(r"<[@#!][^<>]*>")


def title_of(text: str) -> str:
    """Return a thread's title, from the first line of its first message; or ""."""
    lines = [line for line in _MENTION.sub("…", text).splitlines() if line.strip(" …")]
    return harmless(one_line(lines[0], LONGEST_TITLE)) if lines else ""


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
        """Return what stands of the words said last, and what parts the rest of them.

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
    if sum(map(len, shown.words.values())) + len(more) > MOST:
        return [], replace(shown, is_broken=True)
    lead = "" if had else shown.lead
    every = {**shown.words, words.key: safe}
    chunk = {"type": "markdown_text", "text": lead + more}
    return [chunk], replace(shown, words=every, last=words.key)


def is_worth_it(progress: Progress, chunks: list[Chunk]) -> bool:
    """Return whether a message is to begin: one quick step is not worth it."""
    has_words = any(chunk["type"] == "markdown_text" for chunk in chunks)
    return has_words or len(progress.steps) > 1
