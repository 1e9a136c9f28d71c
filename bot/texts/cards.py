"""The words of a card, and its history in plain sentences. Functions give mrkdwn."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from bot.approvals.model import Execution, Mark, Request, Risk, Status
from bot.texts.formatting import (
    channel_link,
    date,
    escape,
    is_identifier,
    joined,
    mention,
    mentions_or,
    one_line,
    standing_in,
    time_of_day,
)

STATUS_WORDS = {
    Status.PENDING: "Approval needed",
    Status.APPROVED: "Approved",
    Status.REJECTED: "Rejected",
    Status.TIMED_OUT: "Timed out",
    Status.WITHDRAWN: "Withdrawn",
    Status.ORPHANED: "Orphaned",
    Status.ANSWERED: "Answered",
}
UNKNOWN = "Unknown"
WAITING = "Waiting"
HIGH_RISK = "⚠ High risk"
_ICONS = {
    Status.PENDING: "⏳",
    Status.APPROVED: "✅",
    Status.REJECTED: "⛔",
    Status.TIMED_OUT: "⌛",
    Status.WITHDRAWN: "↩",
    Status.ORPHANED: "➖",
    Status.ANSWERED: "💬",
}
_ENDS = {Execution.DONE: "Done", Execution.FAILED: "Failed"}
AN_OPERATOR = "an operator"
UNKNOWN_IF_RUN = (
    "It was cut off in the middle, so it's unknown whether it happened. It won't run "
    "again. Please check by hand."
)


def status_word(request: Request, by: str = "") -> str:
    """What a request is now; `by` is who closed it, "" where that is not to be said."""
    who, end = f" by {by}" if by else "", request.end.execution
    word = UNKNOWN if end is Execution.UNKNOWN else STATUS_WORDS[request.status]
    failed = end is Execution.FAILED and request.status is Status.APPROVED
    return f"{word}{who}{', but failed' if failed else ''}"


def icon(status: Status, execution: Execution | None = None) -> str:
    """The sign before a headline; what it means is said in words beside it."""
    return "❓" if execution is Execution.UNKNOWN else _ICONS[status]


def can_decide(who_can: Sequence[str]) -> str:
    """mrkdwn. `who_can` are user ids."""
    if not who_can:
        return "No one can decide it at the moment. Tell the bot's admin."
    return f"{mentions_or(who_can)} can decide it."


ASKED_BEFORE = (
    "The same request was rejected in this conversation within the last hour, so "
    "no one was asked again."
)


def unfillable(stage: str) -> str:
    """Plain text. `stage` is the group of the stage that cannot be filled."""
    return (
        f"Rejected: too few people can decide the stage “{one_line(stage, 80)}”. "
        "Ask the bot's admin to check the policy's groups."
    )


# --- The facts: mrkdwn --------------------------------------------------------------
MARK_WORDS = {
    Mark.DONE: "Marked as done",
    Mark.NOT_DONE: "Marked as not done",
    Mark.AGAIN: "Asked again",
}


def waits(
    title: str, code: str, person: str, until: dt.datetime, *, is_risky: bool
) -> str:
    """The notification about a request that is open."""
    head = STATUS_WORDS[Status.PENDING]
    risk = f" ({HIGH_RISK})" if is_risky else ""
    return f"{head}{risk}: {title}, asked by {person}, by {date(until)} ({code})"


def ended(word: str, title: str, code: str) -> str:
    """The notification about a request that is over."""
    return f"{word}: {title} ({code})"


def asked(person: str, channel: str, why: str) -> str:
    """`channel` is the id of the one in which it was asked; `why` is "" for none."""
    place = f" in {link}" if (link := channel_link(channel)) else ""
    return f"{person} asked{place}{f' · {why}' if why else ''}"


def not_claimed(text: str, approvers: str) -> str:
    """`text` says that it timed out; `approvers` are mentioned, "" for none."""
    by = f" by {approvers}" if approvers else ""
    return f"{text}\nIt was approved{by}, and the agent did not claim it in time."


def due(at: dt.datetime) -> str:
    return f"by {date(at)}"


def time_is_over(since: dt.datetime) -> str:
    return f"time ran out {date(since)}"


_RISKS = {Risk.LOW: "Low risk", Risk.HIGH: HIGH_RISK}


def grey(risk: Risk, facts: Sequence[str]) -> str:
    """One line of small facts; a normal risk goes without saying."""
    known = [_RISKS[risk]] if risk in _RISKS else []
    return " · ".join([*known, *facts])


def tool_name(tool: str) -> str:
    """A tool's name as code, "" where it has no place among our words."""
    return f"`{tool}`" if is_identifier(tool) else ""


def paused(why: str) -> str:
    return f"*Paused* by an operator: {why}. Nothing runs until this is lifted."


def reopened(why: str) -> str:
    return f"*Open again* {why}"


DECIDED_BY_OTHERS = "*Decided now* by others, in their direct messages."


def decided_elsewhere(channel: str) -> str:
    """`channel` is the id of the one that has the card now."""
    place = channel_link(channel)
    where = f"in {place}" if place else "on the card in the conversation's thread"
    return f"*Decided now* {where}. There's nothing to click here."


def more(number: int) -> str:
    return f"{number} more"


def join_later(names: str, at: dt.datetime) -> str:
    return f"{names} too from {date(at)}"


def joined_since(names: str, at: dt.datetime) -> str:
    return f"{names} joined {date(at)}"


def stage_passed(group: str, by: str, at: dt.datetime) -> str:
    return f"{group}: approved by {by}, {date(at)}"


def approved_so_far(by: str, given: int, quorum: int) -> str:
    return f"{given} of {quorum} approved: {by}"


def deciding_now(
    who_can: Sequence[str],
    group: str,
    quorum: int,
    given: int,
    deputies: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """`who_can` are user ids; `group` is "" where there is but one stage.

    `given` of `quorum` approvals are there. `deputies` stand in for whom, as user ids.
    """
    who = mentions_or(who_can, deputies) or "no one can decide this at the moment"
    who = f"{who} for {group}" if group else who
    return who if quorum == 1 else f"{who} ({given} of {quorum} so far)"


def then(groups: Sequence[str]) -> str:
    """The groups of the later stages, in order."""
    return "".join(f", then {group}" for group in groups)


def ahead(who: str) -> str:
    return f"{who} (allowed ahead)"


def with_edits(who: str) -> str:
    return f"{who} (with edits)"


def with_an_answer(who: str) -> str:
    return f"{who} (with an answer)"


def by_and_when(who: str, at: dt.datetime | None) -> str:
    """`who` is "" for no one."""
    by = f" by {who}" if who else ""
    return f"{by}, {date(at)}" if at else by


def unknown_end(by: str) -> str:
    return f"*{UNKNOWN}* · approved{by}. {UNKNOWN_IF_RUN}"


def no_one_decided(outcome: str, stage: str | None) -> str:
    """`stage` is the group of the stage that was late, if it was one alone."""
    late = "" if stage is None else f" in {stage}"
    return f"{outcome}: no one{late} decided in time."


def belongs_nowhere(outcome: str) -> str:
    return f"{outcome}: it no longer belongs to a running conversation."


def answered_instead(outcome: str) -> str:
    return f"{outcome}, in its place: it does not run."


def with_result(
    outcome: str, execution: Execution | None, at: dt.datetime | None
) -> str:
    """`at` is when the call ended, None as long as it is not known to have."""
    end = _ENDS.get(execution) if execution and at else None
    return f"{outcome} · {end} {time_of_day(at)}" if end and at else outcome


def marked(mark: Mark, who: str, at: dt.datetime | None) -> str:
    return f"*{MARK_WORDS[mark]}*{by_and_when(who, at)}"


# --- The history: mrkdwn ------------------------------------------------------------
def may_no_longer_decide(user: str, why: str) -> str:
    """Plain text, kept with the request. `user` is an id."""
    return f"<@{user}> may no longer decide: {why}"


def same_mailbox() -> str:
    return "it has the e-mail address of the person who asked"


def same_account() -> str:
    return "it is the account of the person who asked, by another id"


def counted_already(user: str) -> str:
    return f"it is another account of {mention(user)}, who has approved"


def no_longer_in(group: str) -> str:
    return f"no longer in {group}"


_REASON = 300  # characters
_OLD_OUTCOME = re.compile(r"(unfillable|denied):")
_VIA = {
    "cli": " at the command line",
    "api": " through the API",
    "standing": ", as allowed ahead",
    "link": " by a link",
    "link+sign-in": " by a link, signed in with Slack",
}
_WHY_REFUSED = {
    "undecided": "claimed it while it was undecided",
    "claimed": "claimed it a second time",
    "other_digest": "claimed another call than people approved",
    "not_claimed": "told of a result without a claim",
    "reported": "told of a result that is known, or given up",
    "decided": "wanted to withdraw it after the decision",
    "requester": "asked for it themselves",
    "participant": "wrote in the conversation that led to it",
    "not_in_group": "is not among those who can decide it",
    "already_decided": "had decided on it before",
    "misplaced": "used a button from another message",
    "moved": "used a card that no longer decides it",
    "signed_in_as_another": "is not the person the link is for",
    "other_team": "belongs to another workspace",
    "other team": "belongs to another workspace",
    "deactivated": "has a deactivated account",
    "guest": "is a guest",
    "stranger": "belongs to another company",
    "bot": "is a bot",
    "account not said": "may be deactivated: Slack did not say",
    "bot not said": "may be a bot: Slack did not say",
    "guest not said": "may be a guest: Slack did not say",
    "could_not_check": "could not be looked up in Slack",
    "superseded": "had a card from before the request changed",
    "card_changed": "had a card from before it changed",
    "not_allowed": "wanted what the policy does not offer",
    "only_requester_withdraws": "did not ask for it",
    "typed_wrong": "did not type in the value that is asked for",
    "edit_same": "changed nothing",
    "edit_invalid": "gave values that do not fit the tool",
    "edit_denied": "gave values that the policy denies",
    "edit_unfillable": "gave values that too few people can decide",
    "answer_empty": "wrote no answer",
    "answer_invalid": "gave an answer that does not fit",
    "not_unknown": "wanted to mark what is not unknown",
    "may_not_mark": "is not among those who could decide it",
    "marked_already": "came after someone else",
    "unknown_request": "named an unknown request",
    "too_many_clicks": "clicked too often",
    "too_many_messages": "wrote too often",
    "unknown_offer": "used a button that no longer works",
    "tried_already": "came after someone else had tried again",
    "moved_on": "came after the conversation had gone on",
    "reason_late": "had a minute to add a reason, and it was over",
    "reason_not_yours": "did not reject it",
    "reason_given": "had given a reason before",
}


def why_refused(word: str) -> str:
    """Plain text: what somebody did, or is, that an attempt was refused for."""
    return _WHY_REFUSED.get(word, word.replace("_", " "))


def sentence(row: Mapping[str, Any]) -> str:
    """mrkdwn: one row of the trail; with several calls on the card, which one."""
    tell = _EVENTS.get(row["event"])
    words = tell(row) if tell else f"Recorded: {_plain(row['event'])}."
    if row["number"] is None or row["calls"] < 2:
        return words
    return f"Request {row['number']}: {words}"


def _plain(value: object) -> str:
    return escape(one_line(str(value), _REASON))


def _tool(row: Mapping[str, Any]) -> str:
    tool = _plain(row["detail"].get("tool", "")).replace("`", "'")
    return f"`{tool}`" if tool else "the call"


def _who(row: Mapping[str, Any]) -> str:
    if row["via"] == "agent":  # an agent outside, by its name
        return _plain(row["actor"].capitalize())
    named = AN_OPERATOR if row["via"] == "cli" else mention(row["actor"])
    return named[0].upper() + named[1:]


def _by(row: Mapping[str, Any], did: str) -> str:
    principal = row["detail"].get("for")
    who = standing_in(_who(row), str(principal)) if principal else _who(row)
    return f"{who} {did}{_VIA.get(row['via'], '')}"


def _given(row: Mapping[str, Any]) -> str:
    """Return the note of a person, or of the bot, on a verdict; "" if none."""
    detail = row["detail"]
    note = str(detail.get("note") or detail.get("reason") or "")
    return note if "outcome" in detail else _OLD_OUTCOME.sub("", note)


def _outcome(row: Mapping[str, Any]) -> str:
    """Return why it ended if no person said why; older rows have it before the note."""
    detail = row["detail"]
    old = _OLD_OUTCOME.match(str(detail.get("note", "")))
    return str(detail.get("outcome", old[1] if old else ""))


def _received(row: Mapping[str, Any]) -> str:
    channel = str(row["detail"].get("channel", ""))
    place = "a direct message" if channel.startswith("D") else f"<#{channel}>"
    return f"{_who(row)} wrote to the agent in {place}."


def _requested(row: Mapping[str, Any]) -> str:
    detail = row["detail"]
    rules = [f"*{_plain(rule)}*" for rule in detail.get("rules", ())]
    label = "rule {} wants" if len(rules) == 1 else "rules {} want"
    demand = f" The {label.format(joined(rules))} people to decide." if rules else ""
    person = mention(str(detail.get("on_behalf_of", "")))
    return f"The agent asked to run {_tool(row)} for {person}.{demand}"


def _approved(row: Mapping[str, Any]) -> str:
    if row["actor"] == "bot":
        return f"The policy lets {_tool(row)} run without an approval."
    return f"{_by(row, 'approved')}. That was the last approval needed."


def _rejected(row: Mapping[str, Any]) -> str:
    outcome, note = _outcome(row), _given(row)
    if outcome == "unfillable":
        stage = _plain(note)
        return f"Rejected: too few people can decide the stage “{stage}”."
    if outcome == "denied":
        return f"The policy denied it: {_plain(note)}"
    if outcome == "repeated":
        return "Rejected: the same request was rejected within the last hour."
    reason = f": “{_plain(note)}”" if note else "."
    return f"{_by(row, 'rejected it')}{reason}"


def _edited(row: Mapping[str, Any]) -> str:
    if "before" not in row["detail"]:
        return "The new values need approval."
    answered = row["detail"].get("answered")
    did = "gave an answer" if answered else "changed the arguments"
    return f"{_by(row, did)}. Earlier approvals do not count."


def _answered(row: Mapping[str, Any]) -> str:
    note = _given(row)
    if row["detail"].get("graph"):
        return f"{_by(row, 'approved the answer')}. The graph goes on with it."
    said = f": “{_plain(note)}”" if note else "."
    return f"{_by(row, 'answered in its place, so it does not run')}{said}"


def _tightened(row: Mapping[str, Any]) -> str:
    return _plain(_given(row)) or "The policy has changed and asks for more now."


def _refused(row: Mapping[str, Any]) -> str:
    word = str(row["detail"].get("word", ""))
    if row["actor"] == "bot":
        return f"{_tool(row)} was not run: {_plain(word)}."
    if row["via"] == "agent":
        why = _WHY_REFUSED.get(word, f"claimed it when it was {word.replace('_', ' ')}")
        return f"{_who(row)} was refused: it {_plain(why)}."
    verdict = _plain(row["detail"].get("verdict", "")).capitalize() or "a button"
    why = _plain(why_refused(word))
    return f"{_by(row, f'clicked {verdict}')} and was refused: {_who(row)} {why}."


def _late(row: Mapping[str, Any]) -> str:
    status = _plain(row["detail"].get("word", "closed")).replace("_", " ")
    was = "had" if status == "timed out" else "was"
    return f"{_by(row, 'clicked')}, too late: it {was} {status} already."


def _voided(row: Mapping[str, Any]) -> str:
    if "may no longer decide" not in _given(row):
        return f"{_plain(_given(row))} Asked again."
    why = _given(row).partition("may no longer decide: ")[2]
    tail = f" ({_plain(why)})" if why else ""
    return f"{_who(row)} may no longer decide{tail}, so it was asked again."


_EVENTS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "received": _received,
    "requested": _requested,
    "shown": lambda row: f"The card was posted in <#{row['detail']['channel']}>.",
    "recorded": lambda row: f"{_by(row, 'approved')}. More approvals are needed.",
    "stage_passed": lambda row: f"{_by(row, 'approved')}. The next stage is open.",
    "approved": _approved,
    "edited": _edited,
    "answered": _answered,
    "tightened": _tightened,
    "standing_given": lambda row: f"{_by(row, 'allowed requests like it ahead')}.",
    "rejected": _rejected,
    "reason_added": lambda row: (
        f"{_by(row, 'said why')}: “{_plain(row['detail'].get('reason', ''))}”"
    ),
    "withdrawn": lambda row: f"{_by(row, 'withdrew the request')}.",
    "timed_out": lambda _: "It timed out: no one decided in time.",
    "orphaned": lambda _: "Closed: its conversation no longer asks for it.",
    "not_run": lambda row: f"Not handed to the graph: {_plain(_given(row))}",
    "marked_done": lambda row: f"{_by(row, 'found that it was done')}.",
    "marked_not_done": lambda row: f"{_by(row, 'found that it was not done')}.",
    "marked_again": lambda row: f"{_by(row, 'had the agent asked once more')}.",
    "late": _late,
    "repeated": lambda row: f"{_by(row, 'clicked')} again; it was counted already.",
    "refused": _refused,
    "voided": _voided,
    "claimed": lambda row: f"{_tool(row)} started. It can start only this once.",
    "reminded": lambda _: "Those who can decide were reminded.",
    "escalated": lambda row: (
        f"The stage “{_plain(row['detail'].get('group', ''))}” has waited too long: "
        "more people can decide it now."
    ),
    "ran": lambda row: f"{_tool(row)} ran.",
    "failed": lambda row: f"{_tool(row)} ran and failed.",
    "unknown": lambda row: (
        f"{_tool(row)} was cut off in the middle; it is unknown whether it happened."
    ),
}
