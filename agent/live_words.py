"""Pass on what a model says to its listeners, as it says it."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from langchain_core.callbacks import (
    AsyncCallbackManagerForLLMRun,
    BaseCallbackHandler,
)
from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk

#: Tag of the model calls of a graph whose words people may read as they come: no other
#: call's words are shown, since they may be thoughts, or a question to another model.
ANSWER = "answer"
LONGEST = 3.0  # seconds that words are spread over at most
_WORD = re.compile(r"\S+\s*|\s+")
_THOUGHT = re.compile(r"\A\s*<think>.*?(</think>|\Z)\s*", re.DOTALL)


def without_thoughts(text: str) -> str:
    """Leave out what a model writes down of its thinking, also where it still does."""
    return _THOUGHT.sub("", text, count=1) if text else ""


class Listener(BaseCallbackHandler):
    """A handler for which our own models say their answers word by word.

    Other models do as they are set: streaming unasked could change what they answer,
    such as the arguments of a call.
    """

    run_inline = True  # in the order in which things happen

    def on_pause(self, seconds: float, *, is_reached: bool) -> None:
        """Take note that a model is asked again in a while.

        Args:
            is_reached: whether its server has answered at all.
        """


def is_heard(run_manager: AsyncCallbackManagerForLLMRun | None) -> bool:
    """Return whether anybody listens to a model call."""
    handlers = run_manager.handlers if run_manager else []
    return any(isinstance(each, Listener) for each in handlers)


async def say(run_manager: AsyncCallbackManagerForLLMRun, words: str) -> None:
    """Let the listeners hear what comes next."""
    chunk = ChatGenerationChunk(message=AIMessageChunk(content=words))
    await run_manager.on_llm_new_token(words, chunk=chunk)


def tell_pause(
    run_manager: AsyncCallbackManagerForLLMRun | None,
    seconds: float,
    *,
    is_reached: bool,
) -> None:
    """Let the listeners hear that a model is asked again in a while."""
    for each in run_manager.handlers if run_manager else ():
        if isinstance(each, Listener):
            each.on_pause(seconds, is_reached=is_reached)


async def say_slowly(
    run_manager: AsyncCallbackManagerForLLMRun, text: str, pace: float
) -> None:
    """Say a whole text as a model would.

    Args:
        pace: seconds for each word, while they do not add up to too much.
    """
    words: list[Any] = _WORD.findall(text)
    pause = min(pace, LONGEST / (len(words) or 1))
    for word in words:
        await say(run_manager, word)
        if pause >= 0.001:
            await asyncio.sleep(pause)
