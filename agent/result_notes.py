"""Note beside a call's result what a person decided about it, for the program."""

from __future__ import annotations

from typing import Any, Literal, cast

from langchain_core.messages import BaseMessage, ToolMessage

REJECTED = "rejected"  # by a person, by the time, or because it was asked again
EDITED = "edited"
ANSWERED = "answered"
Word = Literal["rejected", "edited", "answered"]
_KEY = "approval"


def mark(word: Word, args: dict[str, Any] | None = None) -> dict[str, Any]:
    """The artifact that notes a word; `args` are those that a person gave instead."""
    return {_KEY: {"word": word} if args is None else {"word": word, "args": args}}


def word_of(message: BaseMessage) -> str:
    """Return what a person did to the call that a message answers, or ""."""
    return str(_found(message).get("word", ""))


def edited_args(message: BaseMessage) -> dict[str, Any] | None:
    """The arguments that a person gave in place of the call's own, if they did."""
    args = _found(message).get("args")
    return cast("dict[str, Any]", args) if isinstance(args, dict) else None


def _found(message: BaseMessage) -> dict[str, Any]:
    artifact: object = message.artifact if isinstance(message, ToolMessage) else None
    if not isinstance(artifact, dict):
        return {}
    noted = cast("dict[str, Any]", artifact).get(_KEY)
    return cast("dict[str, Any]", noted) if isinstance(noted, dict) else {}
