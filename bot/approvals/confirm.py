"""The value that is typed in before a call is approved, where a rule asks for one."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from bot.approvals.choice import Choice
from bot.approvals.digest import canonical
from bot.approvals.model import Confirm, Request
from bot.masks import hides


def is_confirmed(
    request: Request, choice: Choice, arguments: Mapping[str, Any] | None = None
) -> bool:
    """Whether what was typed in is the value that the request asks for.

    Numbers compare as numbers, and may have commas between thousands.

    Args:
        arguments: those of an edit; else the request's own.
    """
    if request.confirm is not Confirm.TYPED:
        return True
    wanted = typed_value(request, arguments)
    given = choice.typed.strip()
    return bool(given) and (given == wanted.strip() or _same_number(given, wanted))


def typed_value(request: Request, arguments: Mapping[str, Any] | None = None) -> str:
    """What has to be typed in: an argument's value, or the request's short code.

    The code too where the value is a secret that nobody is shown.
    """
    given = request.arguments if arguments is None else arguments
    value: object = given
    if not request.confirm_argument:
        return request.code
    if hides(given, request.schema, request.confirm_argument):
        return request.code
    for step in request.confirm_argument.split("."):
        if not isinstance(value, dict):
            return request.code
        value = cast("dict[str, object]", value).get(step)
    if isinstance(value, str) and value.strip():
        return value
    if isinstance(value, (bool, int, float)):
        return canonical(value)
    return request.code


def _same_number(given: str, wanted: str) -> bool:
    try:
        return Decimal(given.replace(",", "")) == Decimal(wanted)
    except InvalidOperation:
        return False
