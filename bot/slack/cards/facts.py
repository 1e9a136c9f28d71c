"""The lines of a card that code writes: who asks, why, which stage, and how it ended.

Everything here becomes mrkdwn, so only ids, times, numbers and the operator's own
words from the policy (escaped) may enter; what the model or a person wrote may not,
but for the headline's values, which `texts.call` makes safe.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.approvals.deadlines import Event, upcoming
from bot.approvals.judge import is_told_directly
from bot.approvals.model import (
    Decision,
    Mark,
    Outcome,
    Request,
    Risk,
    Stage,
    Status,
    Target,
    Verdict,
)
from bot.approvals.standing_grants import VIA
from bot.slack.cards.blocks import Block, section
from bot.slack.cards.view import RequestView, approvals, last_word
from bot.texts import cards as sentences
from bot.texts import forms
from bot.texts.call import mrkdwn_headline
from bot.texts.cards import (
    AN_OPERATOR,
    ASKED_BEFORE,
    STATUS_WORDS,
    unfillable,
)
from bot.texts.formatting import (
    agent_for,
    cut_escaped,
    escape,
    joined,
    mention,
    one_line,
    standing_in,
)

# Characters and lines for one request; several on one card share them.
_WHY = 1_200
_REOPENED = 400
_STAGES = 6
_LATER = 3  # stages that are named before they open
_GROUP = 60
_TARGETS = 120
_DIGEST = 12


def open_lines(view: RequestView, sharing: int) -> list[str]:
    """The facts of a request that waits; `sharing` requests stand on the card."""
    request = view.request
    return [
        *_paused(view, sharing),
        *reopened(request, sharing),
        *_elsewhere(view),
        _asked(request, sharing),
        *_passed(request, sharing),
        *_so_far(request),
        *_joined(request, sharing),
        *_of_several(view, sharing),
    ]


def closed_lines(view: RequestView, sharing: int) -> list[str]:
    """The facts of a request that is over: outcome first."""
    request = view.request
    several = len(request.chain.stages) > 1
    stages = _passed(request, sharing) if several else []
    asked = _asked(request, sharing)
    paused = _paused(view, sharing)
    return [outcome_line(view), *paused, *mark_lines(view), *stages, asked]


def _paused(view: RequestView, sharing: int) -> list[str]:
    if not view.is_paused or view.pause is None:
        return []
    why = cut_escaped(one_line(view.pause, _REOPENED), _REOPENED // sharing)
    return [sentences.paused(why)]


def grey_line(view: RequestView, sharing: int = 1) -> str:
    """The small facts: risk, who decides and by when, the tool, code and digest."""
    request, call = view.request, view.request.call
    waits = _waits(view, sharing) if request.is_open else []
    code, digest = escape(request.code), escape(call.grant_digest[:_DIGEST])
    named = filter(None, [sentences.tool_name(call.tool), code, digest])
    risk = request.terms.risk if request.is_open else Risk.NORMAL
    return sentences.grey(risk, [*waits, *named])


def _waits(view: RequestView, sharing: int) -> list[str]:
    request, stage = view.request, view.request.chain.open_stage
    if not view.in_time or stage is None:
        return [sentences.time_is_over(request.deadline)]
    given = len(approvals(request, _open(request)))
    group = _group(stage) if len(request.chain.stages) > 1 else ""
    can, deputies = view.can_decide, view.deputies
    who = sentences.deciding_now(can, group, stage.quorum, given, deputies)
    due = sentences.due(request.deadline)
    then = sentences.then(_later(request))
    return [who + then, *_joining(view, stage, sharing), due]


def _later(request: Request) -> list[str]:
    """Name the groups of the stages that are still to open."""
    later = request.chain.stages[_open(request) + 1 :]
    groups = [_group(each) for each in later[:_LATER]]
    more = len(later) - len(groups)
    return [*groups, sentences.more(more)] if more else groups


def _of_several(view: RequestView, sharing: int) -> list[str]:
    """Say what Approve does where more than one of them is needed."""
    request, stage = view.request, view.request.chain.open_stage
    if stage is None or not view.offers(Verdict.APPROVE):
        return []
    if len(request.chain.stages) == 1 and stage.quorum == 1:
        return []
    count = len(approvals(request, _open(request))) + 1
    later = _later(request)[: max(1, _LATER // sharing)]
    return [forms.what_approve_does(count, stage.quorum, later)]


def _joining(view: RequestView, stage: Stage, sharing: int) -> list[str]:
    """Say who can decide too after a time of silence, as long as that is to come."""
    names = [
        sentences.join_later(_names(stage.times.escalation.to, sharing), moment.at)
        for moment in upcoming(view.request)
        if moment.event is Event.ESCALATION
        and stage.times.escalation is not None
        and moment.at > view.now
    ]
    return names[:1]


def _names(targets: Sequence[Target], sharing: int) -> str:
    names = joined([one_line(target.group, _GROUP) for target in targets])
    return cut_escaped(names, _TARGETS // sharing)


def _group(stage: Stage) -> str:
    return cut_escaped(one_line(stage.approvers, _GROUP), _GROUP)


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
    if is_told_directly(view.request):
        return [sentences.DECIDED_BY_OTHERS]
    return [sentences.decided_elsewhere(view.request.place.channel)]


def _asked(request: Request, sharing: int) -> str:
    # What is said of an effect would read as if there had been one.
    may_run = request.is_open or request.status is Status.APPROVED
    said = request.terms.why if may_run else ()
    why = " ".join(one_line(sentence, _WHY) for sentence in said)
    return sentences.asked(
        asker(request),
        request.people.asked_in,
        cut_escaped(why, _WHY // sharing),
    )


def asker(request: Request) -> str:
    """mrkdwn: the person who asked, or the agent outside and for whom."""
    people = request.people
    who = mention(people.requester.user)
    return agent_for(people.agent, who) if people.agent else who


def _passed(request: Request, sharing: int) -> list[str]:
    """A line for each stage that is over: who decided it, and when."""
    lines = [
        sentences.stage_passed(_group(s), people(approvals(request, i)), s.passed_at)
        for i, s in enumerate(request.chain.stages)
        if s.passed_at is not None
    ]
    return lines[-max(1, _STAGES // sharing) :]


def _so_far(request: Request) -> list[str]:
    stage, given = request.chain.open_stage, approvals(request, _open(request))
    if stage is None or not given:
        return []
    return [sentences.approved_so_far(people(given), len(given), stage.quorum)]


def _joined(request: Request, sharing: int) -> list[str]:
    stage = request.chain.open_stage
    if stage is None or stage.escalated_at is None:
        return []
    names = _names(stage.joined, sharing)
    return [sentences.joined_since(names, stage.escalated_at)]


def _open(request: Request) -> int:
    return request.chain.stage_index


# The one verdict that brings a request to such an end.
_ENDING = {Status.REJECTED: Verdict.REJECT, Status.ANSWERED: Verdict.ANSWER}


def _person(decision: Decision) -> str:
    """Name the person who decided; an operator at the command line has no Slack id."""
    who = AN_OPERATOR if decision.via == "cli" else mention(decision.person.user)
    if decision.via == VIA:
        return sentences.ahead(who)
    return sentences.with_edits(who) if decision.verdict is Verdict.EDIT else who


def people(decisions: list[Decision]) -> str:
    """mrkdwn: who gave some decisions, up to five by name."""
    names = [_approver(decision) for decision in decisions]
    if len(names) > 5:
        names[5:] = [sentences.more(len(names) - 5)]
    return joined(names)


def _approver(decision: Decision) -> str:
    who = _person(decision)
    who = standing_in(who, decision.for_user) if decision.for_user else who
    answers = decision.verdict is Verdict.ANSWER
    return sentences.with_an_answer(who) if answers else who


def deciders(request: Request) -> str:
    """mrkdwn: who brought the request to its end, "" when nobody did."""
    if request.end.outcome is Outcome.OPERATOR:
        return AN_OPERATOR
    if request.status is Status.WITHDRAWN:
        return asker(request)
    if request.status is Status.APPROVED or request.call.is_answered:
        return people(approvals(request))
    ending = _ENDING.get(request.status)
    word = last_word(request, ending) if ending else None
    return _person(word) if word else ""


def outcome_line(view: RequestView) -> str:
    """mrkdwn: status word, who, when, and what became of the call."""
    request, end = view.request, view.request.end
    by = sentences.by_and_when(deciders(request), end.decided_at)
    if end.is_unknown:
        return sentences.unknown_end(by)
    text = f"*{STATUS_WORDS[request.status]}*{by}"
    if request.end.outcome is Outcome.UNCLAIMED:
        return sentences.not_claimed(text, people(approvals(request)))
    if request.status is Status.TIMED_OUT:
        return sentences.no_one_decided(text, _late_stage(request))
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
    silent = (Outcome.WAIVED, Outcome.REOPENED, Outcome.OVERDUE, Outcome.UNCLAIMED)
    return "" if end.outcome in silent else note


def facts_block(request: Request) -> Block:
    code, digest = escape(request.code), escape(request.call.grant_digest[:12])
    return section(
        [
            mrkdwn_headline(request),
            forms.asked_by(asker(request), request.deadline),
            forms.reference(code, digest),
        ]
    )
