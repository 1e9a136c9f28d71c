"""The history of the requests on a card: read from the trail, shown in a modal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from bot.approvals.model import Request
from bot.database.pool import Pool
from bot.slack import SQL
from bot.slack.cards.blocks import (
    Block,
    CardRef,
    context,
    modal,
    section,
    with_block_ids,
)
from bot.texts import forms
from bot.texts.call import mrkdwn_headline
from bot.texts.cards import sentence
from bot.texts.formatting import date


@dataclass(frozen=True)
class Happened:
    """One row of the trail as people read it; `text` is mrkdwn."""

    at: dt.datetime
    text: str


async def card_history(pool: Pool, channel: str, ts: str) -> list[Happened]:
    """The life of the requests on the card at a channel and ts, oldest first.

    Empty if no card of ours stands there. Raises:
        psycopg.Error, psycopg_pool.PoolTimeout: the database cannot be reached.
    """
    return await _history(pool, {"request": None, "channel": channel, "ts": ts})


async def request_history(pool: Pool, request: str) -> list[Happened]:
    """The life of one request, oldest first. Raises as `card_history`."""
    return await _history(pool, {"request": request, "channel": None, "ts": None})


async def _history(pool: Pool, key: dict[str, str | None]) -> list[Happened]:
    async with pool.connection() as connection:
        found = await connection.execute(SQL["select_history"], key)
        return [Happened(row["at"], sentence(row)) for row in await found.fetchall()]


HISTORY_VIEW = "history"  # the view's `callback_id`; it has nothing to submit
_SECTION = 2_500  # characters, below Slack's 3,000
_SECTIONS = 90  # of at most 100 blocks


def history_view(
    card: CardRef, happened: Sequence[Happened], request: Request
) -> Block:
    """The modal for `views.open`: what the audit trail has, oldest first."""
    parts = _parts([f"{date(each.at)}: {each.text}" for each in happened])
    blocks = [section([part]) for part in parts[-_SECTIONS:]]
    if len(parts) > _SECTIONS:
        blocks.insert(0, context(forms.EARLIER_LEFT_OUT))
    if not blocks:
        blocks = [section([forms.NO_HISTORY])]
    blocks.insert(0, section([mrkdwn_headline(request)]))
    blocks = with_block_ids(blocks, request.id, 0)
    return modal(HISTORY_VIEW, forms.HISTORY_TITLE, card, blocks)


def _parts(lines: Sequence[str]) -> list[str]:
    """The lines in as few parts as hold them, none of them too long."""
    parts: list[str] = []
    for line in lines:
        if parts and len(parts[-1]) + len(line) < _SECTION:
            parts[-1] += f"\n{line}"
        else:
            parts.append(line)
    return parts
