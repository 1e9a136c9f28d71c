"""The private answers to a click, each of which names who can decide or who did.

Functions give mrkdwn, already escaped; those for a form give plain text, which stands
under one of its inputs.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from bot.approvals.model import Status
from bot.slack.sentences import STATUS_WORDS, because, can_decide
from bot.slack.text import date, mention, one_line

COULD_NOT_CHECK_PERSON = (
    "Slack did not answer when I checked who you are, so nothing was decided. Please "
    "click again in a moment."
)
WRONG_MESSAGE = (
    "That button does not belong to this message, so nothing was decided. Please use "
    "the card that the bot itself posted."
)
UNKNOWN_REQUEST = (
    "I do not know this request, so nothing was decided. It may be very old; please "
    "ask the agent again."
)


NOT_UNKNOWN = (
    "It is known what became of this request, so there is nothing to mark. Your click "
    "changed nothing."
)
MAY_NOT_MARK = (
    "Only those who could decide this request can say what became of it, and whoever "
    "asked for it can have it asked again. Your click changed nothing."
)
MARKED_ALREADY = (
    "Somebody has said already what became of this request; it stands on the card. "
    "Your click changed nothing."
)


def several_not_decided(lines: Sequence[str]) -> str:
    """mrkdwn. For one click on all calls of a card: what was not possible, and why."""
    return "Not all of these could be decided by your click. " + " ".join(lines)


def may_not_decide(word: str, who_can: Sequence[str] = ()) -> str:
    """mrkdwn. `word` is a refusal of `bot.slack.directory`."""
    return (
        f"Only full members of this workspace can decide, and {because(word)}. "
        f"Nothing was decided. {can_decide(who_can)}"
    )


def not_an_approver(who_can: Sequence[str]) -> str:
    """mrkdwn. `who_can` are user ids."""
    return (
        "You are not among those who can decide this request, so nothing was decided. "
        f"{can_decide(who_can)}"
    )


def requester_cannot_approve(who_can: Sequence[str]) -> str:
    """mrkdwn."""
    return (
        "You asked for this yourself, so somebody else has to approve it. "
        f"{can_decide(who_can)} With Reject you can withdraw it."
    )


def participant_cannot_approve(who_can: Sequence[str]) -> str:
    """mrkdwn. For somebody who wrote in the turn that raised the request."""
    return (
        "You wrote in the conversation that led to this request, so somebody else has "
        f"to decide it. {can_decide(who_can)}"
    )


def already_decided(status: Status, by: str, at: dt.datetime) -> str:
    """mrkdwn. `by` is a user id, "" when nobody in Slack did it."""
    who = f" by {mention(by)}" if by else ""
    return (
        f"This request is already {STATUS_WORDS[status].lower()}{who}, {date(at)}. "
        "Your click changed nothing."
    )


def late(at: dt.datetime) -> str:
    """mrkdwn. For a click after the deadline `at`."""
    return (
        f"This request timed out, {date(at)}, so your click changed nothing. If it is "
        "still needed, ask the agent again."
    )


def withdrawn(by: str, at: dt.datetime) -> str:
    """mrkdwn. For a click on a request that its requester took back."""
    return f"{mention(by)} withdrew this request, {date(at)}. Your click did nothing."


def orphaned() -> str:
    """mrkdwn. For a click on a request that fits no conversation any more."""
    return (
        "This request no longer belongs to a running conversation, so your click "
        "changed nothing. If it is still needed, ask the agent again."
    )


def you_already_decided(at: dt.datetime) -> str:
    """mrkdwn. One person decides at most one stage of a request."""
    return (
        f"You have already decided on this request, {date(at)}; one person decides "
        "only once. Your click changed nothing."
    )


def moved(channel: str, who_can: Sequence[str]) -> str:
    """mrkdwn. For a click on a card that the chain has left; `channel` is an id."""
    where = f" in <#{channel}>" if channel.startswith(("C", "G")) else ""
    return (
        f"This request is decided on another card now{where}, so nothing was decided "
        f"here. {can_decide(who_can)}"
    )


def superseded(by: str, who_can: Sequence[str], *, answered: bool = False) -> str:
    """mrkdwn. For a click on a card as it was before an edit; `by` is a user id."""
    who = f" by {mention(by)}" if by else ""
    what = "An answer was given" if answered else "The arguments were changed"
    return (
        f"{what}{who} after your card was drawn, so nothing was "
        f"decided. Please look at the card again. {can_decide(who_can)}"
    )


def not_allowed(who_can: Sequence[str]) -> str:
    """mrkdwn. For a verdict that the rule's `allow` does not offer."""
    return (
        "The policy does not offer that for this request, so nothing was decided. "
        f"Please use one of the card's own buttons. {can_decide(who_can)}"
    )


def only_requester_withdraws(requester: str, who_can: Sequence[str]) -> str:
    """mrkdwn. Both are user ids."""
    return (
        f"Only {mention(requester)}, who asked for this, can withdraw it, so it still "
        f"waits. {can_decide(who_can)}"
    )


# --- Under an input of a form: plain text -------------------------------------------
EDIT_SAME = (
    "Nothing is changed, so nothing was decided. Change a value, or close this and "
    "click Approve."
)
ANSWER_EMPTY = "The answer is empty, so nothing was decided. Please write one."


def typed_wrong(wanted: str) -> str:
    """Plain text. `wanted` says what is to be typed in."""
    return f"That is not {wanted}, so nothing was decided. Please type it in exactly."


def answer_invalid(complaint: str) -> str:
    """Plain text. `complaint` says what does not fit, and may quote values."""
    said = one_line(complaint, 250).rstrip(".")
    return f"This does not fit what the graph asks for: {said}. Please change it."


def edit_invalid(complaint: str) -> str:
    """Plain text. `complaint` says what does not fit, and may quote values."""
    said = one_line(complaint, 250).rstrip(".")
    return f"These arguments do not fit the tool: {said}. Please change them."


def edit_denied(why: str) -> str:
    """Plain text. `why` comes from the policy."""
    said = one_line(why, 300)
    return f"The policy does not allow the call with these values. {said}".strip()


def edit_unfillable(stage: str) -> str:
    """Plain text. `stage` is a group of the chain that the new values need."""
    return (
        "With these values too few people are left who can decide the stage "
        f"“{one_line(stage, 80)}”, so nothing was changed. Choose other values, or "
        "have the policy's groups checked."
    )
