"""The small modals: a reason, a typed confirmation."""

from __future__ import annotations

from bot.approvals.model import Request
from bot.slack.cards.answer_form import REASON
from bot.slack.cards.blocks import (
    Block,
    preformatted,
    rich_text,
    with_block_ids,
    words,
)
from bot.slack.cards.confirming import effect_lines, typed_block
from bot.slack.cards.inputs import input_block, text_input
from bot.slack.cards.modal import CardRef, facts_block, modal

# The `callback_id`s of the views; those of an edit and an answer stand with theirs.
REJECT_REASON = "reject_reason"
APPROVE_TYPED_FORM = "approve_typed"

_REASON_LIMIT = 1_000  # characters
_EFFECT = 2_500


def reason_form(request: Request, card: CardRef) -> Block:
    """Asks why it is rejected."""
    field = input_block(
        REASON,
        "Reason",
        text_input(multiline=True, most=_REASON_LIMIT),
        hint="The agent reads it, and so does everybody who sees the thread.",
    )
    return _form(REJECT_REASON, "Reject with reason", "Reject", request, card, field)


def typed_form(request: Request, card: CardRef) -> Block:
    """Names the effect and asks for a value of it; only for Confirm.TYPED."""
    field = typed_block(request)
    return _form(
        APPROVE_TYPED_FORM, "Confirm to approve", "Approve", request, card, field
    )


def _form(
    callback_id: str,
    title: str,
    submit: str,
    request: Request,
    card: CardRef,
    field: Block,
) -> Block:
    effect = "\n".join(effect_lines(request, _EFFECT))
    shown = [
        facts_block(request),
        rich_text([words("The call", bold=True), *preformatted(effect)]),
    ]
    blocks = [*with_block_ids(shown, request.id, 0), field]
    return modal(callback_id, title, card, blocks, submit)
