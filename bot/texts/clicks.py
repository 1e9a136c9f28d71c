"""The private answers to a click, each of which names who can decide or who did.

Functions give mrkdwn, already escaped; those for a form give plain text, which
stands under one of its inputs.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from bot.approvals.edit import typed_argument
from bot.approvals.eligibility import closed_by, who_can_decide
from bot.approvals.judge import Result
from bot.approvals.model import Effect, Person, Request, Status
from bot.texts import conversation
from bot.texts.cards import STATUS_WORDS, can_decide
from bot.texts.conversation import because
from bot.texts.formatting import date, escape, lasting, mention, mentions_or, one_line

COULD_NOT_CHECK_PERSON = (
    "Slack doesn't tell me who you are, so nothing was decided. Click "
    "again in a moment. If this lasts, tell the bot's admin."
)
NOT_OPENED = (
    "Slack didn't open the window, so nothing was decided. Click again in a moment."
)
WRONG_MESSAGE = (
    "That button isn't from this message, so nothing was decided. Use the card that I "
    "posted."
)
CARD_CHANGED = (
    "This card has changed since you saw it, so nothing was decided. Look at it again."
)
UNKNOWN_REQUEST = (
    "I don't know this request, so nothing was decided. It may be very old. Ask the "
    "agent again."
)
NOT_UNKNOWN = (
    "The outcome of this request is known, so there is nothing to mark. Your click "
    "changed nothing."
)
MAY_NOT_MARK = (
    "Only its approvers can say what became of this request, and its requester can "
    "have it asked again. Your click changed nothing."
)
MARKED_ALREADY = "It's marked already, as the card says. Your click changed nothing."
REASON_LATE = (
    "You can add a reason within a minute of Reject, and that's over. Mention me in "
    "the card's thread instead: the card shows what you write."
)
REASON_NOT_YOURS = (
    "Only the person who rejected this can add a reason. Your click changed nothing."
)
REASON_GIVEN = "The card shows your reason already. Your click changed nothing."


def several_not_decided(lines: Sequence[str]) -> str:
    """mrkdwn. For one click on all calls of a card: what was not possible, and why."""
    return "Your click didn't decide all of these. " + " ".join(lines)


def may_not_decide(word: str, who_can: Sequence[str] = ()) -> str:
    """mrkdwn. `word` is a refusal of `bot.slack.directory`."""
    return (
        f"Only full members of this workspace can decide, and {because(word)}. "
        f"Nothing was decided. {can_decide(who_can)}"
    )


def not_an_approver(who_can: Sequence[str]) -> str:
    """mrkdwn. `who_can` are user ids."""
    can = f"{mentions_or(who_can)} can." if who_can else can_decide(who_can)
    return f"You can't decide this one. {can}"


def requester_cannot_approve(who_can: Sequence[str]) -> str:
    """mrkdwn."""
    return (
        "You asked for this yourself, so someone else has to approve it. "
        f"{can_decide(who_can)} Reject withdraws it."
    )


def participant_cannot_approve(who_can: Sequence[str]) -> str:
    """mrkdwn. For somebody who wrote in the turn that raised the request."""
    return (
        "You wrote in the conversation that led to this, so someone else has to decide "
        f"it. {can_decide(who_can)}"
    )


def already_decided(status: Status, by: str, at: dt.datetime) -> str:
    """mrkdwn. `by` is a user id, "" when no one in Slack did it."""
    who = f" by {mention(by)}" if by else ""
    return (
        f"This request is already {STATUS_WORDS[status].lower()}{who}, {date(at)}. "
        "Your click changed nothing."
    )


def late(at: dt.datetime) -> str:
    """mrkdwn. For a click after the deadline `at`."""
    return (
        f"This request timed out, {date(at)}, so your click changed nothing. If it's "
        "still needed, ask the agent again."
    )


def withdrawn(by: str, at: dt.datetime) -> str:
    """mrkdwn. For a click on a request that its requester took back."""
    return (
        f"{mention(by)} withdrew this request, {date(at)}. Your click changed nothing."
    )


def orphaned() -> str:
    """mrkdwn. For a click on a request that fits no conversation any more."""
    return (
        "The conversation behind this request has moved on, so your click changed "
        "nothing. If it's still needed, ask the agent again."
    )


def you_already_decided(at: dt.datetime) -> str:
    """mrkdwn. One person decides at most one stage of a request."""
    return (
        f"You already decided on this request, {date(at)}, and each person decides "
        "once. Your click changed nothing."
    )


def moved(channel: str, who_can: Sequence[str]) -> str:
    """mrkdwn. For a click on a card that the chain has left; `channel` is an id."""
    where = f" in <#{channel}>" if channel.startswith(("C", "G")) else ""
    return (
        f"This is decided on another card now{where}, so nothing was decided here. "
        f"{can_decide(who_can)}"
    )


def superseded(by: str, who_can: Sequence[str], *, answered: bool = False) -> str:
    """mrkdwn. For a click on a card as it was before an edit, or a change of the tool.

    `by` is the user id of the person who edited.
    """
    who = f" by {mention(by)}" if by else ""
    changed = "The arguments were changed" if by else "The request was changed"
    what = "An answer was given" if answered else changed
    return (
        f"{what}{who} since you saw the card, so nothing was decided. Look at it "
        f"again. {can_decide(who_can)}"
    )


def open_again(code: str, why: str, *, is_kept: bool) -> str:
    """mrkdwn. To the author of a decision that the graph refused; `why` is plain."""
    said = escape(one_line(why, 400).rstrip("."))
    kept = " The form still has what you filled in." if is_kept else ""
    return f"Request {code} is open again. {said}.{kept}"


def not_allowed(who_can: Sequence[str]) -> str:
    """mrkdwn. For a verdict that the rule's `allow` does not offer."""
    return (
        "The policy doesn't offer that for this request, so nothing was decided. Use "
        f"the card's own buttons. {can_decide(who_can)}"
    )


def only_requester_withdraws(requester: str, who_can: Sequence[str]) -> str:
    """mrkdwn. Both are user ids."""
    return (
        f"Only {mention(requester)}, who asked, can withdraw it. It still waits. "
        f"{can_decide(who_can)}"
    )


# --- Under an input of a form: plain text -------------------------------------------
EDIT_SAME = "You changed nothing. Change a value, or close this and click Approve."
ANSWER_EMPTY = "The answer is empty. Write one."


def typed_wrong(wanted: str) -> str:
    """Plain text. `wanted` says what is to be typed in."""
    return f"That isn't {wanted}, so nothing was decided. Type it exactly."


def answer_invalid(complaint: str) -> str:
    """Plain text. `complaint` says what does not fit, and may quote values."""
    said = one_line(complaint, 250).rstrip(".")
    return f"This does not fit what the graph asks for: {said}. Change it."


def edit_invalid(complaint: str) -> str:
    """Plain text. `complaint` says what does not fit, and may quote values."""
    said = one_line(complaint, 250).rstrip(".")
    return f"These arguments do not fit the tool: {said}. Change them."


def edit_denied(why: str) -> str:
    """Plain text. `why` comes from the policy."""
    said = one_line(why, 300)
    return f"The policy doesn't allow these values. {said}".strip()


def edit_unfillable(stage: str) -> str:
    """Plain text. `stage` is a group of the chain that the new values need."""
    return (
        "With these values too few people can decide the stage "
        f"“{one_line(stage, 80)}”, so nothing was changed. Choose other values, or ask "
        "the bot's admin to check the policy's groups."
    )


# What the form that it was typed into says, and no one else.
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


def private_answer(result: Result, request: Request | None, person: Person) -> str:
    """mrkdwn for refused and late clicks, else ""; card and forms say the rest."""
    if result.code == "could_not_check":
        return COULD_NOT_CHECK_PERSON
    if request is None:
        return UNKNOWN_REQUEST
    if result.effect is Effect.TIMED_OUT:
        return late(request.deadline)
    if result.effect is Effect.LATE:
        return _late(request)
    if result.effect is Effect.REFUSED and result.code not in IN_FORM:
        return _refused(result.code, request, person)
    return ""


def in_form(result: Result, request: Request) -> str:
    """Plain text for a word of `IN_FORM`, to stand under an input; "" for others."""
    match result.code:
        case "typed_wrong":
            return typed_wrong(what_to_type(request))
        case "edit_same":
            return EDIT_SAME
        case "edit_invalid":
            return edit_invalid(result.detail)
        case "edit_denied":
            return edit_denied(result.detail)
        case "edit_unfillable":
            return edit_unfillable(result.detail)
        case "answer_empty":
            return ANSWER_EMPTY
        case "answer_invalid":
            return answer_invalid(result.detail)
        case _:
            return ""


_ABOUT_CLOSED = {
    "not_unknown": NOT_UNKNOWN,
    "may_not_mark": MAY_NOT_MARK,
    "marked_already": MARKED_ALREADY,
    "reason_late": REASON_LATE,
    "reason_not_yours": REASON_NOT_YOURS,
    "reason_given": REASON_GIVEN,
}


def _late(request: Request) -> str:
    at = request.end.decided_at or request.deadline
    if request.status is Status.TIMED_OUT:
        return late(at)
    if request.status is Status.WITHDRAWN:
        return withdrawn(request.people.requester.user, at)
    if request.status is Status.ORPHANED:
        return orphaned()
    return already_decided(request.status, closed_by(request), at)


def _refused(word: str, request: Request, person: Person) -> str:
    who = who_can_decide(request)
    match word:
        case "misplaced":
            return WRONG_MESSAGE
        case "moved":
            return moved(request.place.channel, who)
        case "superseded":
            call = request.call
            return superseded(call.edited_by, who, answered=call.is_answered)
        case "card_changed":
            return CARD_CHANGED
        case "requester":
            return requester_cannot_approve(who)
        case "participant":
            return participant_cannot_approve(who)
        case "not_in_group":
            return not_an_approver(who)
        case _:
            return _refused_otherwise(word, request, person, who)


def _refused_otherwise(
    word: str, request: Request, person: Person, who: tuple[str, ...]
) -> str:
    if word == "already_decided":
        own = [d.at for d in request.chain.decisions if d.person.user == person.user]
        return you_already_decided(own[-1]) if own else not_an_approver(who)
    if word in _ABOUT_CLOSED:
        return _ABOUT_CLOSED[word]
    if word == "not_allowed":
        return not_allowed(who)
    if word == "standing_not_offered":
        return STANDING_NOT_OFFERED
    if word == "only_requester_withdraws":
        return only_requester_withdraws(request.people.requester.user, who)
    others = [user for user in who if user != person.user]
    return may_not_decide(word.replace("_", " "), others)


def standing_given(code: str, until: dt.datetime, uses: int) -> str:
    """mrkdwn. `code` is the grant's own."""
    times = "once" if uses == 1 else f"{uses} times"
    return (
        f"Approved. Requests like it are approved in your name {times}, until "
        f"{date(until)} at most. To end that: `/approvals revoke {escape(code)}`"
    )


STANDING_NOT_OFFERED = (
    "The policy doesn't let anyone allow this ahead, or not that much. Nothing was "
    "decided; use Approve on the card."
)
NAME_SHOWN = 60


def what_to_type(request: Request) -> str:
    """Plain text: which value the request asks for, in words."""
    if typed_argument(request) is not None:
        return f"the value of {one_line(request.terms.confirm_argument, NAME_SHOWN)}"
    return f"this request's code, {request.code}"


TRY_AGAIN = "Try again"
TRY_AGAIN_LABEL = "Try what just failed again"
NO_OFFER = "This button no longer works, so nothing was run. Write again."
MISPLACED = (
    "That button isn't from this message, so nothing was run. Use the original one."
)
TRIED_ALREADY = "It was tried again already. Your click did nothing."
MOVED_ON = (
    "The conversation has moved on, so this was not tried again. Write "
    "what you need now."
)
CANNOT_TELL = (
    "Slack doesn't tell me who you are, so nothing was run. Click again "
    "in a moment. If this lasts, tell the bot's admin."
)
_REFUSALS = {
    "unknown_offer": NO_OFFER,
    "misplaced": MISPLACED,
    "tried_already": TRIED_ALREADY,
    "moved_on": MOVED_ON,
    "could_not_check": CANNOT_TELL,
}


def tried_by(user: str, at: dt.datetime) -> str:
    """In place of the button."""
    return f"Tried again by {mention(user)}, {date(at)}."


def not_tried(word: str) -> str:
    """Say why a click did nothing: a word of the retrier, or what the person is."""
    return _REFUSALS.get(word) or conversation.may_not_ask(word)


# --- What a tool's server asks in the middle of a call -------------------------------
_NOT_ANSWERED = {
    "unknown_question": "I don't know this question, so nothing was sent.",
    "misplaced": "That button isn't from this message, so nothing was sent.",
    "question_over": "This question is over, so nothing was sent.",
    "could_not_check": (
        "Slack doesn't tell me who you are, so nothing was sent. Click again in a "
        "moment. If this lasts, tell the bot's admin."
    ),
}


def server_asks(server: str) -> str:
    """mrkdwn: what stands above the server's own words."""
    return f"The tool server `{escape(server)}` asks:"


def who_gets_it(server: str) -> str:
    """Plain text, above the inputs of the form."""
    return (
        f"Your answer goes to the server “{server}”, which runs a tool for you. Send "
        "it no passwords, tokens or other secrets: no server should ask for any here."
    )


def who_answers(user: str, until: dt.datetime) -> str:
    """mrkdwn: below a question that waits."""
    return (
        f"Only {mention(user)} can answer, until {date(until)}. The answer goes to "
        "that server."
    )


def question_ended(status: str, user: str) -> str:
    """mrkdwn: below a question that waits no more."""
    if status in ("answered", "declined"):
        return f"{status.capitalize()} by {mention(user)}."
    return "This question is over: no one answered in time, or its call has ended."


def not_answered(word: str, user: str) -> str:
    """Say why a click sent nothing: a word of `ServerAnswers`, or what the person is.

    `user`: the id of the person who may answer.
    """
    if word == "not_asked":
        return f"Only {mention(user)} can answer this, so nothing was sent."
    return _NOT_ANSWERED.get(word) or conversation.may_not_ask(word)


def per(most: int, seconds: int) -> str:
    """Plain text: `60 times in 1 minute`."""
    times = "once" if most == 1 else f"{most:,} times"
    return f"{times} in {lasting(seconds)}"


def too_many_messages(most: int, seconds: int) -> str:
    """mrkdwn."""
    return (
        f"You wrote to me more than {per(most, seconds)}, so I did not read "
        "your last messages. Wait a little and send them again."
    )


def too_many_clicks(most: int, seconds: int) -> str:
    """mrkdwn."""
    return (
        f"You clicked more than {per(most, seconds)}, so your last clicks "
        "decided nothing. Wait a little and click again."
    )


def whole_arguments(code: str, user: str) -> str:
    """mrkdwn. `user` is the id of the person who opened them."""
    return f"The whole arguments of request {escape(code)}, for {mention(user)}."


#: mrkdwn: of a message in a card's thread, which stays with the request.
COMMENTED = {
    "kept": "Added to the card. I answer in the thread where I was asked.",
    "no_decision": (
        "Writing decides nothing here: use the buttons on the card at the top of this "
        "thread."
    ),
    "too_many": (
        "Added to the request. You write faster than I can show it; the card "
        "has it after its next change."
    ),
}
