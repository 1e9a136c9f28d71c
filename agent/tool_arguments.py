"""What a tool call's arguments may be, judged before anybody sees the call."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn, cast

#: Beyond it two readers of JSON may see two numbers (RFC 8785, RFC 7493).
MAX_INTEGER = 2**53 - 1
MAX_DEPTH = 32


class ArgumentsError(ValueError):
    """The arguments cannot be used; the text is a sentence for the model."""


def parse_arguments(text: str) -> dict[str, Any]:
    """Read the arguments that a model server sent as JSON text.

    An empty text counts as no arguments, as servers send it for tools without any.

    Raises:
        ArgumentsError: the text is no JSON, no object, or holds a key twice.
    """
    if not text.strip():
        return {}
    try:
        value: object = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_no_constant
        )
    except ArgumentsError:
        raise
    except (ValueError, RecursionError) as exc:
        raise ArgumentsError("The arguments are not valid JSON.") from exc
    if not isinstance(value, dict):
        raise ArgumentsError("The arguments are no JSON object.")
    return cast("dict[str, Any]", value)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Readers disagree on which of two equal keys counts, so a card could show one
    # value and the tool get another.
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ArgumentsError("The arguments hold the same key twice.")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ArgumentsError(f"The arguments hold {name}, which is no JSON number.")


def check_values(value: object, depth: int = 0) -> str:
    """Say what in a parsed value cannot be shown, hashed and stored as it is.

    Returns a sentence for the model, or "" when all is well.
    """
    if depth > MAX_DEPTH:
        return f"The arguments are nested deeper than {MAX_DEPTH} levels."
    if isinstance(value, dict):
        entries = cast("dict[object, object]", value)
        if not all(isinstance(key, str) for key in entries):
            return "The arguments hold a key that is no text."
        return _first(depth, *entries.keys(), *entries.values())
    if isinstance(value, list):
        return _first(depth, *cast("list[object]", value))
    return _check_leaf(value)


def _first(depth: int, *values: object) -> str:
    return next((bad for v in values if (bad := check_values(v, depth + 1))), "")


def _check_leaf(value: object) -> str:
    if isinstance(value, str):
        return _check_text(value)
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, int | float):
        return _check_number(value)
    return "The arguments hold a value that JSON does not know."


def _check_number(value: float) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return "The arguments hold a number that is not finite."
    # A float too: written as JSON it may become an integer that nobody can write.
    beyond = abs(value) > MAX_INTEGER
    return "The arguments hold a number beyond 2^53." if beyond else ""


def _check_text(text: str) -> str:
    if "\0" in text:
        return "The arguments hold a NUL character."
    if any("\ud800" <= char <= "\udfff" for char in text):
        return "The arguments hold half a character (a lone surrogate)."
    return ""


def clean_text(text: str) -> str:
    """Make any text fit for UTF-8, PostgreSQL and a checkpoint."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
