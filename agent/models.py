"""The chat model, offline or any OpenAI-compatible server, and what it answers."""

from __future__ import annotations

import json
import re
import sys
import uuid
from collections.abc import Collection, Iterable
from hashlib import sha256
from typing import Any

from langchain_core.exceptions import ContextOverflowError
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    InvalidToolCall,
    ToolCall,
    ToolMessage,
)

from agent.offline import OfflineModel
from agent.phrases.tool_calls import NO_JSON, TOO_DEEP_TO_SHOW, unusable
from agent.prompts import call_ids
from agent.safe_text import clean_text
from agent.tool_arguments import check_values


def make_model(
    *,
    api_key: str | None,
    base_url: str | None,
    model: str | None,
    timeout: float = 60,
    max_retries: int = 2,
    pace: float = 0,
    use_aiohttp: bool = False,
) -> BaseChatModel:
    """Make the chat model; the offline one when there is no key.

    Args:
        api_key: the server's key; empty or None for the offline model.
        base_url: address of an OpenAI-compatible server; OpenAI's own when empty.
        model: the model's name there; a default when empty.
        timeout: seconds for one attempt; without it the client waits for minutes.
        max_retries: attempts after the first.
        pace: seconds for each word of the offline model, where anybody listens.
        use_aiohttp: ask through aiohttp, which takes two thirds of the CPU that httpx
            takes. Only for who closes the model with `close_model` in the end: aiohttp
            warns of a session that was left open.
    """
    if not api_key:
        return OfflineModel(pace=pace)
    # Its client costs half a second and 50 MB, which the offline model does without.
    from agent.openai_model import make_openai_model

    return make_openai_model(
        api_key=api_key,
        base_url=base_url,
        model=model,
        timeout=timeout,
        max_retries=max_retries,
        use_aiohttp=use_aiohttp,
    )


async def close_model(model: BaseChatModel) -> None:
    """Close the connections of a model to its server, if it has any."""
    client: Any = getattr(model, "root_async_client", None)
    if client:
        await client.close()


def is_too_long(exc: BaseException) -> bool:
    """Return whether a model refused a history because of its length."""
    if isinstance(exc, ContextOverflowError):
        return True
    if "agent.openai_model" not in sys.modules:
        return False
    from agent.openai_model import is_overflow

    return is_overflow(exc)


def explain_model_error(exc: BaseException) -> str | None:
    """Say in one sentence for people what went wrong with the model; no secrets.

    None where the error is not the model's.
    """
    if "agent.openai_model" not in sys.modules:
        return None
    from agent.openai_model import explain

    return explain(exc)


LONGEST_NAME = 64  # characters of a tool's name, for model servers
MAX_SENTENCE = 200  # characters of a client's error
MAX_QUOTE = 2_000  # characters of unreadable arguments that the history keeps
#: Of what a server says about its answer; each step of the graph writes it down.
KEPT_ABOUT = frozenset({"finish_reason", "stop_reason", "model_name"})
# What OpenAI takes for the id and the name of a call when the history is sent back.
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9_-]")


def normalise(
    answer: BaseMessage,
    history: Iterable[BaseMessage],
    names: Collection[str],
    *,
    is_cut: bool = False,
) -> AIMessage:
    """Rebuild the model's answer so that nothing in it can harm the thread.

    The message gets a fresh id. Ids of tool calls that are missing, odd, doubled or
    used before in `history` are replaced. Calls whose arguments cannot be shown and
    stored as they are become `invalid_tool_calls` with a sentence as their `error`.

    Args:
        answer: what the model returned.
        history: the messages of the thread so far.
        names: the tools there are; other names are reduced to what OpenAI takes.
        is_cut: whether its beginning is gone, and with it ids that were used there: a
            grant and a result belong to an id for good. Then every id is replaced.
    """
    message = answer if isinstance(answer, AIMessage) else AIMessage(answer.text)
    about: dict[str, Any] = message.response_metadata
    used = {i for m in history if isinstance(m, AIMessage) for i in call_ids(m)}
    good: list[ToolCall] = []
    bad: list[InvalidToolCall] = []
    for call in [*message.tool_calls, *message.invalid_tool_calls]:
        given = None if is_cut else call["id"]
        name, call_id = _name(call["name"], names), _fresh_id(given, used)
        why = _problem(call)
        if not why and isinstance(call["args"], dict):
            good.append(
                ToolCall(name=name, args=call["args"], id=call_id, type="tool_call")
            )
        else:
            bad.append(_invalid(name, call_id, call["args"], why))
    return AIMessage(
        content=clean_text(message.text),
        tool_calls=good,
        invalid_tool_calls=bad,
        id=str(uuid.uuid4()),
        response_metadata={k: v for k, v in about.items() if k in KEPT_ABOUT},
    )


def refusals(message: AIMessage) -> list[ToolMessage]:
    """Answer each call of a normalised message that cannot be used with a sentence."""
    return [
        ToolMessage(
            unusable(str(call["error"])),
            tool_call_id=str(call["id"]),
            name=call["name"],
            status="error",
        )
        for call in message.invalid_tool_calls
    ]


def _problem(call: ToolCall | InvalidToolCall) -> str:
    if isinstance(call["args"], dict):
        return check_values(call["args"])
    error = call.get("error")
    # A client's own error quotes the arguments over several lines; ours is a sentence.
    if isinstance(error, str) and error and "\n" not in error:
        return clean_text(error[:MAX_SENTENCE])
    return NO_JSON


def _fresh_id(given: str | None, used: set[str]) -> str:
    call_id = given or ""
    if not _ID.fullmatch(call_id) or call_id in used:
        call_id = f"call_{uuid.uuid4().hex[:24]}"
    used.add(call_id)
    return call_id


def _name(given: str | None, names: Collection[str]) -> str:
    if given in names:
        return str(given)
    meant = [name for name in names if wire_name(name) == given]
    if len(meant) == 1:
        return meant[0]
    return _NOT_IN_NAME.sub("_", given or "unknown")[:LONGEST_NAME]


def wire_name(name: str) -> str:
    """A tool's name as model servers take it, the same for the same name.

    `server.tool` is `server__tool` there.
    """
    short = _NOT_IN_NAME.sub("_", name.replace(".", "__", 1))
    if short == name.replace(".", "__", 1) and len(short) <= LONGEST_NAME:
        return short
    return f"{short[: LONGEST_NAME - 9]}_{sha256(name.encode()).hexdigest()[:8]}"


def _invalid(name: str, call_id: str, args: Any, why: str) -> InvalidToolCall:
    # Sent back to the server as it stands. Some read it as JSON, so what the model
    # wrote is quoted inside an object of ASCII.
    text = args if isinstance(args, str) else _dump(args)
    return InvalidToolCall(
        type="invalid_tool_call",
        id=call_id,
        name=name,
        args=json.dumps({"unreadable": text[:MAX_QUOTE]}),
        error=why,
    )


def _dump(args: Any) -> str:
    try:
        return json.dumps(args, default=str)
    except (ValueError, RecursionError):
        return TOO_DEEP_TO_SHOW
