"""What one person's word does to a request: a pure rule."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.approvals import eligibility
from bot.approvals.model import Decision, Person, Profile, Request, Stage, Verdict


class Effect(enum.StrEnum):
    """What a word did."""

    RECORDED = "recorded"  # counted; the stage needs more people
    STAGE_PASSED = "stage_passed"
    APPROVED = "approved"
    EDITED = "edited"  # other arguments; the chain that they need is open
    ANSWERED = "answered"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    TIMED_OUT = "timed_out"  # the click found the deadline over
    LATE = "late"  # the request was closed already
    REPEATED = "repeated"  # the same click once more
    REFUSED = "refused"


CHANGES = frozenset(
    {
        Effect.RECORDED,
        Effect.STAGE_PASSED,
        Effect.APPROVED,
        Effect.EDITED,
        Effect.ANSWERED,
        Effect.REJECTED,
        Effect.WITHDRAWN,
        Effect.TIMED_OUT,
    }
)


@dataclass(frozen=True)
class Place:
    """Where in Slack a click was made, as the signed payload says."""

    app: str
    channel: str
    message: str
    card: str = ""  # the card's id in the message's own metadata
    thread: str = ""  # the ts of the thread that the message stands in


@dataclass(frozen=True)
class Choice:
    """One authenticated person's word on one request.

    Attributes:
        request: what the button carries: `Request.token` as it was when it was drawn.
            An older token is a word on arguments that hold no more.
        reason: why it is rejected, or the answer in the tool's place.
        arguments: the whole new arguments, for an edit.
        typed: what was typed in to confirm.
    """

    request: str
    person: Person
    verdict: Verdict
    via: str
    place: Place | None = None
    reason: str = ""
    click: str = ""
    arguments: Mapping[str, Any] | None = None
    typed: str = ""


@dataclass(frozen=True)
class Judgement:
    """The effect; `word` says why where the effect alone does not."""

    effect: Effect
    word: str = ""
    detail: str = ""  # what the word is about: a group's name, a sentence


def judge(
    request: Request,
    choice: Choice,
    *,
    profile: Profile,
    group_now: Collection[str],
    own_app: str,
    now: dt.datetime,
) -> Judgement:
    """Judge a choice.

    Args:
        group_now: who is in the open stage's group under the policy in force now.
        own_app: the id of this Slack app.
        now: the database's clock.
    """
    if choice.place and not is_in_place(request, choice.place, own_app):
        return Judgement(Effect.REFUSED, "misplaced")
    if is_repeated(request, choice):
        return Judgement(Effect.REPEATED)
    if not request.is_open:
        return Judgement(Effect.LATE, request.status)
    if now >= request.expires_at:
        return Judgement(Effect.TIMED_OUT)
    if word := _refusal(request, choice, profile, group_now):
        return Judgement(Effect.REFUSED, word)
    if choice.person.is_same(request.requester):
        return Judgement(Effect.WITHDRAWN)
    return _weigh(request, choice)


def is_in_place(request: Request, place: Place, own_app: str) -> bool:
    """Whether a click comes from the request's own card.

    A click can beat the storing of the card's ts; then the message's own metadata,
    which only this app writes on its messages, names the card.
    """
    if place.app != own_app:
        return False
    if request.card_ts:
        here = (place.channel, place.message)
        return here == (request.card_channel, request.card_ts)
    return bool(request.card) and place.card == request.card


def is_repeated(request: Request, choice: Choice) -> bool:
    """Whether this very click has been counted already."""
    return bool(choice.click) and any(
        decision.person.is_same(choice.person) and decision.click == choice.click
        for decision in request.decisions
    )


def _refusal(
    request: Request, choice: Choice, profile: Profile, group_now: Collection[str]
) -> str:
    if profile.refusal:
        return profile.refusal
    withdraws = choice.verdict is Verdict.REJECT
    if withdraws and choice.person.is_same(request.requester):
        return ""
    if word := eligibility.refusal(request, choice.person):
        return word
    return "" if choice.person.user in group_now else "not_in_group"


def _weigh(request: Request, choice: Choice) -> Judgement:
    if choice.verdict is Verdict.REJECT:
        return Judgement(Effect.REJECTED)
    stage = request.stages[request.stage_index]
    if approvals(request, request.stage_index) + 1 < stage.quorum:
        effect = Effect.RECORDED
    elif request.stage_index + 1 < len(request.stages):
        effect = Effect.STAGE_PASSED
    else:
        return Judgement(Effect.APPROVED)
    if stuck := unfillable(after(request, choice, effect)):
        return Judgement(Effect.REJECTED, f"unfillable:{stuck.approvers}")
    return Judgement(effect)


def approvals(request: Request, stage: int) -> int:
    """How many people have approved a stage so far."""
    return sum(
        decision.stage == stage and decision.verdict is Verdict.APPROVE
        for decision in request.decisions
    )


def after(request: Request, choice: Choice, effect: Effect) -> Request:
    """The request with one more approval, its stage passed if the effect says so."""
    index = request.stage_index
    at = request.raised_at
    word = Decision(choice.person, choice.verdict, index, at, choice.via)
    stages = list(request.stages)
    if effect is Effect.STAGE_PASSED:
        stages[index] = replace(stages[index], passed_at=at)
    return replace(request, decisions=(*request.decisions, word), stages=tuple(stages))


def unfillable(request: Request) -> Stage | None:
    """The stage that those who remain cannot fill, if there is one."""
    decided: dict[int, list[str]] = {}
    for decision in request.decisions:
        decided.setdefault(decision.stage, []).append(decision.person.user)
    excluded = {request.requester.user, *request.participants}
    return eligibility.unfillable_stage(request.stages, excluded, decided)
