"""The pure rule for one person's action on a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.approvals import eligibility
from bot.approvals.digest import copy_of
from bot.approvals.edit import Edit, Flaw, is_confirmed, plan_answer, plan_edit
from bot.approvals.eligibility import (
    PolicyContext,
    with_current_people,
    with_current_policy,
    with_members,
)
from bot.approvals.model import (
    Action,
    Effect,
    Kind,
    Outcome,
    Person,
    Place,
    Profile,
    Request,
    Stage,
    Verdict,
)
from bot.approvals.policy.model import DM, Denied

#: Each is a word for what the request then is.
APPROVING = (Verdict.APPROVE, Verdict.EDIT, Verdict.ANSWER)


@dataclass(frozen=True)
class Result:
    """The effect; `code` says why where the effect alone does not."""

    effect: Effect
    code: str = ""
    detail: str = ""  # what the code is about: a group's name, a sentence
    counts: bool = False  # an approval that left too few people stays on record
    edit: Edit | None = None  # what an edit makes of the request
    tight: Request | None = None  # the request, where the policy in force adds to it
    critical: bool = False  # the policy in force calls it so: the trail is signed
    for_user: str = ""  # for whom a delegate decides


#: A private sentence about a person's action, "" where the card alone says it.
PrivateAnswer = Callable[[Result, Request | None, Person], str]


def judge(
    request: Request,
    action: Action,
    *,
    profile: Profile,
    own_app: str,
    context: PolicyContext,
) -> Result:
    """Judge an action on a request as it is stored.

    The policy in force is asked once more: what it adds is in `Result.tight`, and
    the action is judged on that.

    Args:
        own_app: the id of this Slack app.
        context: the policy in force, who is in its live groups, the database's clock.
    """
    if action.place and not is_in_place(request, action, own_app):
        return Result(Effect.REFUSED, _misplaced(request, action.place, own_app))
    if over := _too_late(request, action, context):
        return over
    if profile.refusal:
        return Result(Effect.REFUSED, profile.refusal)
    if withdrawal := _withdrawal(request, action):
        return withdrawal
    if action.request != request.place.token:
        return Result(Effect.REFUSED, "superseded")
    tight = with_current_policy(request, context.policy)
    if isinstance(tight, Denied):
        return Result(Effect.REJECTED, Outcome.DENIED, tight.why)
    result = _judge(with_current_people(tight, context), action, context)
    result = replace(result, for_user=_principal(tight, action, context))
    if tight is request:
        return result
    return replace(result, tight=with_members(tight, context))


def _principal(request: Request, action: Action, context: PolicyContext) -> str:
    stage = request.chain.open_stage
    if stage is None:
        return ""
    deputies = eligibility.stands_for(stage, request.people, context)
    return deputies.get(action.person.user, "")


def _judge(request: Request, action: Action, context: PolicyContext) -> Result:
    if context.now >= request.deadline:  # by a shorter timeout in force
        return Result(Effect.TIMED_OUT)
    if stuck := unfillable(request):
        return Result(Effect.REJECTED, Outcome.UNFILLABLE, stuck.approvers)
    if word := _refusal(request, action):
        return Result(Effect.REFUSED, word)
    return _weigh(request, action, context)


def _too_late(
    request: Request, action: Action, context: PolicyContext
) -> Result | None:
    if is_repeated(request, action):
        return Result(Effect.REPEATED)
    if not request.is_open:
        return Result(Effect.LATE, request.status)
    if context.now >= request.deadline:
        return Result(Effect.TIMED_OUT)
    return None


def is_in_place(request: Request, action: Action, own_app: str) -> bool:
    """Return whether a click comes from the request's own card.

    A click can beat the storing of the card's ts; then the message's own metadata,
    which only this app writes on its messages, names the card. Each message about the
    request offers Withdraw. App Home and private lists have no card: there a click
    counts for what this very person was offered.
    """
    own, place = request.place, action.place
    if place is None or place.app != own_app:
        return False
    if place.offered is not None:
        return action.request in place.offered
    here = (place.channel, place.message)
    if action.verdict is Verdict.WITHDRAW and _is_about(request, place):
        return True
    if own.ts and here == (own.channel, own.ts):
        return True
    if is_told_directly(request) and own.card:
        return _is_copy(request, action, place)
    return not own.ts and bool(own.card) and place.card == own.card


def is_on_message(
    message: Mapping[str, Any], place: Place | None, own_app: str
) -> bool:
    """Return whether a click comes from a message of ours that shows no request.

    Args:
        message: a row with the message's `delivery_id`, `channel_id` and `message_ts`.
    """
    if place is None or place.app != own_app:
        return False
    if message["message_ts"]:
        here = (place.channel, place.message)
        return here == (message["channel_id"], message["message_ts"])
    # a click can beat the storing of the message's place: its metadata names it
    return place.card == str(message["delivery_id"])


def is_told_directly(request: Request) -> bool:
    """Return whether each who can decide now, or could at the end, has a copy."""
    stage = request.chain.open_stage or next(iter(request.chain.stages[-1:]), None)
    return stage is not None and stage.channel == DM


def _is_copy(request: Request, action: Action, place: Place) -> bool:
    """Return whether a click comes from one of the request's own messages.

    Before the ts of a copy is stored, its own id counts, which goes by the person; no
    other message of the channel can be it.
    """
    own, here = request.place, (place.channel, place.message)
    if here in own.messages:
        return True
    is_new = place.channel not in {channel for channel, _ in own.messages}
    return is_new and place.card in {own.card, copy_of(own.card, action.person.user)}


def _is_about(request: Request, place: Place) -> bool:
    """Return whether a message is one of those about a request."""
    here = (place.channel, place.message)
    return here in request.place.messages or (
        bool(request.place.notice) and place.card == request.place.notice
    )


def _misplaced(request: Request, place: Place, own_app: str) -> str:
    """A card that the chain has left for another channel is no stranger's."""
    here = (place.channel, place.message)
    own = place.app == own_app and here in request.place.messages
    return "moved" if own and request.is_open else "misplaced"


def is_repeated(request: Request, action: Action) -> bool:
    """Return whether this very click has been counted already, even if void by now."""
    return bool(action.click) and any(
        decision.person.is_same(action.person) and decision.click == action.click
        for decision in (*request.chain.decisions, *request.chain.voided)
    )


def _withdrawal(request: Request, action: Action) -> Result | None:
    own = action.person.is_same(request.people.requester)
    if own and action.verdict in (Verdict.REJECT, Verdict.WITHDRAW):
        return Result(Effect.WITHDRAWN)
    if action.verdict is Verdict.WITHDRAW:
        return Result(Effect.REFUSED, "only_requester_withdraws")
    return None


def _refusal(request: Request, action: Action) -> str:
    if word := eligibility.refusal(request, action.person):
        return word
    if not request.offers(action.verdict):
        return "not_allowed"
    if action.verdict is Verdict.APPROVE and not is_confirmed(request, action):
        return "typed_wrong"
    return ""


def _weigh(request: Request, action: Action, context: PolicyContext) -> Result:
    match action.verdict:
        case Verdict.REJECT:
            return Result(Effect.REJECTED)
        case Verdict.ANSWER if request.call.kind is Kind.INTERRUPT:
            return _weigh_change(plan_answer(request, action, context), context)
        case Verdict.ANSWER if action.reason.strip():
            return Result(Effect.ANSWERED)
        case Verdict.ANSWER:
            return Result(Effect.REFUSED, "answer_empty")
        case Verdict.EDIT:
            return _weigh_change(plan_edit(request, action, context), context)
        case _:
            return _weigh_approval(request, action)


def _weigh_change(found: Edit | Flaw, context: PolicyContext) -> Result:
    if isinstance(found, Flaw):
        return Result(Effect.REFUSED, found.code, found.detail)
    if stuck := unfillable(with_current_people(found.request, context)):
        return Result(Effect.REFUSED, "edit_unfillable", stuck.approvers)
    if found.request.chain.stage_index == len(found.request.chain.stages):
        return Result(_approved(found.request), edit=found)
    return Result(Effect.EDITED, edit=found)


def _weigh_approval(request: Request, action: Action) -> Result:
    chain = request.chain
    index = chain.stage_index
    passes = approvals(request, index) + 1 >= chain.stages[index].quorum
    if passes and all(s.passed_at or i == index for i, s in enumerate(chain.stages)):
        return Result(_approved(request))
    if stuck := unfillable(request, action.person.user):
        word, group = Outcome.UNFILLABLE, stuck.approvers
        return Result(Effect.REJECTED, word, group, counts=True)
    return Result(Effect.STAGE_PASSED if passes else Effect.RECORDED)


def _approved(request: Request) -> Effect:
    return Effect.ANSWERED if request.call.is_answered else Effect.APPROVED


def approvals(request: Request, stage: int) -> int:
    """Count the people who have approved a stage so far."""
    return sum(
        decision.stage == stage and decision.verdict in APPROVING
        for decision in request.chain.decisions
    )


def unfillable(request: Request, approver: str = "") -> Stage | None:
    """The stage that those who remain cannot fill, if there is one.

    Args:
        approver: the user id of a person who approves the open stage now.
    """
    words = [(d.stage, d.person.user) for d in request.chain.decisions]
    if approver:
        words.append((request.chain.stage_index, approver))
    decided: dict[int, list[str]] = {}
    for stage, user in words:
        decided.setdefault(stage, []).append(user)
    barred = eligibility.excluded(request.people)
    return eligibility.unfillable_stage(request.chain.stages, barred, decided)
