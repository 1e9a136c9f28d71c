"""Any OpenAI-compatible server as a chat model; imported only where a key is set."""

from __future__ import annotations

import asyncio
import email.utils
import json
import os
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import aiohttp
import openai
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.exceptions import ContextOverflowError
from langchain_core.messages import AIMessage, BaseMessage, InvalidToolCall, ToolCall
from langchain_core.outputs import ChatResult
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from agent.live_words import is_heard, say, tell_pause
from agent.models import wire_name
from agent.phrases import chat
from agent.phrases.tool_calls import NO_JSON_TEXT
from agent.prompts import is_empty
from agent.tool_arguments import MARKS, ArgumentsError, parse_arguments

DEFAULT_MODEL = "gpt-5-mini"
#: What is tried again, as OpenAI's client does, which tells nobody that it waits.
PASSING = frozenset({408, 409, 429})
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0  # seconds, where the server names none
NO_QUOTA = "insufficient_quota"
MOST_NAMED = 60.0  # seconds that a server may ask for
# How the client fails over an answer that is no chat completion.
_NONSENSE = (
    AttributeError,
    IndexError,
    KeyError,
    TypeError,
    ValueError,
)


T = TypeVar("T")


class UnreadableAnswer(Exception):
    """The server's answer is no chat completion; the cause says how it failed."""


class EmptyAnswer(Exception):
    """The model has said nothing; the text is the server's reason, such as `length`."""


def make_openai_model(
    *,
    api_key: str,
    base_url: str | None,
    model: str | None,
    timeout: float,
    max_retries: int,
    use_aiohttp: bool = False,
) -> ChatOpenAI:
    """Make the model; see `agent.models.make_model`."""
    return StrictChatOpenAI(
        model=model or DEFAULT_MODEL,
        api_key=SecretStr(api_key),
        base_url=base_url or None,
        timeout=timeout,
        max_retries=0,
        tries=max_retries,
        **_through_aiohttp(use_aiohttp),
        use_responses_api=False,  # compatible servers know chat completions
        # The client repairs cut-off arguments of a streamed call by guessing.
        disable_streaming="tool_calling",
    )


def _through_aiohttp(use_aiohttp: bool) -> dict[str, Any]:
    """Return what has the model ask through aiohttp.

    ChatOpenAI refuses a client where OPENAI_PROXY is set. The empty socket options keep
    it from warning that HTTP_PROXY is ignored: this client uses that proxy.
    """
    if not use_aiohttp or os.environ.get("OPENAI_PROXY"):
        return {}
    client = openai.DefaultAioHttpClient()
    return {"http_async_client": client, "http_socket_options": ()}


class StrictChatOpenAI(ChatOpenAI):
    """ChatOpenAI that reads the arguments of tool calls strictly.

    The base class takes the last of two equal keys and NaN, and fails as a whole when
    one call's arguments are JSON but no object.

    Attributes:
        tries: attempts after the first. The client makes none of its own.
    """

    tries: int = 0

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **options: Any,
    ) -> ChatResult:
        """Ask the server; listeners hear the answer as it comes.

        Raises:
            UnreadableAnswer: what came back is no answer. An error of this name is the
                model's, and never that of a graph around it.
            EmptyAnswer: there is nothing in it. A history in which the model says
                nothing is refused by strict servers, with all that follows.
        """
        try:
            result = await self._asked(messages, stop, run_manager, **options)
        except ContextOverflowError:
            raise
        except _NONSENSE as exc:
            raise UnreadableAnswer(type(exc).__name__) from exc
        if not result.generations:
            raise UnreadableAnswer("no choices")
        message = result.generations[0].message
        if isinstance(message, AIMessage) and is_empty(message):
            info = result.generations[0].generation_info or {}
            raise EmptyAnswer(str(info.get("finish_reason")))
        return result

    async def _patiently(
        self,
        ask: Callable[[], Awaitable[T]],
        run_manager: AsyncCallbackManagerForLLMRun | None,
    ) -> T:
        """Ask, and ask again after what passes; listeners hear of the wait."""
        for number in range(self.tries):
            try:
                return await ask()
            except openai.APIError as error:
                if not is_passing(error):
                    raise
                seconds = pause_after(error, number)
                is_reached = isinstance(error, openai.APIStatusError)
            tell_pause(run_manager, seconds, is_reached=is_reached)
            await asyncio.sleep(seconds)
        return await ask()

    async def _asked(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        run_manager: AsyncCallbackManagerForLLMRun | None,
        **options: Any,
    ) -> ChatResult:
        """Ask for a stream where it is heard; for all at once once that broke off."""
        if run_manager and is_heard(run_manager):
            heard = run_manager
            result = await self._patiently(
                lambda: self._streamed(messages, stop, heard, **options), heard
            )
            if result is not None:
                return result
        whole = super()._agenerate
        return await self._patiently(
            lambda: whole(messages, stop, run_manager, **options), run_manager
        )

    async def _streamed(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        run_manager: AsyncCallbackManagerForLLMRun,
        **options: Any,
    ) -> ChatResult | None:
        """Ask for a stream, and take what comes; None where it breaks off.

        The base class would guess the end of arguments that were cut off; here the
        answer is read as one that came whole.
        """
        payload = self._get_request_payload(messages, stop=stop, **options, stream=True)
        if self._should_stream_usage(None):
            payload["stream_options"] = {"include_usage": True}
        # not by the client's `create`: it walks through every field to rename a few
        stream = await self.root_async_client.post(
            "/chat/completions",
            body=payload,
            options={"security": {"bearer_auth": True}},
            cast_to=object,
            stream=True,
            stream_cls=openai.AsyncStream[object],
        )
        whole = Whole()
        try:
            if "event-stream" not in stream.response.headers.get("content-type", ""):
                body = await stream.response.aread()  # it cannot stream
                return self._create_chat_result(json.loads(body))
            async with stream:
                async for chunk in stream:
                    if words := whole.take(chunk):
                        await say(run_manager, words)
        except _NONSENSE:
            raise
        except Exception:  # of the connection: the client's own library is not ours
            return None
        return self._create_chat_result(whole.completion()) if whole.reason else None

    def _get_request_payload(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        made: Any = super()._get_request_payload(*arguments, **options)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        payload = cast("dict[str, Any]", made)
        tools = cast("list[dict[str, Any]]", payload.get("tools") or [])
        if tools:
            payload["tools"] = [_on_the_wire(tool) for tool in tools]
        for message in cast("list[dict[str, Any]]", payload.get("messages") or []):
            for call in message.get("tool_calls") or ():
                call["function"]["name"] = wire_name(call["function"]["name"])
            if message.get("role") == "tool" and message.get("name"):
                message["name"] = wire_name(message["name"])
        return payload

    def _create_chat_result(
        self,
        response: dict[str, Any] | openai.BaseModel,
        generation_info: dict[str, Any] | None = None,
    ) -> ChatResult:
        if isinstance(response, openai.BaseModel):
            response = response.model_dump(warnings=False)
        found = _take_calls(response)
        result = super()._create_chat_result(response, generation_info)  # pyright: ignore[reportUnknownMemberType]
        for generation, calls in zip(result.generations, found, strict=True):
            if isinstance(generation.message, AIMessage):
                _put_calls(generation.message, calls)
        return result


@dataclass
class Whole:
    """The answer that the pieces of a stream add up to.

    https://platform.openai.com/docs/api-reference/chat/streaming
    """

    text: str = ""
    refusal: str = ""
    reason: str = ""  # why the model stopped; "" while it has not
    calls: dict[int, dict[str, Any]] = field(default_factory=dict[int, dict[str, Any]])
    about: dict[str, Any] = field(default_factory=dict[str, Any])

    def take(self, chunk: dict[str, Any]) -> str:
        """Add a piece; return the words in it. Its thoughts are left out."""
        known = ("id", "model", "created", "usage", "system_fingerprint")
        self.about |= {name: chunk[name] for name in known if chunk.get(name)}
        choices: list[dict[str, Any]] = chunk.get("choices") or []
        choice = choices[0] if choices else {}
        delta: dict[str, Any] = choice.get("delta") or {}
        self.reason = choice.get("finish_reason") or self.reason
        self.refusal += _text(delta.get("refusal"))
        calls: list[dict[str, Any]] = delta.get("tool_calls") or []
        for call in calls:
            self._add(call)
        words = _text(delta.get("content"))
        self.text += words
        return words

    def _add(self, piece: dict[str, Any]) -> None:
        place = piece.get("index")
        if place is None:  # some servers send calls whole, and number none
            place = len(self.calls) if piece.get("id") else max(len(self.calls) - 1, 0)
        new: dict[str, Any] = {"type": "function", "function": {"arguments": ""}}
        call = self.calls.setdefault(place, new)
        given: dict[str, Any] = piece.get("function") or {}
        call["id"] = piece.get("id") or call.get("id")
        function = call["function"]
        function["name"] = given.get("name") or function.get("name")
        more: Any = given.get("arguments")
        if not isinstance(more, str | None):  # an object in place of its text, or worse
            function["arguments"] = more
        elif isinstance(function["arguments"], str):
            function["arguments"] += _text(more)

    def completion(self) -> dict[str, Any]:
        """Return what the server would have said without a stream."""
        calls = [self.calls[place] for place in sorted(self.calls)]
        message: dict[str, Any] = {"role": "assistant", "content": self.text}
        message["refusal"] = self.refusal
        if calls:
            message["tool_calls"] = calls
        choice = {"index": 0, "message": message, "finish_reason": self.reason}
        return {"object": "chat.completion", **self.about, "choices": [choice]}


def _on_the_wire(tool: dict[str, Any]) -> dict[str, Any]:
    """A tool as the server takes it, without the marks that are ours."""
    function = dict(tool.get("function") or {})
    function["name"] = wire_name(str(function.get("name")))
    parameters = cast("dict[str, Any]", function.get("parameters") or {})
    function["parameters"] = {k: v for k, v in parameters.items() if k != MARKS}
    return {**tool, "function": function}


def _take_calls(response: object) -> list[list[object]]:
    """Take the raw tool calls of each choice out, before the base class reads them.

    https://platform.openai.com/docs/api-reference/chat/object
    """
    if not isinstance(response, dict):  # no JSON: the base class complains
        return []
    choices: object = cast("dict[str, object]", response).get("choices")
    if not isinstance(choices, list):
        return []
    return [_calls_of(choice) for choice in cast("list[dict[str, Any]]", choices)]


def _calls_of(choice: dict[str, Any]) -> list[object]:
    message = cast("dict[str, Any]", choice.get("message") or {})
    if not message.get("content") and message.get("refusal"):
        message["content"] = message["refusal"]
    calls = message.pop("tool_calls", None)
    return cast("list[object]", calls) if isinstance(calls, list) else []


def _put_calls(message: AIMessage, calls: list[object]) -> None:
    for raw in calls:
        call = cast("dict[str, Any]", raw) if isinstance(raw, dict) else {}
        function = cast("dict[str, Any]", call.get("function") or {})
        name, call_id = _text(function.get("name")), _text(call.get("id"))
        arguments: object = function.get("arguments")
        try:
            args = _read(arguments)
        except ArgumentsError as exc:
            message.invalid_tool_calls.append(
                InvalidToolCall(
                    type="invalid_tool_call",
                    name=name,
                    args=_text(arguments),
                    id=call_id,
                    error=str(exc),
                )
            )
        else:
            message.tool_calls.append(
                ToolCall(name=name, args=args, id=call_id, type="tool_call")
            )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _read(arguments: object) -> dict[str, Any]:
    if isinstance(arguments, dict):  # some servers send an object in place of its text
        return cast("dict[str, Any]", arguments)
    if arguments is None:
        return {}
    if not isinstance(arguments, str):
        raise ArgumentsError(NO_JSON_TEXT)
    return parse_arguments(arguments)


def is_passing(error: openai.APIError) -> bool:
    """Return whether the same request may succeed in a while."""
    if not isinstance(error, openai.APIStatusError):
        return isinstance(error, openai.APIConnectionError)
    if wish := error.response.headers.get("x-should-retry"):
        return wish == "true"
    if error.code == NO_QUOTA:
        return False
    return error.status_code in PASSING or error.status_code >= 500


def pause_after(error: openai.APIError, number: int) -> float:
    """Return the seconds until the next attempt.

    Args:
        number: of the attempts that were made before the one that failed.
    """
    if isinstance(error, openai.APIStatusError):
        named = _named_pause(error.response.headers)
        if 0 < named <= MOST_NAMED:
            return named
    usual = min(FIRST_PAUSE * 2**number, LONGEST_PAUSE)
    return usual * random.uniform(0.75, 1)  # noqa: S311 - no secret


def _named_pause(headers: Mapping[str, str]) -> float:
    """Return the seconds that a server asks for; 0 where it does not.

    https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Retry-After
    """
    given = headers.get("retry-after", "")
    with suppress(ValueError):
        if milliseconds := headers.get("retry-after-ms"):
            return float(milliseconds) / 1000
        return float(given)
    with suppress(ValueError, OverflowError):  # a day that there is not
        moment = email.utils.parsedate_tz(given)
        return email.utils.mktime_tz(moment) - time.time() if moment else 0
    return 0


def is_overflow(exc: BaseException) -> bool:
    """Return whether the server refused a request because of its length."""
    if isinstance(exc, ContextOverflowError):
        return True
    if not isinstance(exc, openai.APIStatusError):
        return False
    return exc.code == "context_length_exceeded" or "context length" in exc.message


def explain(exc: BaseException) -> str | None:
    """Say in one sentence for people what went wrong with the model; no secrets."""
    if is_overflow(exc):
        return chat.TOO_LONG
    if isinstance(exc, openai.APITimeoutError) and not _is_cut_off(exc):
        return chat.NO_ANSWER
    if isinstance(exc, openai.APIConnectionError):
        return chat.UNREACHABLE
    if isinstance(exc, openai.APIStatusError):
        return _explain_status(exc)
    if isinstance(exc, UnreadableAnswer):
        return chat.failed_unexpectedly(exc)
    if isinstance(exc, EmptyAnswer):
        return chat.EMPTY.get(str(exc), chat.SAID_NOTHING)
    if isinstance(exc, openai.OpenAIError):
        return chat.failed_unexpectedly(type(exc).__name__)
    return None


def _is_cut_off(exc: openai.APITimeoutError) -> bool:
    """Return whether the connection broke: with aiohttp that is a time-out, too."""
    cause: BaseException | None = exc
    while cause and not isinstance(cause, aiohttp.ClientConnectionError):
        cause = cause.__cause__
    return cause is not None and not isinstance(cause, TimeoutError)


def _explain_status(exc: openai.APIStatusError) -> str:
    match exc.status_code:
        case 401 | 403:
            return chat.BAD_KEY
        case 404:
            return chat.NO_MODEL
        case 429:
            return chat.NO_QUOTA if exc.code == NO_QUOTA else chat.BUSY
        case status if status >= 500:
            return chat.server_fault(status)
        case status:
            return chat.request_refused(status)
