"""What stands between a click on Approve and its effect: a dialog, or a typed value."""

from __future__ import annotations

import json

from bot.approvals.confirm import typed_argument
from bot.approvals.model import Confirm, Request
from bot.masks import mask_arguments
from bot.slack.cards.arguments import shares
from bot.slack.cards.blocks import DIALOG_TEXT, Block, dialog
from bot.slack.cards.inputs import input_block, text_input
from bot.slack.text import cut, one_line, shown, visible

TYPED = "typed"  # the `block_id` of the input that asks for a value
_NAME = 60
_MOST = 8  # arguments


def effect_lines(request: Request, room: int) -> list[str]:
    """Plain text: which tool runs, with which arguments, in `room` characters."""
    tool = cut(shown(request.tool), _NAME)
    arguments = mask_arguments(request.arguments, request.schema)
    named = [
        (
            cut(visible(json.dumps(name, ensure_ascii=False)), _NAME),
            visible(json.dumps(value, ensure_ascii=False, sort_keys=True)),
        )
        for name, value in sorted(arguments.items())
    ]
    first = named[:_MOST]
    more = [f"… {len(named) - _MOST} more arguments"] if named[_MOST:] else []
    frame = len(tool) + sum(len(name) + 3 for name, _ in first) + len("".join(more)) + 2
    rooms = shares([len(value) for _, value in first], max(0, room - frame))
    lines = [
        f"{name}: {cut(value, max(1, own))}"
        for (name, value), own in zip(first, rooms, strict=True)
    ]
    return [tool, *lines, *more]


def confirm_dialog(request: Request, sharing: int) -> Block | None:
    """The dialog of a card's Approve; None where a click is enough."""
    if request.confirm is not Confirm.DIALOG:
        return None
    opening = "You approve this call:"
    room = DIALOG_TEXT // (1 if sharing == 1 else 2) - len(opening)
    text = cut("\n".join([opening, *effect_lines(request, room)]), room + len(opening))
    return dialog(f"Approve request {request.code}?", text, "Approve", "Go back")


def typed_block(request: Request) -> Block:
    """The input of a form that asks for the value; only for Confirm.TYPED."""
    label = f"To approve, type {what_to_type(request)}"
    return input_block(TYPED, cut(label, 150), text_input())


def what_to_type(request: Request) -> str:
    """Plain text: which value the request asks for, in words."""
    if typed_argument(request) is not None:
        return f"the value of {one_line(request.confirm_argument, _NAME)}"
    return f"this request's code, {request.code}"
