"""A scripted chat model, tools that record what they did, a person with a script."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import BaseTool, StructuredTool
from pydantic import BaseModel, ConfigDict, Field

from agent.live_words import is_heard, say_slowly, tell_pause


@dataclass(frozen=True)
class Busy:
    """The model is asked again in a while, as it says; here at once."""

    seconds: float


class Slow:
    """A model, or a tool, that is at work until somebody lets it end."""

    def __init__(self) -> None:
        self.began, self.may_end = asyncio.Event(), asyncio.Event()

    async def work(self) -> None:
        self.began.set()
        await self.may_end.wait()


class ScriptedModel(BaseChatModel):
    """Gives its answers in turn; `seen` holds what it was shown each time.

    `pace`: seconds for each word where anybody listens; 0 says none before its end.
    """

    script: list[Any]
    pace: float = 0
    seen: list[list[BaseMessage]] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools, **kwargs):
        return self.bind(tools=[tool.name for tool in tools])

    async def _agenerate(self, messages, stop=None, run_manager=None, **kwargs):
        if self.script and isinstance(self.script[0], Busy):
            seconds = self.script.pop(0).seconds
            tell_pause(run_manager, seconds, is_reached=True)
            await asyncio.sleep(self.pace * 10)
        result = self._generate(messages)
        if self.pace and is_heard(run_manager):
            text = result.generations[0].message.text
            await say_slowly(run_manager, text, self.pace)
        return result

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        self.seen.append(list(messages))
        answer = self.script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        message = answer if isinstance(answer, BaseMessage) else AIMessage(answer)
        return ChatResult(generations=[ChatGeneration(message=message)])


def calls(*wanted, text="", **fields):
    """An answer with tool calls: (name, args) or (name, args, id)."""
    return AIMessage(
        text,
        tool_calls=[
            {
                "name": call[0],
                "args": call[1],
                "id": call[2] if len(call) > 2 else f"call_{number}",
                "type": "tool_call",
            }
            for number, call in enumerate(wanted)
        ],
        **fields,
    )


class PathArgs(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    path: str


class Ledger:
    """Tools `peek` and `wipe` that write down each run; `fail` makes them raise."""

    def __init__(self) -> None:
        self.runs: list[str] = []
        self.fail: dict[str, BaseException] = {}
        self.before: Callable[[], Awaitable[None]] | None = None

    def tool(self, name: str) -> BaseTool:
        async def run(path: str) -> str:
            if self.before:
                await self.before()
            self.runs.append(f"{name} {path}")
            if name in self.fail:
                raise self.fail[name]
            return f"{name} did {path}"

        return StructuredTool.from_function(
            coroutine=run,
            name=name,
            description=f"{name} a path",
            args_schema=PathArgs,
        )

    @property
    def tools(self) -> list[BaseTool]:
        return [self.tool("peek"), self.tool("wipe")]


class FakePerson:
    """Types its lines in turn, then leaves; keeps what it was shown."""

    def __init__(self, *lines: str) -> None:
        self.lines = list(lines)
        self.prompts: list[str] = []
        self.told: list[str] = []

    def ask(self, prompt: str) -> str:
        self.prompts.append(prompt)
        if not self.lines:
            raise EOFError
        return self.lines.pop(0)

    def tell(self, text: str) -> None:
        self.told.append(text)
