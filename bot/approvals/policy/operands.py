"""What a rule's `when` may say: argument paths, operators, and a value for each."""

from __future__ import annotations

import re
from typing import Annotated, Any, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from bot.approvals.policy.complaints import kind, shown
from bot.approvals.policy.conditions import compiled, path_parts, sort_of
from bot.approvals.policy.fields import wrong
from bot.approvals.policy.hosts import plain_host

_PATH = re.compile(r"[^\s.]+(\.[^\s.]+)*")
_LONGEST_PATTERN = 1_000  # characters


def _argument_path(value: str) -> str:
    if not _PATH.fullmatch(value) or not value.isprintable():
        raise wrong(f"{shown(value)} is no argument; write a name, or a path like a.b.")
    return value


def _operators(value: Any) -> Any:
    if type(value) is dict:
        return cast("object", value)
    found = kind(value)
    hint = "{in: […]}" if type(value) is list else "{eq: …}"
    raise wrong(f"must be operators with values, such as `{hint}`, not {found}.")


def _scalar(value: Any) -> Any:
    if not sort_of(value):
        raise wrong(f"must be a text, a number or a boolean, not {kind(value)}.")
    return _stored(value)


def _ordered(value: Any) -> Any:
    if sort_of(value) not in {"text", "number"}:
        raise wrong(f"must be a number or a text, not {kind(value)}.")
    return _stored(value)


def _stored(value: Any) -> Any:
    try:
        str(value).encode()
    except UnicodeError as error:
        raise wrong("holds half a character; write it out.") from error
    return value


def _of_one_type(values: list[Any]) -> list[Any]:
    sorts = list(dict.fromkeys(map(sort_of, values)))
    if len(sorts) > 1:
        raise wrong(
            f"mixes {sorts[0]} and {sorts[1]}, and only values of one type can be "
            "compared; quotes make a value text."
        )
    return values


def _pattern(value: str) -> str:
    if len(value) > _LONGEST_PATTERN:
        raise wrong(f"is over {_LONGEST_PATTERN} characters; shorten the pattern.")
    try:
        compiled(value)
    except ValueError as error:
        raise wrong(f"is no RE2 pattern ({shown(error)}).") from error
    return value


def _folder(value: str) -> str:
    if path_parts(value) is None:
        raise wrong(
            f"{shown(value)} is no plain path; write one such as reports/2026, "
            "without `..`, `~`, escapes and backslashes."
        )
    return value


def _domain(value: str) -> str:
    start = "*." if value.startswith("*.") else ""
    host = plain_host(value.removeprefix(start))
    if host is None:
        raise wrong(
            f"{shown(value)} is no host name; write example.com, or *.example.com "
            "for every host below it."
        )
    return start + host


ArgumentPath = Annotated[str, AfterValidator(_argument_path)]
_Scalar = Annotated[Any, BeforeValidator(_scalar)]
_Ordered = Annotated[Any, BeforeValidator(_ordered)]
_Several = Annotated[list[_Scalar], AfterValidator(_of_one_type)]


class OperatorsShape(BaseModel):
    """The operators on one argument. All that are given must hold."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    eq: _Scalar = None
    ne: _Scalar = None
    gt: _Ordered = None
    ge: _Ordered = None
    lt: _Ordered = None
    le: _Ordered = None
    one_of: Annotated[_Several, Field(alias="in")] = []
    not_in: _Several = []
    matches: Annotated[str, AfterValidator(_pattern)] = ""
    under: Annotated[str, AfterValidator(_folder)] = ""
    domain_in: list[Annotated[str, AfterValidator(_domain)]] = []


Operators = Annotated[OperatorsShape, BeforeValidator(_operators)]
