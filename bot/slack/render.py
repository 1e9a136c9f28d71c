"""Draw a delivery: what the message in Slack shows, from what is stored now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.approvals.eligibility import open_stage, who_can_decide
from bot.approvals.model import Request, Stage, Status, Verdict
from bot.approvals.timetable import Event
from bot.masks import mask
from bot.slack import again_sentences, graph_sentences, sentences
from bot.slack.cards.answer import answer_blocks
from bot.slack.cards.blocks import actions, button, section, with_block_ids
from bot.slack.cards.buttons import withdraw_buttons
from bot.slack.cards.outcome import people
from bot.slack.cards.request import card_blocks, card_text
from bot.slack.cards.view import TRY_AGAIN, CardView, RequestView, approvals
from bot.slack.identity import Identity

HELD_SHOWN = 5  # requests in the answer to a message on a waiting conversation


@dataclass(frozen=True)
class Drawn:
    """Text and blocks of one message; blocks are always sent, be they empty.

    `moot`: it is worth an edit of what stands already, and no new message.
    """

    text: str
    blocks: list[dict[str, Any]]
    moot: bool = False


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


def draw_notice(requests: Sequence[Request], us: Identity) -> Drawn:
    """What the conversation's thread says about requests that are decided elsewhere."""
    waiting = [request for request in requests if request.is_open]
    lines = [_waiting(r, us) if r.is_open else _over(r) for r in requests]
    return _with_withdraw(lines, waiting) if waiting else _plain("\n".join(lines))


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
    if request.is_unknown:
        told = [request.requester.user, *(u for s in request.stages for u in s.people)]
        people = list(dict.fromkeys(told))
        return _plain(graph_sentences.find_out(request.tool, request.code, people))
    if not request.is_open:
        return Drawn(_over(request), [], moot=True)
    turn = sentences.your_turn(
        request.tool,
        request.code,
        who_can_decide(request),
        request.deadline,
        _card_link(request, us),
    )
    return _plain(" ".join([*_before(request), turn]))


def draw_nudge(
    event: Event, request: Request, stage: int, joined: Sequence[str], us: Identity
) -> Drawn:
    """What reminds the people of a stage, or calls those who join it.

    Args:
        joined: user ids of those whom an escalation has brought in; a reminder begins
            with them.
    """
    if over := _over_for(event, request, stage):
        return Drawn(over, [], moot=True)
    now, who_can = request.stages[stage], who_can_decide(request)
    called = [user for user in joined if user in who_can]
    if event is Event.REMINDER:
        called += [user for user in who_can if user not in called]
    said = sentences.nudge(
        request.tool,
        request.code,
        called,
        request.deadline,
        _card_link(request, us),
        still=event is Event.REMINDER,
    )
    return _plain(" ".join([*_joined(now), said]))


def _over_for(event: Event, request: Request, stage: int) -> str:
    """Why nobody needs to be told any more; "" while they do."""
    if not request.is_open:
        return _over(request)
    if stage == request.stage_index:
        is_so = event is Event.REMINDER or request.stages[stage].joined
        return "" if is_so else sentences.asked_again(request.code)
    if stage < request.stage_index:
        name = request.stages[stage].approvers
        by = people(approvals(request, stage))
        return sentences.stage_passed(name, stage + 1, by)
    return sentences.asked_again(request.code)


def _joined(stage: Stage) -> list[str]:
    if stage.escalated_at is None:
        return []
    names = [target.group for target in stage.joined]
    return [sentences.joined_since(names, stage.approvers, stage.escalated_at)]


def _so_far(request: Request) -> list[str]:
    """What silence has brought about, for whoever waits."""
    stage = open_stage(request)
    if stage is None:
        return []
    reminded = stage.reminded_at
    said = [sentences.reminded_at(reminded)] if reminded else []
    return [*said, *_joined(stage)]


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
    waiting = sentences.waiting(
        request.tool, request.code, who, request.deadline, _card_link(request, us)
    )
    return " ".join([waiting, *_so_far(request)])


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


def draw_failure(text: str, offered: str, taken: tuple[str, datetime] | None) -> Drawn:
    """What went wrong in a turn, and whether it can be tried again.

    Args:
        offered: the id that the button carries; "" when it is too late for one.
        taken: who has tried it again, and when.
    """
    said = mask(text)
    if taken is not None:
        return _plain(f"{said}\n{again_sentences.tried_by(*taken)}")
    if not offered:
        return _plain(said)
    label = again_sentences.TRY_AGAIN
    shown = button(label, TRY_AGAIN, offered, again_sentences.TRY_AGAIN_LABEL)
    blocks = [section([said]), actions([shown])]
    return Drawn(said, with_block_ids(blocks, f"{offered}-again", 0))


def _plain(text: str) -> Drawn:
    return Drawn(text, [])


def _over(request: Request) -> str:
    return sentences.waiting_over(
        request.tool,
        request.code,
        request.status,
        request.decided_at or request.deadline,
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
