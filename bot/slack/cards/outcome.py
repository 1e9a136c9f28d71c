"""What became of a request: the word, who, when, and why."""

from __future__ import annotations

from bot.approvals.model import Decision, Request, Status
from bot.slack.cards.view import RequestView, approvals, rejection
from bot.slack.sentences import (
    AN_OPERATOR,
    EXECUTION_WORDS,
    UNKNOWN,
    UNKNOWN_IF_RUN,
    unfillable,
)
from bot.slack.text import date, joined, mention

# How `Request.outcome_note` begins where the bot, and no person, wrote it.
_UNFILLABLE, _DENIED, _WAIVED = "unfillable:", "denied:", "waived"


def _person(decision: Decision) -> str:
    """Who decided; an operator at the command line has no Slack id."""
    return AN_OPERATOR if decision.via == "cli" else mention(decision.person.user)


def people(decisions: list[Decision]) -> str:
    """mrkdwn: who gave some decisions, up to five by name."""
    names = [_person(decision) for decision in decisions]
    return joined([*names[:5], f"{len(names) - 5} more"] if len(names) > 5 else names)


def deciders(request: Request) -> str:
    """mrkdwn: who brought the request to its end, "" when nobody did."""
    rejected = rejection(request)
    if request.status is Status.WITHDRAWN:
        return mention(request.requester.user)
    if rejected is not None and request.status is Status.REJECTED:
        return _person(rejected)
    if _by_operator(request):
        return AN_OPERATOR
    if request.status is Status.APPROVED:
        return people(approvals(request))
    return ""


def _by_and_when(request: Request) -> str:
    who = deciders(request)
    by = f" by {who}" if who else ""
    return f"{by}, {date(request.decided_at)}" if request.decided_at else by


def outcome_line(view: RequestView) -> str:
    """mrkdwn: status word, who, when, and what became of the call."""
    request, word = view.request, view.status_word
    if word == UNKNOWN:
        return f"*{UNKNOWN}* · approved{_by_and_when(request)}. {UNKNOWN_IF_RUN}"
    text = f"*{word}*{_by_and_when(request)}"
    if request.status is Status.TIMED_OUT:
        return f"{text}: nobody decided in time."
    if request.status is Status.ORPHANED:
        return f"{text}: it no longer belongs to a running conversation."
    ran = EXECUTION_WORDS.get(request.execution) if request.execution else None
    return f"{text} · {ran}" if ran else text


def reasons(request: Request) -> list[str]:
    """Why it ended so, as people are to read it: plain, untrusted text."""
    rejected = rejection(request)
    given = [rejected.reason if rejected else "", _note_in_words(request.outcome_note)]
    return [text for text in dict.fromkeys(each.strip() for each in given) if text]


def _note_in_words(note: str) -> str:
    if note.startswith(_UNFILLABLE):
        return unfillable(note.removeprefix(_UNFILLABLE))
    return "" if note == _WAIVED else note.removeprefix(_DENIED)


def _by_operator(request: Request) -> bool:
    """An operator's reject is no decision of a stage: it leaves only its reason."""
    note = request.outcome_note
    return (
        request.status is Status.REJECTED
        and rejection(request) is None
        and bool(note)
        and not note.startswith((_UNFILLABLE, _DENIED))
    )
