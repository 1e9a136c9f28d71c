"""Draw a delivery: what the message in Slack shows, from what is stored now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.approvals.eligibility import who_can_decide
from bot.approvals.model import Request, Status, Verdict
from bot.slack import sentences
from bot.slack.cards.answer import answer_blocks
from bot.slack.cards.request import card_blocks, card_text
from bot.slack.cards.view import CardView, RequestView
from bot.slack.identity import Identity


@dataclass(frozen=True)
class Drawn:
    """Text and blocks of one message; blocks are always sent, be they empty."""

    text: str
    blocks: list[dict[str, Any]]


def draw_card(
    requests: Sequence[Request], now: datetime, *, first_post: bool, revision: int
) -> Drawn:
    """The card of some requests."""
    views = tuple(
        RequestView(request, now, who_can_decide(request)) for request in requests
    )
    view = CardView(views, first_post=first_post, version=revision)
    return Drawn(card_text(view), card_blocks(view))


def draw_notice(request: Request, us: Identity) -> Drawn:
    """What the conversation's thread says about a request that is decided elsewhere."""
    if not request.is_open:
        return _plain(_over(request))
    link = ""
    if request.card_ts:
        link = us.permalink(request.card_channel, request.card_ts)
    who = who_can_decide(request)
    waiting = sentences.waiting(
        request.tool, request.code, who, request.expires_at, link
    )
    return _plain(waiting)


def draw_text(kind: str, text: str) -> Drawn:
    """An answer of the agent, or a sentence of ours."""
    if kind != "answer":
        return _plain(text)
    fallback, blocks = answer_blocks(text)
    return Drawn(fallback, blocks or [])


def _plain(text: str) -> Drawn:
    return Drawn(text, [])


def _over(request: Request) -> str:
    return sentences.waiting_over(
        request.tool,
        request.code,
        request.status,
        request.decided_at or request.expires_at,
        closed_by(request),
        request.execution,
    )


def closed_by(request: Request) -> str:
    """The id of whoever gave the verdict, "" where no person in Slack did."""
    last = request.decisions[-1] if request.decisions else None
    if last is None or request.status in (Status.TIMED_OUT, Status.ORPHANED):
        return ""
    approved = request.status is Status.APPROVED
    if approved != (last.verdict is Verdict.APPROVE):
        return ""
    return last.person.user
