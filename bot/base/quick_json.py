"""JSON for programs, in a part of the time that Python's own module takes."""

from __future__ import annotations

import json
from typing import Any

import orjson


def quick_json(value: Any) -> str:
    """A value as JSON, its keys sorted.

    What orjson has no form for (half a surrogate pair, integers over 64 bits) Python's
    own encoder has.

    Raises TypeError or ValueError for what is no JSON.
    """
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except orjson.JSONEncodeError:
        return json.dumps(value, sort_keys=True)


# Each digit becomes a 0 and all else a space, which shows a long number sooner than a
# regular expression would.
_DIGITS = bytes(ord("0" if chr(each) in "0123456789" else " ") for each in range(256))
_LONG = b"0" * 19


def quick_loads(text: str | bytes) -> Any:
    """Read JSON as Python's own decoder does: the same types, and all digits.

    orjson makes a float of an integer over 64 bits, and refuses what only Python takes
    (NaN, half a surrogate pair): such a text is left to Python.

    Raises:
        ValueError: it is no JSON.
        RecursionError: it is nested too deeply.
    """
    body = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if _LONG in body.translate(_DIGITS):
        return json.loads(text)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return json.loads(text)
