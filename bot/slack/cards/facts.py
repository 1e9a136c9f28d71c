"""The lines of a card that code writes: who asks, why, which stage, and how it ended.

Everything here becomes mrkdwn, so only ids, times, numbers and the operator's own
words from the policy (escaped) may enter; what the model or a person wrote may not.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.approvals.model import (
    Decision,
    Mark,
    Outcome,
    Request,
    Stage,
    Status,
    Target,
    Verdict,
)
from bot.approvals.timetable import Event, Moment, upcoming
from bot.slack.cards.view import RequestView, approvals, last_word
from bot.texts import cards as sentences
from bot.texts.cards import (
    AN_OPERATOR,
    ASKED_BEFORE,
    REMINDER,
    UNKNOWN,
    unfillable,
)
from bot.texts.formatting import (
    cut_escaped,
    date,
    escape,
    joined,
    mention,
    mentions,
    one_line,
)

# Characters and lines for one request; several on one card share them.
_WHY = 1_200
_RULES = 400
_REOPENED = 400
_STAGES = 6
_GROUP = 60
_TARGETS = 120
_COMING = 3


def open_lines(view: RequestView, sharing: int) -> list[str]:
    """The facts of a request that waits; `sharing` requests stand on the card."""
    request = view.request
    until = sentences.decide_until(request.deadline)
    if not view.in_time:
        until = sentences.time_is_over(request.deadline)
    return [
        *reopened(request, sharing),
        *_elsewhere(view),
        *_asked(request, sharing),
        *_stage_lines(view, sharing),
        until,
        *_next(view, sharing),
    ]


def _next(view: RequestView, sharing: int) -> list[str]:
    """List what comes if nobody decides: when people are told again, and the end."""
    request, stage = view.request, view.request.chain.open_stage
    coming = [moment for moment in upcoming(request) if moment.at > view.now]
    if stage is None or not coming:
        return []
    said = [
        f"{_event(moment, stage, sharing)} {date(moment.at)}"
        for moment in coming[: max(1, _COMING // sharing)]
    ]
    if more := len(coming) - len(said):
        said.append(sentences.more(more))
    if sharing == 1:  # elsewhere the line above says it, and room is short
        said.append(sentences.rejected_then(request.deadline))
    return [sentences.to_come(said)]


def _event(moment: Moment, stage: Stage, sharing: int) -> str:
    escalation = stage.times.escalation
    if moment.event is Event.REMINDER or escalation is None:
        return REMINDER
    return sentences.join_later(_names(escalation.to, sharing))


def _names(targets: Sequence[Target], sharing: int) -> str:
    names = joined([one_line(target.group, _GROUP) for target in targets])
    return cut_escaped(names, _TARGETS // sharing)


def closed_lines(view: RequestView, sharing: int) -> list[str]:
    """The facts of a request that is over: outcome first."""
    return [outcome_line(view), *mark_lines(view), *_asked(view.request, sharing)]


def reopened(request: Request, sharing: int = 1) -> list[str]:
    """Say why it is open again, if it was decided before."""
    if request.end.outcome is not Outcome.REOPENED:
        return []
    why = cut_escaped(one_line(request.end.note, _REOPENED), _REOPENED // sharing)
    for word in request.chain.voided:  # people whom the note may name
        user = word.person.user
        why = why.replace(escape(f"<@{user}>"), mention(user))
    return [sentences.reopened(why)]


def _elsewhere(view: RequestView) -> list[str]:
    if not view.elsewhere:
        return []
    return [sentences.decided_elsewhere(view.request.place.channel)]


def _asked(request: Request, sharing: int) -> list[str]:
    terms = request.terms
    lines = [sentences.asked_by(mention(request.people.requester.user))]
    if terms.rules:
        several = len(terms.rules) > 1
        names = ", ".join(one_line(name, _RULES) for name in terms.rules)
        names = cut_escaped(names, _RULES // sharing)
        lines.append(sentences.ruled_by(names, several=several))
    if terms.why:
        why = " ".join(one_line(sentence, _WHY) for sentence in terms.why)
        lines.append(sentences.reasoned(cut_escaped(why, _WHY // sharing)))
    return lines


def _stage_lines(view: RequestView, sharing: int) -> list[str]:
    """Several stages, the open one among them."""
    most = max(2, _STAGES // sharing)
    stages, now = view.request.chain.stages, view.request.chain.stage_index
    first = max(0, min(now - most // 2, len(stages) - most))
    shown = range(first, min(first + most, len(stages)))
    return [_stage_line(view, index, stages[index], sharing) for index in shown]


def _stage_line(view: RequestView, index: int, stage: Stage, sharing: int) -> str:
    request = view.request
    label = sentences.stage_label(index + 1, len(request.chain.stages))
    group = cut_escaped(one_line(stage.approvers, _GROUP), _GROUP)
    approved = approvals(request, index)
    if stage.passed_at is not None:
        by, at = people(approved), stage.passed_at
        return sentences.stage_passed(label, group, by, at)
    if index > request.chain.stage_index:
        where = _where(request, stage)
        return sentences.stage_to_come(label, group, stage.quorum, where)
    if stage.escalated_at is not None:
        names = _names(stage.joined, sharing)
        group = sentences.joined_by(group, names, stage.escalated_at)
    return sentences.stage_now(
        label,
        group,
        given=len(approved),
        quorum=stage.quorum,
        by=people(approved),
        who_can=mentions(view.can_decide),
    )


def _where(request: Request, stage: Stage) -> str:
    """Say where the people of a later stage are told, if not where those are now."""
    if stage.channel in ("", request.chain.stages[request.chain.stage_index].channel):
        return ""
    return sentences.told_in(stage.channel)


# The one verdict that brings a request to such an end.
_ENDING = {Status.REJECTED: Verdict.REJECT, Status.ANSWERED: Verdict.ANSWER}


def _person(decision: Decision) -> str:
    """Name the person who decided; an operator at the command line has no Slack id."""
    who = AN_OPERATOR if decision.via == "cli" else mention(decision.person.user)
    return sentences.with_edits(who) if decision.verdict is Verdict.EDIT else who


def people(decisions: list[Decision]) -> str:
    """mrkdwn: who gave some decisions, up to five by name."""
    names = [_approver(decision) for decision in decisions]
    if len(names) > 5:
        names[5:] = [sentences.more(len(names) - 5)]
    return joined(names)


def _approver(decision: Decision) -> str:
    who = _person(decision)
    answers = decision.verdict is Verdict.ANSWER
    return sentences.with_an_answer(who) if answers else who


def deciders(request: Request) -> str:
    """mrkdwn: who brought the request to its end, "" when nobody did."""
    if request.end.outcome is Outcome.OPERATOR:
        return AN_OPERATOR
    if request.status is Status.WITHDRAWN:
        return mention(request.people.requester.user)
    if request.status is Status.APPROVED or request.call.is_answered:
        return people(approvals(request))
    ending = _ENDING.get(request.status)
    word = last_word(request, ending) if ending else None
    return _person(word) if word else ""


def outcome_line(view: RequestView) -> str:
    """mrkdwn: status word, who, when, and what became of the call."""
    request, word, end = view.request, view.status_word, view.request.end
    by = sentences.by_and_when(deciders(request), end.decided_at)
    if word == UNKNOWN:
        return sentences.unknown_end(by)
    text = f"*{word}*{by}"
    if request.status is Status.TIMED_OUT:
        return sentences.nobody_decided(text, _late_stage(request))
    if request.status is Status.ORPHANED:
        return sentences.belongs_nowhere(text)
    if request.status is Status.ANSWERED and not request.call.is_answered:
        return sentences.answered_instead(text)
    return sentences.with_result(text, end.execution, end.finished_at)


def mark_lines(view: RequestView) -> list[str]:
    """mrkdwn: what somebody has found out about an unknown end."""
    end = view.request.end
    if end.mark is Mark.NONE:
        return []
    who = mention(end.marked_by)
    return [sentences.marked(end.mark, who, end.marked_at)]


def _late_stage(request: Request) -> str | None:
    if request.end.outcome is not Outcome.OVERDUE:
        return None
    return cut_escaped(one_line(request.end.note, 80), 80)


def reasons(request: Request) -> list[str]:
    """Return the reasons for the end, as people read them: plain, untrusted text."""
    rejected = last_word(request, Verdict.REJECT)
    given = [rejected.reason if rejected else "", _note_in_words(request)]
    known = ("", request.answer.strip())  # the answer has a place of its own
    return [t for t in dict.fromkeys(each.strip() for each in given) if t not in known]


def _note_in_words(request: Request) -> str:
    end, note = request.end, request.end.note
    if end.outcome is Outcome.UNFILLABLE:
        return unfillable(note)
    if end.outcome is Outcome.REPEATED:
        return ASKED_BEFORE
    silent = (Outcome.WAIVED, Outcome.REOPENED, Outcome.OVERDUE)
    return "" if end.outcome in silent else note
