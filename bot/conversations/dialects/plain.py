"""Write any Python value as JSON that people can read and a digest can bind."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import hashlib
import json
import math
import pathlib
import uuid
from collections.abc import Mapping
from typing import Any, cast

from pydantic import BaseModel

from bot.conversations.dialects.interface import Fidelity
from bot.texts import call
from bot.texts.formatting import visible

MAX_INTEGER = 2**53 - 1  # beyond it two readers of JSON may see two numbers (RFC 8785)
MAX_DEPTH = 32
MAX_VALUES = 20_000  # of one payload: a structure that holds itself has no end
_AS_TEXT = (
    dt.date,
    dt.time,
    dt.timedelta,
    decimal.Decimal,
    uuid.UUID,
    pathlib.PurePath,
)


def written(value: object) -> tuple[Any, Fidelity]:
    """Write a value; what is no JSON stands as text in its place, never left out.

    Models, dataclasses and enums are written as what they hold: a strict checkpoint
    gives them back as that, and the same question must read the same then.
    """
    writer = _Writer()
    return writer.write(value, 0), writer.fidelity


def arguments_of(value: object) -> tuple[dict[str, Any], Fidelity]:
    """Write a value as arguments; what has no names gets the name `value`."""
    found, fidelity = written(value)
    if isinstance(found, dict):
        return cast("dict[str, Any]", found), fidelity
    return {"value": found}, fidelity


def text_of(value: object) -> str:
    """A text that can be stored; anything else is ""."""
    if not isinstance(value, str):
        return ""
    return str(value) if _is_storable(value) else visible(value)


def json_text(value: object) -> str:
    """A value on one line, for names and sentences."""
    return json.dumps(written(value)[0], ensure_ascii=False)


class _Writer:
    def __init__(self) -> None:
        self.fidelity = Fidelity.EXACT
        self._left = MAX_VALUES

    def write(self, value: object, depth: int) -> Any:
        self._left -= 1
        if depth > MAX_DEPTH or self._left < 0:
            return self._instead(Fidelity.HIDDEN, call.TOO_MUCH)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, enum.Enum):
            return self.write(value.value, depth + 1)
        if isinstance(value, str | int | float):
            return self._leaf(value)
        return self._structure(value, depth + 1)

    def _instead(self, fidelity: Fidelity, stand_in: Any) -> Any:
        self.fidelity = max(self.fidelity, fidelity)
        return stand_in

    def _leaf(self, value: str | int | float) -> Any:
        if isinstance(value, str):
            if _is_storable(value):
                return str(value)
            return self._instead(Fidelity.SHOWN, visible(value))
        if isinstance(value, float) and math.isnan(value):
            return self._instead(Fidelity.SHOWN, "NaN")
        if abs(value) > MAX_INTEGER:
            return self._instead(Fidelity.SHOWN, _digits(value))
        return float(value) if isinstance(value, float) else int(value)

    def _structure(self, value: object, depth: int) -> Any:
        if isinstance(value, Mapping):
            return self._mapping(cast("Mapping[object, object]", value), depth)
        if isinstance(value, list | tuple):
            items = cast("list[object]", value)
            return [self.write(item, depth) for item in items]
        if isinstance(value, set | frozenset):
            return self._set(cast("set[object]", value), depth)
        return self._other(value, depth)

    def _mapping(self, value: Mapping[object, object], depth: int) -> Any:
        if all(isinstance(key, str) and _is_storable(key) for key in value):
            return {str(key): self.write(item, depth) for key, item in value.items()}
        # as pairs, since two keys could be written alike
        pairs = [[self.write(k, depth), self.write(v, depth)] for k, v in value.items()]
        return self._instead(Fidelity.SHOWN, pairs)

    def _set(self, value: set[object], depth: int) -> Any:
        items = [self.write(item, depth) for item in value]
        # in an order of its own, so that the same set has the same digest
        return self._instead(Fidelity.SHOWN, sorted(items, key=json.dumps))

    def _other(self, value: object, depth: int) -> Any:
        if isinstance(value, bytes | bytearray):
            return self._instead(Fidelity.HIDDEN, _bytes(value))
        if isinstance(value, _AS_TEXT):
            return self._instead(Fidelity.SHOWN, str(value))
        if isinstance(value, BaseModel):
            return self.write(dict(value), depth)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            names = [field.name for field in dataclasses.fields(value)]
            fields = {name: getattr(value, name, None) for name in names}
            return self.write(fields, depth)
        # its repr may hold an address in memory, or a secret
        name = visible(type(value).__name__)
        return self._instead(Fidelity.HIDDEN, call.of_type(name))


def _is_storable(text: str) -> bool:
    # PostgreSQL stores no NUL, and UTF-8 no half of a character
    return "\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text)


def _digits(value: int | float) -> str:
    # an integer of thousands of digits raises in str()
    if isinstance(value, int) and value.bit_length() > 1_000:
        return hex(value)
    return str(value)


def _bytes(value: bytes | bytearray) -> str:
    return call.bytes_of(len(value), hashlib.sha256(value).hexdigest())
