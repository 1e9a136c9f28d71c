"""The private sentence for each outcome of a click."""

from __future__ import annotations

from bot.approvals.eligibility import who_can_decide
from bot.approvals.judge import Effect, Judgement
from bot.approvals.model import Person, Request, Status
from bot.slack import sentences
from bot.slack.drawing import closed_by


class SlackPhrases:
    """Implements `bot.approvals.ports.Phrases`."""

    def answer(
        self, judgement: Judgement, request: Request | None, person: Person
    ) -> str:
        """A sentence for refused and late clicks; the card says the rest."""
        if judgement.word == "could_not_check":
            return sentences.COULD_NOT_CHECK_PERSON
        if request is None:
            return sentences.UNKNOWN_REQUEST
        if judgement.effect is Effect.TIMED_OUT:
            return sentences.late(request.expires_at)
        if judgement.effect is Effect.LATE:
            return _late(request)
        if judgement.effect is Effect.REFUSED:
            return _refused(judgement.word, request, person)
        return ""


def _late(request: Request) -> str:
    at = request.decided_at or request.expires_at
    if request.status is Status.TIMED_OUT:
        return sentences.late(at)
    if request.status is Status.WITHDRAWN:
        return sentences.withdrawn(request.requester.user, at)
    if request.status is Status.ORPHANED:
        return sentences.orphaned()
    return sentences.already_decided(request.status, closed_by(request), at)


def _refused(word: str, request: Request, person: Person) -> str:
    who = who_can_decide(request)
    if word == "misplaced":
        return sentences.WRONG_MESSAGE
    if word == "requester":
        return sentences.requester_cannot_approve(who)
    if word == "participant":
        return sentences.participant_cannot_approve(who)
    if word == "not_in_group":
        return sentences.not_an_approver(who)
    if word == "already_decided":
        own = [d.at for d in request.decisions if d.person.user == person.user]
        return sentences.you_already_decided(own[-1])
    return sentences.may_not_decide(word.replace("_", " "), who)
