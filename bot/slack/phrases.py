"""The private sentence for each outcome of a click, and what a form says instead."""

from __future__ import annotations

from bot.approvals.eligibility import who_can_decide
from bot.approvals.judge import Effect, Judgement
from bot.approvals.model import Person, Request, Status
from bot.slack import click_sentences as say
from bot.slack.cards.confirming import what_to_type
from bot.slack.drawing import closed_by

# What the form that it was typed into says, and nobody else.
IN_FORM = frozenset(
    {
        "typed_wrong",
        "edit_same",
        "edit_invalid",
        "edit_denied",
        "edit_unfillable",
        "answer_empty",
        "answer_invalid",
    }
)


class SlackPhrases:
    """Implements `bot.approvals.ports.Phrases`."""

    def answer(
        self, judgement: Judgement, request: Request | None, person: Person
    ) -> str:
        """mrkdwn for refused and late clicks; card and forms say the rest."""
        if judgement.word == "could_not_check":
            return say.COULD_NOT_CHECK_PERSON
        if request is None:
            return say.UNKNOWN_REQUEST
        if judgement.effect is Effect.TIMED_OUT:
            return say.late(request.deadline)
        if judgement.effect is Effect.LATE:
            return _late(request)
        if judgement.effect is Effect.REFUSED and judgement.word not in IN_FORM:
            return _refused(judgement.word, request, person)
        return ""


def in_form(judgement: Judgement, request: Request) -> str:
    """Plain text for a word of `IN_FORM`, to stand under an input; "" for others."""
    match judgement.word:
        case "typed_wrong":
            return say.typed_wrong(what_to_type(request))
        case "edit_same":
            return say.EDIT_SAME
        case "edit_invalid":
            return say.edit_invalid(judgement.detail)
        case "edit_denied":
            return say.edit_denied(judgement.detail)
        case "edit_unfillable":
            return say.edit_unfillable(judgement.detail)
        case "answer_empty":
            return say.ANSWER_EMPTY
        case "answer_invalid":
            return say.answer_invalid(judgement.detail)
        case _:
            return ""


_ABOUT_MARKS = {
    "not_unknown": say.NOT_UNKNOWN,
    "may_not_mark": say.MAY_NOT_MARK,
    "marked_already": say.MARKED_ALREADY,
}


def _late(request: Request) -> str:
    at = request.decided_at or request.deadline
    if request.status is Status.TIMED_OUT:
        return say.late(at)
    if request.status is Status.WITHDRAWN:
        return say.withdrawn(request.requester.user, at)
    if request.status is Status.ORPHANED:
        return say.orphaned()
    return say.already_decided(request.status, closed_by(request), at)


def _refused(word: str, request: Request, person: Person) -> str:
    who = who_can_decide(request)
    match word:
        case "misplaced":
            return say.WRONG_MESSAGE
        case "moved":
            return say.moved(request.card_channel, who)
        case "superseded":
            return say.superseded(request.edited_by, who, answered=request.is_answered)
        case "requester":
            return say.requester_cannot_approve(who)
        case "participant":
            return say.participant_cannot_approve(who)
        case "not_in_group":
            return say.not_an_approver(who)
        case _:
            return _refused_otherwise(word, request, person, who)


def _refused_otherwise(
    word: str, request: Request, person: Person, who: tuple[str, ...]
) -> str:
    if word == "already_decided":
        own = [d.at for d in request.decisions if d.person.user == person.user]
        return say.you_already_decided(own[-1]) if own else say.not_an_approver(who)
    if word in _ABOUT_MARKS:
        return _ABOUT_MARKS[word]
    if word == "not_allowed":
        return say.not_allowed(who)
    if word == "only_requester_withdraws":
        return say.only_requester_withdraws(request.requester.user, who)
    return say.may_not_decide(word.replace("_", " "), who)
