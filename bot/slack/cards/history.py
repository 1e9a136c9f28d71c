"""The modal that tells a request's life."""

from __future__ import annotations

from collections.abc import Sequence

from bot.slack.cards.blocks import Block, context, section, with_block_ids
from bot.slack.cards.modal import CardRef, modal
from bot.slack.history import Happened
from bot.slack.text import date

HISTORY_VIEW = "history"  # the view's `callback_id`; it has nothing to submit
_SECTION = 2_500  # characters, below Slack's 3,000
_SECTIONS = 90  # of at most 100 blocks
_LEFT_OUT = "Earlier rows are left out here; the export of the audit trail has them."


def history_view(card: CardRef, happened: Sequence[Happened], prefix: str) -> Block:
    """The modal for `views.open`: what the audit trail has, oldest first.

    `prefix` begins the ids of its blocks.
    """
    parts = _parts([f"{date(each.at)}: {each.text}" for each in happened])
    blocks = [section([part]) for part in parts[-_SECTIONS:]]
    if len(parts) > _SECTIONS:
        blocks.insert(0, context(_LEFT_OUT))
    if not blocks:
        blocks = [section(["The audit trail has nothing about this request."])]
    return modal(HISTORY_VIEW, "History", card, with_block_ids(blocks, prefix, 0))


def _parts(lines: Sequence[str]) -> list[str]:
    """The lines in as few parts as hold them, none of them too long."""
    parts: list[str] = []
    for line in lines:
        if parts and len(parts[-1]) + len(line) < _SECTION:
            parts[-1] += f"\n{line}"
        else:
            parts.append(line)
    return parts
