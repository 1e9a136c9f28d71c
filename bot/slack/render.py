"""Render a message from what is stored now: its requests, or its words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from bot.approvals.comments import offered_until
from bot.approvals.deadlines import Event
from bot.approvals.digest import copy_of
from bot.approvals.eligibility import (
    PolicyContext,
    joined_now,
    needs_own_click,
    stands_for,
    who_can_decide,
    with_current_people,
)
from bot.approvals.judge import is_told_directly
from bot.approvals.model import Request
from bot.approvals.policy.model import Policy
from bot.approvals.standing_grants import offer_of
from bot.base.masks import mask
from bot.slack.cards.answer import answer
from bot.slack.cards.blocks import (
    Block,
    Drawn,
    actions,
    button,
    section,
    with_block_ids,
)
from bot.slack.cards.card import card_blocks, card_text, reason_blocks
from bot.slack.cards.edit_form import question_blocks
from bot.slack.cards.facts import people
from bot.slack.cards.view import (
    TRY_AGAIN,
    CardView,
    RequestView,
    approvals,
    feedback_buttons,
    stop_button,
    withdraw_button,
)
from bot.slack.identity import Identity
from bot.texts import clicks, notices
from bot.texts.formatting import is_user_id

ABOUT_REQUESTS = frozenset({"card", "notice", "held", "call", "reminder", "escalation"})
COPIES = 20  # of a card, for people who decide in direct messages
HELD_SHOWN = 5  # requests in the answer to a message on a waiting conversation
Row = Mapping[str, Any]
Names = Mapping[str, str]  # by id


def draw(row: Row, policy: Policy, us: Identity, names: Names) -> Drawn:
    """Draw a message as it is now.

    Args:
        row: of an outbox, with the requests that it is drawn from.
        policy: who can decide goes by the one in force.
        names: Slack's, of ids in arguments.
    """
    if row["kind"] not in ABOUT_REQUESTS:
        return _draw_words(row)
    context = PolicyContext(policy, row["now"], {})
    if row["kind"] == "card":
        return _draw_card(row, context, names)
    requests = [with_current_people(each, context) for each in row["requests"]]
    if row["kind"] == "held":
        return draw_held(requests, us)
    if row["kind"] == "notice":
        return draw_notice(requests, us)
    request, reader = requests[0], row["channel_id"]
    if row["kind"] == "call":
        drawn = draw_call(request, us)
    else:
        event, stage = Event(row["kind"]), int(row["stage"])
        drawn = draw_nudge(event, request, stage, context, us)
    if is_user_id(reader) and request.is_open and reader not in who_can_decide(request):
        return replace(drawn, moot=True)  # it is beside a copy of theirs
    return drawn


def _draw_words(row: Row) -> Drawn:
    """Words as they were said, with the offer that a turn's end may have made."""
    if asked := row.get("question"):
        return _draw_question(row["id"], asked)
    if row["kind"] == "answer":
        said = answer(row["text"])
        rated = [feedback_buttons(row["id"])] if said.blocks and not said.rest else []
        return replace(said, blocks=[*said.blocks, *rated])
    offer, plain = row["offer"], Drawn(mask(row["text"]))
    if offer is None:
        return plain
    if by := offer["taken_by"]:
        at = datetime.fromisoformat(offer["taken_at"])
        return Drawn(f"{plain.text}\n{clicks.tried_by(by, at)}")
    if not offer["stands"]:  # it is too late
        return plain
    shown = button(clicks.TRY_AGAIN, TRY_AGAIN, row["id"], clicks.TRY_AGAIN_LABEL)
    blocks = [section([plain.text]), actions([shown])]
    return Drawn(plain.text, with_block_ids(blocks, f"{row['id']}-again", 0))


def _draw_question(delivery: str, asked: Row) -> Drawn:
    blocks, due = question_blocks(delivery, asked), asked["due_at"]
    redraw_at = datetime.fromisoformat(due) if asked["stands"] else None
    text = clicks.server_asks(asked["server"])
    return Drawn(text, with_block_ids(blocks, delivery, 0), redraw_at=redraw_at)


def _is_elsewhere(request: Request, delivery: str, reader: str) -> bool:
    if reader and is_told_directly(request):
        return request.is_open and reader not in who_can_decide(request)
    return request.place.card != delivery


def copies_of(row: Row, policy: Policy) -> list[dict[str, str]]:
    """List the copies that belong to a card, as the statement takes them.

    Each who can decide a request of it now has one, up to `COPIES` of them.
    """
    context = PolicyContext(policy, row["now"], {})
    return [
        {"id": copy_of(row["id"], user), "person": user, "request": request.id}
        for request in row["requests"]
        if request.is_open and request.place.card == row["id"]
        if is_told_directly(request)
        for user in who_can_decide(with_current_people(request, context))[:COPIES]
    ]


def request_views(
    stored: Sequence[Request],
    context: PolicyContext,
    card: str,
    names: Names = MappingProxyType({}),
    pause: str | None = None,
    *,
    reader: str = "",
) -> tuple[RequestView, ...]:
    """Return the rows of a card; one whose own card is another is decided there.

    `reader`: the user id of whose copy it is, "" for a card in a channel.
    """
    views: list[RequestView] = []
    for each in stored:
        request, stage = with_current_people(each, context), each.chain.open_stage
        view = RequestView(
            request,
            context.now,
            who_can_decide(request),
            _is_elsewhere(request, card, reader),
            names,
            len(stored) > 1 and needs_own_click(request, context.policy),
            pause,
            request.is_open and offer_of(context.policy, request) is not None,
            # by the request as stored, without its delegates
            stands_for(stage, each.people, context) if stage else {},
        )
        views.append(view)
    return tuple(views)


def _draw_card(row: Row, context: PolicyContext, names: Names) -> Drawn:
    reader, pause = row["user_id"] or "", row["pause"]
    views = request_views(
        row["requests"], context, row["id"], names, pause, reader=reader
    )
    offers = [offered_until(view.request) for view in views]
    due = [until for until in offers if until and context.now < until]
    card = CardView(views, row["revision"])
    redraw_at = min(due, default=None)
    return Drawn(card_text(card), card_blocks(card), redraw_at=redraw_at)


def draw_notice(requests: Sequence[Request], us: Identity) -> Drawn:
    """Draw the notice in the conversation's thread on requests decided elsewhere."""
    lines = [_state(request, us) for request in requests]
    waiting = [r for r in requests if r.is_open and not r.people.agent]
    if len(waiting) == len(requests) == 1:
        row = [withdraw_button(waiting[0]), stop_button(waiting[0])]
        return _with_ids(lines, [section(lines), actions(row)], requests)
    stop = [actions([stop_button(waiting[0])])] if waiting else []
    return _with_ids(lines, [*_listed(requests, lines), *stop], requests)


def draw_held(requests: Sequence[Request], us: Identity) -> Drawn:
    """Draw the reply to a message in a waiting conversation."""
    waiting = [request for request in requests if request.is_open]
    if not waiting:
        return Drawn(notices.HELD_OVER)
    shown, left = waiting[:HELD_SHOWN], len(waiting) - HELD_SHOWN
    lines = [_state(request, us) for request in shown]
    more = [notices.and_more_waiting(left)] if left > 0 else []
    blocks = [section([notices.HELD]), *_listed(shown, lines)]
    blocks += [section([each]) for each in more]
    return _with_ids([notices.HELD, *lines, *more], blocks, shown)


def draw_call(request: Request, us: Identity) -> Drawn:
    """Draw the call to the people of the open stage, in the card's thread."""
    if request.end.is_unknown:
        approvers = [user for stage in request.chain.stages for user in stage.people]
        told = dict.fromkeys([request.people.requester.user, *approvers])
        return Drawn(notices.find_out(request, [*told]))
    if not request.is_open:
        return Drawn(notices.waiting_over(request), moot=True)
    turn = notices.your_turn(request, who_can_decide(request), _card_link(request, us))
    return Drawn(" ".join([*_before(request), turn]))


def draw_nudge(
    event: Event, request: Request, stage: int, context: PolicyContext, us: Identity
) -> Drawn:
    """Draw the message that reminds a stage's people, or calls those who join it.

    A reminder begins with those whom an escalation has brought in.
    """
    if over := _over_for(event, request, stage):
        return Drawn(over, moot=True)
    now, who_can = request.chain.stages[stage], who_can_decide(request)
    joined = joined_now(now, request.people, context)
    called = [user for user in joined if user in who_can]
    if event is Event.REMINDER:
        called += [user for user in who_can if user not in called]
    link, still = _card_link(request, us), event is Event.REMINDER
    said = notices.nudge(request, called, link, still=still)
    return Drawn(f"{notices.joined_since(now)} {said}".strip())


def _over_for(event: Event, request: Request, stage: int) -> str:
    """Return why the message is no longer needed; "" while it is."""
    if not request.is_open:
        return notices.waiting_over(request)
    if stage < request.chain.stage_index:
        return _passed(request, stage)
    now = request.chain.open_stage if stage == request.chain.stage_index else None
    is_needed = now and (event is Event.REMINDER or now.joined)
    return "" if is_needed else notices.asked_again(request.code)


def _passed(request: Request, stage: int) -> str:
    name, by = request.chain.stages[stage].approvers, approvals(request, stage)
    return notices.stage_passed(name, stage + 1, people(by))


def _before(request: Request) -> list[str]:
    """Say what led to the stage that is open now."""
    if 0 < request.chain.stage_index < len(request.chain.stages):
        return [_passed(request, request.chain.stage_index - 1)]
    call = request.call
    return [notices.changed_by(call.edited_by)] if call.is_edited else []


def _state(request: Request, us: Identity) -> str:
    """Say who is waited for and what silence has brought about, or how it ended."""
    if not request.is_open:
        return notices.waiting_over(request)
    who = who_can_decide(request)
    waiting = notices.waiting(request, who, _card_link(request, us))
    stage = request.chain.open_stage
    quiet = [notices.reminded_at(stage), notices.joined_since(stage)] if stage else []
    return " · ".join(filter(None, [waiting, *quiet]))


def _card_link(request: Request, us: Identity) -> str:
    place = request.place
    if is_told_directly(request):  # each has their own, which no one else can open
        return ""
    return us.permalink(place.channel, place.ts) if place.ts else ""


def _listed(requests: Sequence[Request], lines: Sequence[str]) -> list[Block]:
    """Build a line about each request, with Withdraw or with why it ended so.

    People's reasons are untrusted: nothing is parsed in them.
    """
    blocks: list[Block] = []
    for request, line in zip(requests, lines, strict=True):
        if request.is_open:
            blocks.append(section([line], withdraw_button(request)))
        else:
            blocks += [section([line]), *reason_blocks(request, len(requests))]
    return blocks


def _with_ids(
    lines: Sequence[str], blocks: Sequence[Block], requests: Sequence[Request]
) -> Drawn:
    text = "\n".join(lines)
    return Drawn(text, with_block_ids(blocks, f"{requests[0].id}-notice", 0))
