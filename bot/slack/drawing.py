"""Draw a delivery: what the message in Slack shows, from what is stored now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.approvals.eligibility import who_can_decide
from bot.approvals.model import Request, Status, Verdict
from bot.masks import mask
from bot.slack import sentences
from bot.slack.cards.answer import answer_blocks
from bot.slack.cards.blocks import section, with_block_ids
from bot.slack.cards.buttons import withdraw_buttons
from bot.slack.cards.outcome import people
from bot.slack.cards.request import card_blocks, card_text
from bot.slack.cards.view import CardView, RequestView, approvals
from bot.slack.identity import Identity

HELD_SHOWN = 5  # requests in the answer to a message on a waiting conversation


@dataclass(frozen=True)
class Drawn:
    """Text and blocks of one message; blocks are always sent, be they empty."""

    text: str
    blocks: list[dict[str, Any]]


def draw_card(
    requests: Sequence[Request],
    now: datetime,
    *,
    first_post: bool,
    revision: int,
    delivery: str,
) -> Drawn:
    """The card of some requests; one whose card is not `delivery` is decided there."""
    views = tuple(
        RequestView(request, now, who_can_decide(request), request.card != delivery)
        for request in requests
    )
    view = CardView(views, first_post=first_post, version=revision)
    return Drawn(card_text(view), card_blocks(view))


def draw_notice(request: Request, us: Identity) -> Drawn:
    """What the conversation's thread says about a request that is decided elsewhere."""
    if not request.is_open:
        return _plain(_over(request))
    return _with_withdraw([_waiting(request, us)], [request])


def draw_held(requests: Sequence[Request], us: Identity) -> Drawn:
    """What a message on a waiting conversation is told."""
    waiting = [request for request in requests if request.is_open]
    if not waiting:
        return _plain(sentences.HELD_OVER)
    shown = waiting[:HELD_SHOWN]
    lines = [sentences.HELD, *(_waiting(request, us) for request in shown)]
    if more := len(waiting) - len(shown):
        lines.append(sentences.and_more_waiting(more))
    return _with_withdraw(lines, shown)


def draw_call(request: Request, us: Identity) -> Drawn:
    """What calls the people of the stage that is open now, in the card's thread."""
    if not request.is_open:
        return _plain(_over(request))
    turn = sentences.your_turn(
        request.tool,
        request.code,
        who_can_decide(request),
        request.expires_at,
        _card_link(request, us),
    )
    return _plain(" ".join([*_before(request), turn]))


def _before(request: Request) -> list[str]:
    """What led to the stage that is open now."""
    index = request.stage_index
    if 0 < index < len(request.stages):
        last = request.stages[index - 1].approvers
        by = people(approvals(request, index - 1))
        return [sentences.stage_passed(last, index, by)]
    return [sentences.changed_by(request.edited_by)] if request.is_edited else []


def _waiting(request: Request, us: Identity) -> str:
    who = who_can_decide(request)
    return sentences.waiting(
        request.tool, request.code, who, request.expires_at, _card_link(request, us)
    )


def _card_link(request: Request, us: Identity) -> str:
    if not request.card_ts:
        return ""
    return us.permalink(request.card_channel, request.card_ts)


def _with_withdraw(lines: Sequence[str], requests: Sequence[Request]) -> Drawn:
    text = "\n".join(lines)
    ids = f"{requests[0].id}-withdraw"
    blocks = [section([line]) for line in lines]
    blocks.append(withdraw_buttons(requests))
    return Drawn(text, with_block_ids(blocks, ids, 0))


def draw_text(kind: str, text: str) -> Drawn:
    """An answer of the agent, or a sentence of ours."""
    if kind != "answer":
        return _plain(mask(text))
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
    if request.status is Status.WITHDRAWN:
        return request.requester.user
    ending = _ENDINGS.get(request.status, ())
    last = request.decisions[-1] if request.decisions else None
    return last.person.user if last and last.verdict in ending else ""


_ENDINGS = {
    Status.APPROVED: (Verdict.APPROVE, Verdict.EDIT),
    Status.REJECTED: (Verdict.REJECT,),
    Status.ANSWERED: (Verdict.ANSWER,),
}
