"""The pure rule for one person's action on a request."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.approvals import eligibility
from bot.approvals.confirm import is_confirmed
from bot.approvals.edit import Edit, Flaw, plan_answer, plan_edit
from bot.approvals.eligibility import Standing, refreshed, tightened, with_members
from bot.approvals.model import (
    Choice,
    Decision,
    Effect,
    Kind,
    Outcome,
    Place,
    Profile,
    Request,
    Stage,
    Verdict,
)
from bot.approvals.policy.model import Denied

#: Each is a word for what the request then is.
APPROVING = (Verdict.APPROVE, Verdict.EDIT, Verdict.ANSWER)


@dataclass(frozen=True)
class Judgement:
    """The effect; `word` says why where the effect alone does not."""

    effect: Effect
    word: str = ""
    detail: str = ""  # what the word is about: a group's name, a sentence
    counts: bool = False  # an approval that left too few people stays on record
    edit: Edit | None = None  # what an edit makes of the request
    tight: Request | None = None  # the request, where the policy in force adds to it
    critical: bool = False  # the policy in force calls it so: the trail is signed


def judge(
    request: Request,
    choice: Choice,
    *,
    profile: Profile,
    own_app: str,
    standing: Standing,
) -> Judgement:
    """Judge a choice on a request as it is stored.

    The policy in force is asked once more: what it adds is in `Judgement.tight`, and
    the choice is judged on that.

    Args:
        own_app: the id of this Slack app.
        standing: the policy in force, who is in its live groups, the database's clock.
    """
    if choice.place and not is_in_place(request, choice, own_app):
        return Judgement(Effect.REFUSED, _misplaced(request, choice.place, own_app))
    if over := _too_late(request, choice, standing):
        return over
    if profile.refusal:
        return Judgement(Effect.REFUSED, profile.refusal)
    if withdrawal := _withdrawal(request, choice):
        return withdrawal
    if choice.request != request.token:
        return Judgement(Effect.REFUSED, "superseded")
    tight = tightened(request, standing.policy)
    if isinstance(tight, Denied):
        return Judgement(Effect.REJECTED, Outcome.DENIED, tight.why)
    judgement = _judge(refreshed(tight, standing), choice, standing)
    if tight is request:
        return judgement
    return replace(judgement, tight=with_members(tight, standing))


def _judge(request: Request, choice: Choice, standing: Standing) -> Judgement:
    if standing.now >= request.deadline:  # by a shorter timeout in force
        return Judgement(Effect.TIMED_OUT)
    if stuck := unfillable(request):
        return Judgement(Effect.REJECTED, Outcome.UNFILLABLE, stuck.approvers)
    if word := _refusal(request, choice):
        return Judgement(Effect.REFUSED, word)
    return _weigh(request, choice, standing)


def _too_late(request: Request, choice: Choice, standing: Standing) -> Judgement | None:
    if is_repeated(request, choice):
        return Judgement(Effect.REPEATED)
    if not request.is_open:
        return Judgement(Effect.LATE, request.status)
    if standing.now >= request.deadline:
        return Judgement(Effect.TIMED_OUT)
    return None


def is_in_place(request: Request, choice: Choice, own_app: str) -> bool:
    """Return whether a click comes from the request's own card.

    A click can beat the storing of the card's ts; then the message's own metadata,
    which only this app writes on its messages, names the card. Each message about the
    request offers Withdraw.
    """
    place = choice.place
    if place is None or place.app != own_app:
        return False
    here = (place.channel, place.message)
    if choice.verdict is Verdict.WITHDRAW and _is_about(request, place):
        return True
    if request.card_ts:
        return here == (request.card_channel, request.card_ts)
    return bool(request.card) and place.card == request.card


def _is_about(request: Request, place: Place) -> bool:
    """Return whether a message is one of those about a request."""
    here = (place.channel, place.message)
    return here in request.places or (
        bool(request.notice) and place.card == request.notice
    )


def _misplaced(request: Request, place: Place, own_app: str) -> str:
    """A card that the chain has left for another channel is no stranger's."""
    here = (place.channel, place.message)
    own = place.app == own_app and here in request.places
    return "moved" if own and request.is_open else "misplaced"


def is_repeated(request: Request, choice: Choice) -> bool:
    """Return whether this very click has been counted already, even if void by now."""
    return bool(choice.click) and any(
        decision.person.is_same(choice.person) and decision.click == choice.click
        for decision in (*request.decisions, *request.voided)
    )


def _withdrawal(request: Request, choice: Choice) -> Judgement | None:
    own = choice.person.is_same(request.requester)
    if own and choice.verdict in (Verdict.REJECT, Verdict.WITHDRAW):
        return Judgement(Effect.WITHDRAWN)
    if choice.verdict is Verdict.WITHDRAW:
        return Judgement(Effect.REFUSED, "only_requester_withdraws")
    return None


def _refusal(request: Request, choice: Choice) -> str:
    if word := eligibility.refusal(request, choice.person):
        return word
    if not request.offers(choice.verdict):
        return "not_allowed"
    if choice.verdict is Verdict.APPROVE and not is_confirmed(request, choice):
        return "typed_wrong"
    return ""


def _weigh(request: Request, choice: Choice, standing: Standing) -> Judgement:
    match choice.verdict:
        case Verdict.REJECT:
            return Judgement(Effect.REJECTED)
        case Verdict.ANSWER if request.kind is Kind.INTERRUPT:
            return _weigh_change(plan_answer(request, choice, standing), standing)
        case Verdict.ANSWER if choice.reason.strip():
            return Judgement(Effect.ANSWERED)
        case Verdict.ANSWER:
            return Judgement(Effect.REFUSED, "answer_empty")
        case Verdict.EDIT:
            return _weigh_change(plan_edit(request, choice, standing), standing)
        case _:
            return _weigh_approval(request, choice)


def _weigh_change(found: Edit | Flaw, standing: Standing) -> Judgement:
    if isinstance(found, Flaw):
        return Judgement(Effect.REFUSED, found.word, found.detail)
    if stuck := unfillable(refreshed(found.request, standing)):
        return Judgement(Effect.REFUSED, "edit_unfillable", stuck.approvers)
    if found.request.stage_index == len(found.request.stages):
        return Judgement(_approved(found.request), edit=found)
    return Judgement(Effect.EDITED, edit=found)


def _weigh_approval(request: Request, choice: Choice) -> Judgement:
    index = request.stage_index
    if approvals(request, index) + 1 < request.stages[index].quorum:
        effect = Effect.RECORDED
    elif all(s.passed_at or i == index for i, s in enumerate(request.stages)):
        return Judgement(_approved(request))
    else:
        effect = Effect.STAGE_PASSED
    if stuck := unfillable(after(request, choice, effect)):
        word, group = Outcome.UNFILLABLE, stuck.approvers
        return Judgement(Effect.REJECTED, word, group, counts=True)
    return Judgement(effect)


def _approved(request: Request) -> Effect:
    return Effect.ANSWERED if request.is_answered else Effect.APPROVED


def approvals(request: Request, stage: int) -> int:
    """Count the people who have approved a stage so far."""
    return sum(
        decision.stage == stage and decision.verdict in APPROVING
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
    barred = eligibility.excluded(request)
    return eligibility.unfillable_stage(request.stages, barred, decided)
