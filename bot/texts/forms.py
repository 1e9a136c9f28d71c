"""The words of what people click and fill in: buttons, menus, forms. Plain text."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from bot.approvals.model import Mark
from bot.texts.formatting import date

# --- Buttons, menus, and Slack's question before a click counts ---------------------
APPROVE, REJECT, ANSWER, WITHDRAW = "Approve", "Reject", "Answer…", "Withdraw"
REJECT_WITH_REASON = "Reject with reason…"
EDIT = "Edit…"
VIEW_IN_FULL = "View in full"
HISTORY = "History…"
APPROVE_FOR = "Approve for…"
REJECT_ALL = "Reject all"
MARKS = {
    Mark.DONE: "Mark as done",
    Mark.NOT_DONE: "Mark as not done",
    Mark.AGAIN: "Ask again",
}
GO_BACK = "Go back"
YOU_APPROVE = "You approve this:"
DECLINE = "Decline"
ALOUD_DECLINE_SERVER = "Decline to answer the server"
ALOUD_ANSWER_SERVER = "Answer the server"


def read_aloud(text: str, code: str) -> str:
    """A button's own text, so that people can also say it, and which request."""
    return f"{text} request {code}"


def read_aloud_all(text: str) -> str:
    return f"{text} requests"


def approve_it(code: str) -> str:
    return f"Approve request {code}?"


def approve_all(waiting: int, *, of: int) -> str:
    """`of` is the number of all requests on the card, decided ones among them."""
    return f"Approve all {waiting}" if waiting == of else f"Approve the other {waiting}"


def what_approve_does(count: int, quorum: int, later: Sequence[str]) -> str:
    """mrkdwn, for a click that brings its stage to `count` approvals of `quorum`.

    `later` are the groups of the stages behind it.
    """
    then = ", then "
    if count < quorum:
        return f"*Approve* counts as {count} of {then.join([str(quorum), *later])}."
    if later:
        return f"*Approve* passes it on to {then.join(later)}."
    return "*Approve* is the last one needed."


# --- Every form ---------------------------------------------------------------------
CANCEL, CLOSE = "Cancel", "Close"
THE_REQUEST = "The request"


def asked_by(person: str, until: dt.datetime) -> str:
    """mrkdwn."""
    return f"{person} asked · by {date(until)}"


def reference(code: str, digest: str) -> str:
    """mrkdwn."""
    return f"{code} · {digest}"


def to_approve(wanted: str) -> str:
    """`wanted` says what is to be typed in."""
    return f"To approve, type {wanted}"


# --- A reason, a typed confirmation, an answer --------------------------------------
REASON_TITLE, REASON_LABEL = "Reject with reason", "Reason"
REASON_HINT = "The agent reads it, and so does everyone in the thread."
ADD_REASON = "Add a reason…"
LATE_REASON_TITLE, ADD = "Add a reason", "Add"
LATE_REASON_HINT = "It's shown on the card and in the thread."
TYPED_TITLE = "Confirm to approve"
ANSWER_TITLE, ANSWER_INSTEAD = "Answer", "Answer instead"
YOUR_ANSWER = "Your answer"
SEND_ANSWER = "Send the answer"
ANSWER_TO_AGENT = "The agent gets this as the result. Nothing runs."
ANSWER_TO_GRAPH = "The agent's graph goes on with this text."
ASKS_TOO_MUCH = (
    "The graph asks for more than one form holds, so you can't answer it "
    "here. Reject it, or have the graph's author ask for less at once."
)

# --- Allowing calls ahead ------------------------------------------------------------
AHEAD_TITLE, ALLOW = "Approve for…", "Approve and allow"
FOR_HOW_LONG, HOW_OFTEN, WHERE = "For how long", "How many times", "Where"
HERE_ALONE = "Only in this conversation"
EVERYWHERE = "Wherever this person asks"
JUST_LIKE_IT = "What is allowed. What you don't choose below stays as it is here:"


def allows(tool: str, person: str) -> str:
    """mrkdwn. `tool` is code; `person` is a mention."""
    return (
        f"This approves the request above. Later requests by {person} to run {tool} "
        "that fit what you choose here are approved in your name without a click, for "
        "your stage alone. A change of the policy ends that, and you can revoke it at "
        "any time."
    )


def argument_may_be(name: str) -> str:
    return f"{name} may be"


def exactly(value: str) -> str:
    return f"Exactly {value}"


def anything_in(folder: str) -> str:
    return f"Anything in {folder}/"


def times(number: int) -> str:
    return "Once" if number == 1 else f"{number} times"


# --- An edit ------------------------------------------------------------------------
EDIT_TITLE = "Edit the arguments"
SAVE = "Save and approve"
WHAT_FOLLOWS = (
    "Saving approves the new values. If the policy wants them confirmed, the card asks "
    "for that. Approvals of the old values no longer count."
)
TOO_MUCH_TO_EDIT = (
    "The arguments are more than one form holds, so you can't edit them here. Reject "
    "the request with a reason that says what to change."
)
NOTHING_TO_EDIT = "This request has no argument that can be edited here."
YES, NO = "Yes", "No"
NULL = "None (null)"
LEFT_OUT = "Left out"


def kept(name: str, *, is_secret: bool) -> str:
    """The label of an argument that the form shows and does not change."""
    why = "holds a secret" if is_secret else "is too long for an input"
    return f"{name} {why}; it stays as it is:"


def as_json(name: str) -> str:
    return f"{name} (JSON)"


def default_value(value: str) -> str:
    return f"If left out: {value}"


# Under an input whose value cannot be read.
REQUIRED = "This argument is required."
CHOOSE = "Choose one of the options."
ENTER_NUMBER = "Enter a number, such as 12 or 12.5."
ENTER_SHORTER_NUMBER = "Enter a shorter number."
ENTER_WHOLE_NUMBER = "Enter a whole number, such as 12."
NO_JSON = (
    "This is not valid JSON. Put text in double quotes, a list in square "
    "brackets, names with their values in curly ones."
)
NOT_STORABLE = "This has a number that is too large, or half a character."
HOLDS_NUL = "This has a NUL character, which can't be stored."
NAME_TWICE = "The same name appears twice in one pair of curly brackets."


def no_number(text: str) -> str:
    return f"{text} isn't a JSON number."


# --- The arguments in full ----------------------------------------------------------
FULL_TITLE = "Full arguments"
MORE_THAN_A_FILE = (
    "This is too long to show in full, so it can't be approved here. "
    "Reject it on the card, or ask for it in smaller parts."
)
FILE_NOT_YET = (
    "This is too long to show here. The whole text is on its way to the "
    "card's thread as a file. Once it's there, you can approve here."
)
FILE_SENT = (
    "This is too long to show here. The whole text is in the file in the "
    "card's thread. Read it before you approve."
)
FILE_FAILED = (
    "This is too long to show here, and Slack didn't take the file with "
    "the whole text, so it can't be approved here. Try again in a moment."
)


def all_characters(length: int) -> str:
    return f"Arguments, all {length:,} characters"


def characters(length: int) -> str:
    return f"Arguments: {length:,} characters"


# --- The history --------------------------------------------------------------------
HISTORY_TITLE = "History"
EARLIER_LEFT_OUT = "Earlier rows are left out. An export of the audit trail has them."
NO_HISTORY = "The audit trail has nothing about this request."
