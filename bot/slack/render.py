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
from bot.approvals.model import Request, Stage
from bot.approvals.policy.model import Policy
from bot.approvals.standing_grants import offer_of
from bot.base.errors import RetryLater
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
HELD = 2  # seconds until what somebody else is about to do is looked at again
Row = Mapping[str, Any]
Names = Mapping[str, str]  # by id


def draw(
    row: Row, policy: Policy, us: Identity, names: Names = MappingProxyType({})
) -> tuple[Row, Drawn]:
    """Draw a message as it is now; return its row with its place, and the drawing.

    Args:
        row: of an outbox, with the requests that it is drawn from.
        policy: who can decide goes by the one in force.
        names: Slack's, of ids in arguments.

    Raises:
        RetryLater: it belongs under a card that is not posted yet.
    """
    if row["kind"] not in ABOUT_REQUESTS:
        return row, _draw_words(row)
    stored, context = row["requests"], PolicyContext(policy, row["now"], {})
    if row["kind"] == "card":
        reader = row["user_id"] or ""
        views = request_views(
            stored, context, row["id"], names, row["pause"], reader=reader
        )
        return row, _draw_card(CardView(views, row["revision"]))
    requests = [with_current_people(request, context) for request in stored]
    if row["kind"] == "held":
        return row, draw_held(requests, us)
    if row["kind"] == "notice":
        return row, draw_notice(requests, us)
    if row["kind"] == "call":
        drawn = draw_call(requests[0], us)
    else:
        drawn = _draw_nudge(row, stored[0], context, us)
    if is_user_id(row["channel_id"]):  # beside their copy, while it is theirs to decide
        lost = row["channel_id"] not in who_can_decide(requests[0])
        moot = drawn.moot or (requests[0].is_open and lost)
        return row, replace(drawn, moot=moot)
    return _under_card(row, requests[0], drawn), drawn


def _deputies(stored: Request, context: PolicyContext) -> Names:
    """Name who decides for whom, by the request as stored, without its delegates."""
    stage = stored.chain.open_stage
    return stands_for(stage, stored.people, context) if stage else {}


def _draw_words(row: Row) -> Drawn:
    """Words as they were said, with the offer that a turn's end may have made."""
    if asked := row.get("question"):
        return _draw_question(row["id"], asked)
    offer, plain = row["offer"], draw_text(row["kind"], row["text"])
    if row["kind"] == "answer" and plain.blocks and not plain.rest:
        return replace(plain, blocks=[*plain.blocks, feedback_buttons(row["id"])])
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


def _draw_nudge(
    row: Row, stored: Request, context: PolicyContext, us: Identity
) -> Drawn:
    event, index = Event(row["kind"]), int(row["stage"])
    joined: tuple[str, ...] = ()
    stages = stored.chain.stages
    if index < len(stages):  # an edit may have made the chain shorter
        joined = joined_now(stages[index], stored.people, context)
    request = with_current_people(stored, context)
    return draw_nudge(event, request, index, joined, us)


def _under_card(row: Row, request: Request, drawn: Drawn) -> Row:
    """Place a message for the people of a stage in the thread of the card.

    Raises:
        RetryLater: the card itself is not posted yet.
    """
    place = request.place
    if row["thread_ts"] is not None or row["message_ts"] is not None:
        return row
    if drawn.moot and not place.ts:
        return row
    if not place.ts:
        raise RetryLater(HELD)
    return {**row, "channel_id": place.channel, "thread_ts": place.ts}


HELD_SHOWN = 5  # requests in the answer to a message on a waiting conversation


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
    return tuple(
        RequestView(
            request,
            context.now,
            who_can_decide(request),
            _is_elsewhere(request, card, reader),
            names,
            len(stored) > 1 and needs_own_click(request, context.policy),
            pause,
            request.is_open and offer_of(context.policy, request) is not None,
            _deputies(each, context),
        )
        for each in stored
        for request in (with_current_people(each, context),)
    )


def _draw_card(card: CardView) -> Drawn:
    offers = [
        until
        for view in card.requests
        if (until := offered_until(view.request)) and view.now < until
    ]
    text, redraw_at = card_text(card), min(offers, default=None)
    return Drawn(text, card_blocks(card), redraw_at=redraw_at)


def draw_notice(requests: Sequence[Request], us: Identity) -> Drawn:
    """Draw the notice in the conversation's thread on requests decided elsewhere."""
    lines = [_waiting(r, us) if r.is_open else _over(r) for r in requests]
    waiting = [r for r in requests if r.is_open and not r.people.agent]
    if len(waiting) == len(requests) == 1:
        row = [withdraw_button(waiting[0]), stop_button(waiting[0])]
        return _with_ids(lines, [section(lines), actions(row)], requests)
    shown = zip(requests, lines, strict=True)
    blocks = [block for each, line in shown for block in _about(each, line, requests)]
    stop = [actions([stop_button(waiting[0])])] if waiting else []
    return _with_ids(lines, [*blocks, *stop], requests)


def draw_held(requests: Sequence[Request], us: Identity) -> Drawn:
    """Draw the reply to a message in a waiting conversation."""
    waiting = [request for request in requests if request.is_open]
    if not waiting:
        return Drawn(notices.HELD_OVER)
    shown = waiting[:HELD_SHOWN]
    lines, blocks = [notices.HELD], [section([notices.HELD])]
    for request in shown:
        lines.append(_waiting(request, us))
        blocks += _about(request, lines[-1], shown)
    if more := len(waiting) - len(shown):
        lines.append(notices.and_more_waiting(more))
        blocks.append(section(lines[-1:]))
    return _with_ids(lines, blocks, shown)


def draw_call(request: Request, us: Identity) -> Drawn:
    """Draw the call to the people of the open stage, in the card's thread."""
    if request.end.is_unknown:
        approvers = [user for stage in request.chain.stages for user in stage.people]
        told = [request.people.requester.user, *approvers]
        people = list(dict.fromkeys(told))
        return Drawn(notices.find_out(request, people))
    if not request.is_open:
        return Drawn(_over(request), moot=True)
    who_can, link = who_can_decide(request), _card_link(request, us)
    turn = notices.your_turn(request, who_can, link)
    return Drawn(" ".join([*_before(request), turn]))


def draw_nudge(
    event: Event, request: Request, stage: int, joined: Sequence[str], us: Identity
) -> Drawn:
    """Draw the message that reminds a stage's people, or calls those who join it.

    Args:
        joined: user ids of the people whom an escalation has brought in; a reminder
            begins with them.
    """
    if over := _over_for(event, request, stage):
        return Drawn(over, moot=True)
    now, who_can = request.chain.stages[stage], who_can_decide(request)
    called = [user for user in joined if user in who_can]
    if event is Event.REMINDER:
        called += [user for user in who_can if user not in called]
    link, still = _card_link(request, us), event is Event.REMINDER
    said = notices.nudge(request, called, link, still=still)
    return Drawn(" ".join([*_joined(now), said]))


def _over_for(event: Event, request: Request, stage: int) -> str:
    """Return why the message is no longer needed; "" while it is."""
    chain = request.chain
    if not request.is_open:
        return _over(request)
    if stage == chain.stage_index:
        is_so = event is Event.REMINDER or chain.stages[stage].joined
        return "" if is_so else notices.asked_again(request.code)
    if stage < chain.stage_index:
        name = chain.stages[stage].approvers
        by = people(approvals(request, stage))
        return notices.stage_passed(name, stage + 1, by)
    return notices.asked_again(request.code)


def _joined(stage: Stage) -> list[str]:
    if stage.escalated_at is None:
        return []
    names = [target.group for target in stage.joined]
    return [notices.joined_since(names, stage.approvers, stage.escalated_at)]


def _before(request: Request) -> list[str]:
    """Say what led to the stage that is open now."""
    chain, index = request.chain, request.chain.stage_index
    if 0 < index < len(chain.stages):
        last = chain.stages[index - 1].approvers
        by = people(approvals(request, index - 1))
        return [notices.stage_passed(last, index, by)]
    call = request.call
    return [notices.changed_by(call.edited_by)] if call.is_edited else []


def _waiting(request: Request, us: Identity) -> str:
    """Say who is waited for, and what silence has brought about."""
    who = who_can_decide(request)
    waiting = notices.waiting(request, who, _card_link(request, us))
    stage = request.chain.open_stage
    reminded = stage.reminded_at if stage else None
    said = [notices.reminded_at(reminded)] if reminded else []
    return " · ".join([waiting, *said, *(_joined(stage) if stage else [])])


def _card_link(request: Request, us: Identity) -> str:
    place = request.place
    if is_told_directly(request):  # each has their own, which no one else can open
        return ""
    return us.permalink(place.channel, place.ts) if place.ts else ""


def _about(request: Request, line: str, together: Sequence[Request]) -> Sequence[Block]:
    """Build a line about a request, with Withdraw or with why it ended so.

    People's reasons are untrusted: nothing is parsed in them.
    """
    if request.is_open:
        return [section([line], withdraw_button(request))]
    return [section([line]), *reason_blocks(request, len(together))]


def _with_ids(
    lines: Sequence[str], blocks: Sequence[Block], requests: Sequence[Request]
) -> Drawn:
    text = "\n".join(lines)
    return Drawn(text, with_block_ids(blocks, f"{requests[0].id}-notice", 0))


def draw_text(kind: str, text: str) -> Drawn:
    """An answer of the agent, or a sentence of ours."""
    return answer(text) if kind == "answer" else Drawn(mask(text))


def outcomes(requests: Sequence[Request]) -> list[str]:
    """Say in a line each how the requests that are closed have ended; mrkdwn."""
    return [_over(request) for request in requests if not request.is_open]


def _over(request: Request) -> str:
    return notices.waiting_over(request)
