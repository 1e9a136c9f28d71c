"""What became of a request: the word, who, when, and why."""

from __future__ import annotations

from bot.approvals.model import Decision, Mark, Outcome, Request, Status, Verdict
from bot.slack.cards.view import RequestView, approvals, last_word
from bot.slack.sentences import (
    AN_OPERATOR,
    ASKED_BEFORE,
    EXECUTION_WORDS,
    UNKNOWN,
    UNKNOWN_IF_RUN,
    unfillable,
)
from bot.slack.text import cut_escaped, date, joined, mention, one_line

# The one verdict that brings a request to such an end.
_ENDING = {Status.REJECTED: Verdict.REJECT, Status.ANSWERED: Verdict.ANSWER}


def _person(decision: Decision) -> str:
    """Who decided; an operator at the command line has no Slack id."""
    who = AN_OPERATOR if decision.via == "cli" else mention(decision.person.user)
    return f"{who} (with edits)" if decision.verdict is Verdict.EDIT else who


def people(decisions: list[Decision]) -> str:
    """mrkdwn: who gave some decisions, up to five by name."""
    names = [_approver(decision) for decision in decisions]
    return joined([*names[:5], f"{len(names) - 5} more"] if len(names) > 5 else names)


def _approver(decision: Decision) -> str:
    who = _person(decision)
    return f"{who} (with an answer)" if decision.verdict is Verdict.ANSWER else who


def deciders(request: Request) -> str:
    """mrkdwn: who brought the request to its end, "" when nobody did."""
    if request.outcome is Outcome.OPERATOR:
        return AN_OPERATOR
    if request.status is Status.WITHDRAWN:
        return mention(request.requester.user)
    if request.status is Status.APPROVED or request.is_answered:
        return people(approvals(request))
    ending = _ENDING.get(request.status)
    word = last_word(request, ending) if ending else None
    return _person(word) if word else ""


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
        return f"{text}: nobody decided {_late_stage(request)}in time."
    if request.status is Status.ORPHANED:
        return f"{text}: it no longer belongs to a running conversation."
    if request.status is Status.ANSWERED and not request.is_answered:
        return f"{text}, in its place: it does not run."
    ran = EXECUTION_WORDS.get(request.execution) if request.execution else None
    return f"{text} · {ran}" if ran else text


def mark_lines(view: RequestView) -> list[str]:
    """mrkdwn: what somebody has found out about an unknown end."""
    request = view.request
    if request.marked is Mark.NONE:
        return []
    at = f", {date(request.marked_at)}" if request.marked_at else ""
    return [f"*{_MARKS[request.marked]}* by {mention(request.marked_by)}{at}"]


_MARKS = {
    Mark.DONE: "Marked as done",
    Mark.NOT_DONE: "Marked as not done",
    Mark.AGAIN: "Asked again",
}


def _late_stage(request: Request) -> str:
    if request.outcome is not Outcome.OVERDUE:
        return ""
    return f"the stage {cut_escaped(one_line(request.outcome_note, 80), 80)} "


def reasons(request: Request) -> list[str]:
    """Why it ended so, as people are to read it: plain, untrusted text."""
    rejected = last_word(request, Verdict.REJECT)
    given = [rejected.reason if rejected else "", _note_in_words(request)]
    known = ("", request.answer.strip())  # the answer has a place of its own
    return [t for t in dict.fromkeys(each.strip() for each in given) if t not in known]


def _note_in_words(request: Request) -> str:
    note = request.outcome_note
    if request.outcome is Outcome.UNFILLABLE:
        return unfillable(note)
    if request.outcome is Outcome.REPEATED:
        return ASKED_BEFORE
    silent = (Outcome.WAIVED, Outcome.REOPENED, Outcome.OVERDUE)
    return "" if request.outcome in silent else note
