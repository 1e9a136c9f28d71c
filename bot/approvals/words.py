"""What a request can be, become and be answered: the enumerations of an approval."""

from __future__ import annotations

import enum


class Status(enum.StrEnum):
    """Where a request stands. Only `pending` can change into another verdict."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    TIMED_OUT = "timed_out"
    WITHDRAWN = "withdrawn"
    ORPHANED = "orphaned"
    ANSWERED = "answered"  # a person answered in the tool's place; nothing ran


class Outcome(enum.StrEnum):
    """Why a request ended as it did, where no person's word on it says so."""

    NONE = ""
    DENIED = "denied"  # by the policy; the note is its `why`
    UNFILLABLE = "unfillable"  # the note is the group of the stage
    WAIVED = "waived"
    REPEATED = "repeated"  # the same call was rejected here within the last hour
    OPERATOR = "operator"  # the brake on the command line; the note is the reason
    REOPENED = "reopened"  # pending again; the note says why
    OVERDUE = "overdue"  # timed out; the note is the group of the stage that was late


class Execution(enum.StrEnum):
    """What became of the action that a grant allows."""

    APPROVED = "approved"
    EXECUTING = "executing"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Mark(enum.StrEnum):
    """What people have found out about an action whose end is unknown."""

    NONE = ""
    DONE = "done"
    NOT_DONE = "not_done"
    AGAIN = "again"  # the agent is asked once more, and so are people


class Verdict(enum.StrEnum):
    """What a person says to a request."""

    APPROVE = "approve"
    REJECT = "reject"
    EDIT = "edit"  # approve with other arguments
    ANSWER = "answer"  # answer in the tool's place; it does not run
    WITHDRAW = "withdraw"  # of the requester alone


class Kind(enum.StrEnum):
    """What is asked about."""

    TOOL = "tool"  # a tool's call
    INTERRUPT = "interrupt"  # a question of the graph's own


class Confirm(enum.StrEnum):
    """What stands between a click on Approve and its effect, weakest first."""

    NONE = "none"
    DIALOG = "dialog"  # a dialog that names the effect
    TYPED = "typed"  # a value of the arguments, typed in
