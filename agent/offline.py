"""A chat model without a server: it understands a few plain requests."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, cast

from langchain_core.callbacks import (
    AsyncCallbackManagerForLLMRun,
    CallbackManagerForLLMRun,
)
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    ToolCall,
    ToolMessage,
)
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from agent.gate import ANSWERED, edited_args, note_on
from agent.live_words import is_heard, say_slowly
from agent.phrases import chat
from agent.phrases.tool_calls import without_orders
from agent.plain_requests import Wish, understand
from agent.prompts import prefix_of


class OfflineModel(BaseChatModel):
    """Deterministic; the same messages always get the same answer.

    Attributes:
        pace: seconds for each word, where anybody listens.
    """

    pace: float = 0

    @property
    def _llm_type(self) -> str:
        return "offline"

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Bind the tools whose plain requests shall be understood."""
        del tool_choice
        bound = [convert_to_openai_tool(tool) for tool in tools]
        return self.bind(tools=bound, **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        answer = reply(messages, _names(kwargs))
        return ChatResult(generations=[ChatGeneration(message=answer)])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        answer = reply(messages, _names(kwargs))
        if run_manager and is_heard(run_manager):
            await say_slowly(run_manager, answer.text, self.pace)
        return ChatResult(generations=[ChatGeneration(message=answer)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for chunk in _chunks(reply(messages, _names(kwargs))):
            if run_manager:
                run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in _chunks(reply(messages, _names(kwargs))):
            if run_manager:
                await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk


def _names(kwargs: dict[str, Any]) -> list[str]:
    tools = cast("list[dict[str, Any]]", kwargs.get("tools") or [])
    return [str(tool["function"]["name"]) for tool in tools]


def reply(messages: Sequence[BaseMessage], tools: Sequence[str]) -> AIMessage:
    """Answer a conversation: with tool calls, a report of their results, or help."""
    if messages and isinstance(messages[-1], ToolMessage):
        return AIMessage(_report(messages))
    person = next((m for m in reversed(messages) if isinstance(m, HumanMessage)), None)
    wishes = understand(_words(person), tools) if person else []
    if not wishes:
        return AIMessage(_help(tools))
    return AIMessage("", tool_calls=_calls(wishes, messages))


def _words(message: HumanMessage) -> str:
    # Where several people speak, the prompt puts the writer in front.
    own = message.text.removeprefix(prefix_of(message))
    return _QUOTED.split(own, maxsplit=1)[0]


def _calls(wishes: list[Wish], messages: Sequence[BaseMessage]) -> list[ToolCall]:
    # The thread only grows, so the number of calls before makes the next id new.
    earlier = sum(len(m.tool_calls) for m in messages if isinstance(m, AIMessage))
    return [
        ToolCall(name=w.tool, args=w.args, id=_id(w, earlier + i), type="tool_call")
        for i, w in enumerate(wishes)
    ]


def _id(wish: Wish, number: int) -> str:
    named = json.dumps([number, wish.tool, wish.args], sort_keys=True)
    return f"call_{hashlib.sha256(named.encode()).hexdigest()[:24]}"


def _help(tools: Sequence[str]) -> str:
    known = [chat.EXAMPLES[name] for name in tools if name in chat.EXAMPLES]
    if not known:
        return chat.NO_TOOLS
    return chat.not_understood(known)


def _report(messages: Sequence[BaseMessage]) -> str:
    last = max(i for i, m in enumerate(messages) if isinstance(m, AIMessage))
    calls = cast("AIMessage", messages[last]).tool_calls
    results = {m.tool_call_id: m for m in messages[last:] if isinstance(m, ToolMessage)}
    lines = [tell(c, results[c["id"]]) for c in calls if c["id"] in results]
    return "\n".join([*lines, chat.SIGN])


def _chunks(answer: AIMessage) -> Iterator[ChatGenerationChunk]:
    for word in re.findall(r"\S+\s*|\s+", answer.text):
        yield ChatGenerationChunk(message=AIMessageChunk(content=word))
    calls = [
        tool_call_chunk(
            name=call["name"], args=json.dumps(call["args"]), id=call["id"], index=index
        )
        for index, call in enumerate(answer.tool_calls)
    ]
    last = AIMessageChunk(content="", tool_call_chunks=calls, chunk_position="last")
    yield ChatGenerationChunk(message=last)


# What stands below the person's own words, see the instructions in `agent.prompts`.
_LABELS = "|".join(re.escape(label) for label in (chat.NOT_READ, chat.STOPPED))
_QUOTED = re.compile(rf"\n\n(?:\[[^\n]*:\]\n[>|-]|{_LABELS})")


def tell(call: ToolCall, result: ToolMessage) -> str:
    """Say in plain words what became of a call.

    Args:
        call: what the model wanted.
        result: what the gate answered; its mark says what a person did to the call.
    """
    args = edited_args(result)
    if args is not None:
        return _edited(call, args, result)
    if note_on(result) == ANSWERED:
        return chat.answered_instead(_shown(call), _after_notice(result))
    if result.status == "error":
        return chat.came_to(_shown(call), without_orders(result.text))
    return _done(call, result.text.strip())


def _edited(call: ToolCall, args: dict[str, Any], result: ToolMessage) -> str:
    ran = ToolCall(name=call["name"], args=args, id=call["id"], type="tool_call")
    said = _after_notice(result).strip()
    told = without_orders(said) if result.status == "error" else _done(ran, said)
    return chat.person_changed(_shown(call), _shown(ran), told)


def _after_notice(result: ToolMessage) -> str:
    # The notice for the model is one paragraph; what was said comes after it.
    return result.text.partition("\n\n")[2]


def _shown(call: ToolCall) -> str:
    return f"`{_named(call['name'], call['args']).replace('`', chr(39))}`"


def _named(name: str, args: dict[str, Any]) -> str:
    """The call as somebody would have asked for it."""
    match name, args:
        case "transfer_money", {"to": to, "amount": amount, "currency": currency}:
            return chat.transfer(amount, currency, to)
        case "drop_database", {"name": database}:
            return chat.drop_database(database)
        case _:
            verb = name.removesuffix("_file").replace("_", " ")
            return f"{verb} {args.get('path') or ''}".strip()


def _done(call: ToolCall, text: str) -> str:
    path = str(call["args"].get("path") or call["args"].get("file") or "")
    match call["name"]:
        case "read_file" | "read_shared_file":
            return chat.reads(path, _block(text))
        case "list_files":
            return f"{chat.files_in(path)}\n{_block(text)}"
        case "list_accounts" | "list_databases" if "\n" in text:
            title, _, lines = text.partition("\n")
            return f"{title}\n{_block(lines)}"
        case _:
            return text


def _block(text: str) -> str:
    # Three backticks inside would end the block.
    return "```\n" + text.replace("```", "'''") + "\n```"
