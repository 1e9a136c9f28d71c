"""The value that is typed in before a call is approved, where a rule asks for one."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from bot.approvals.digest import canonical
from bot.approvals.model import Action, Confirm, Request
from bot.approvals.policy.conditions import value_at
from bot.base.masks import hides


def is_confirmed(
    request: Request, action: Action, arguments: Mapping[str, Any] | None = None
) -> bool:
    """Return whether the value that the request asks for, if any, was typed in.

    Numbers compare as numbers, and may have commas between thousands.

    Args:
        arguments: those of an edit; else the request's own.
    """
    if request.terms.confirm is not Confirm.TYPED:
        return True
    wanted = typed_value(request, arguments)
    given = action.typed.strip()
    return bool(given) and (given == wanted.strip() or _same_number(given, wanted))


def typed_value(request: Request, arguments: Mapping[str, Any] | None = None) -> str:
    """Return the text to type in: an argument's value, or the request's short code."""
    found = typed_argument(request, arguments)
    return request.code if found is None else found


def typed_argument(
    request: Request, arguments: Mapping[str, Any] | None = None
) -> str | None:
    """The argument's value as text; None where the code is asked for instead.

    That is where no argument is named, where its value is none that people type in,
    and where it is a secret that nobody is shown.
    """
    given = request.call.arguments if arguments is None else arguments
    path = request.terms.confirm_argument
    if not path or hides(given, request.call.schema, path):
        return None
    value = value_at(given, path)
    if isinstance(value, str) and value.strip():
        return value
    return canonical(value) if isinstance(value, (bool, int, float)) else None


def _same_number(given: str, wanted: str) -> bool:
    try:
        return Decimal(given.replace(",", "")) == Decimal(wanted)
    except InvalidOperation:
        return False
