"""The values of an approval: frozen, standard library only, no I/O."""

from __future__ import annotations

import datetime as dt
import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

from bot.base.masks import mask_arguments


class Verdict(enum.StrEnum):
    """A person's verdict on a request."""

    APPROVE = "approve"
    REJECT = "reject"
    EDIT = "edit"  # approve with other arguments
    ANSWER = "answer"  # answer in the tool's place; it does not run
    WITHDRAW = "withdraw"  # of the requester alone


#: What may be done with a call unless a rule's `allow` says otherwise.
ALLOWED = (Verdict.APPROVE, Verdict.REJECT, Verdict.EDIT)


@dataclass(frozen=True, order=True)
class Person:
    """Somebody in Slack. Names are decoration; these three ids are the person."""

    enterprise: str  # "" outside Enterprise Grid, and where a payload does not say it
    team: str
    user: str

    def is_same(self, other: Person) -> bool:
        """Return whether both are one person; a team belongs to one enterprise."""
        return (self.team, self.user) == (other.team, other.user)


@dataclass(frozen=True)
class Profile:
    """A person as Slack describes them right now (`users.info`).

    `refusal` is empty for a full member, otherwise a word of `bot.slack.directory`.
    `mailbox` is where their e-mail goes, the same for all accounts of one person,
    `account` the id of one account in all workspaces of an organisation, and `zone` is
    where they are; "" where Slack does not say. `teams` are their workspaces in it.
    """

    person: Person
    name: str
    refusal: str = ""
    mailbox: str = ""
    account: str = ""
    teams: tuple[str, ...] = ()
    zone: str = ""


USERS = "users"  # a group of listed people
REQUESTER = "requester"  # the built-in group: the person who asked


@dataclass(frozen=True)
class Target:
    """A group that joins a stage; `source` as in `Group.source`."""

    group: str
    people: tuple[str, ...]  # user ids, as `Stage.people`
    source: str = USERS


@dataclass(frozen=True)
class Escalation:
    """After a time of silence these groups may decide a stage too."""

    after: dt.timedelta
    to: tuple[Target, ...]


@dataclass(frozen=True)
class Times:
    """The timeout, reminders and escalation of a stage, all timed from its opening."""

    timeout: dt.timedelta | None = None  # None: as long as the request has
    reminders: tuple[dt.timedelta, ...] = ()  # earliest first
    escalation: Escalation | None = None


NO_TIMES = Times()


@dataclass(frozen=True)
class Hours:
    """When the clock of reminders and escalations runs, by the clocks of a zone."""

    days: tuple[int, ...]  # Monday is 0
    begin: int  # minutes since midnight
    end: int  # minutes since midnight, up to 24 * 60
    zone: str  # an IANA name


@dataclass(frozen=True)
class Stage:
    """One step of a chain: who may decide it and how many of them must."""

    approvers: str  # the group's name in policy.yml
    people: tuple[str, ...]  # user ids; `bot.approvals.eligibility` says who may now
    quorum: int = 1
    opened_at: dt.datetime | None = None
    passed_at: dt.datetime | None = None
    source: str = USERS  # where its people come from, as in `Group.source`
    channel: str = ""  # where its people are told: a channel's id, or "thread"
    times: Times = NO_TIMES
    reminded_at: dt.datetime | None = None  # the last time
    escalated_at: dt.datetime | None = None

    @property
    def joined(self) -> tuple[Target, ...]:
        """The groups that an escalation has brought in."""
        escalation = self.times.escalation
        return escalation.to if escalation and self.escalated_at else ()

    @property
    def expires_at(self) -> dt.datetime | None:
        """When the stage's own time is over; None if it has none, or is not open."""
        if self.opened_at is None or self.times.timeout is None:
            return None
        return self.opened_at.astimezone(dt.UTC) + self.times.timeout


@dataclass(frozen=True)
class Decision:
    """One person's word on one stage."""

    person: Person
    verdict: Verdict
    stage: int
    at: dt.datetime
    via: str  # how the person was known, see `audit.Fact`
    reason: str = ""
    click: str = ""  # Slack's action_ts, by which the same click is known again
    for_user: str = ""  # for whom a delegate has decided; "" for themselves


@dataclass(frozen=True)
class Comment:
    """A comment in a card's thread; it decides nothing."""

    user: str
    text: str
    at: dt.datetime


class Outcome(enum.StrEnum):
    """The reason for a request's end, where no person's decision gives it."""

    NONE = ""
    DENIED = "denied"  # by the policy; the note is its `why`
    UNFILLABLE = "unfillable"  # the note is the group of the stage
    WAIVED = "waived"
    REPEATED = "repeated"  # the same call was rejected here within the last hour
    OPERATOR = "operator"  # the brake on the command line; the note is the reason
    REOPENED = "reopened"  # pending again; the note says why
    UNCLAIMED = "unclaimed"  # timed out after its approval, by an agent outside
    OVERDUE = "overdue"  # timed out; the note is the group of the stage that was late


class Mark(enum.StrEnum):
    """A person's finding on an action whose outcome is unknown."""

    NONE = ""
    DONE = "done"
    NOT_DONE = "not_done"
    AGAIN = "again"  # the agent is asked once more, and so are people


class Kind(enum.StrEnum):
    """The kind of thing that a request asks about."""

    TOOL = "tool"  # a tool's call
    INTERRUPT = "interrupt"  # a question of the graph's own


class Confirm(enum.StrEnum):
    """The step between a click on Approve and its effect, weakest first."""

    NONE = "none"
    DIALOG = "dialog"  # a dialog that names the effect
    TYPED = "typed"  # a value of the arguments, typed in


NAMELESS = "interrupt"  # a graph's question that gives itself no name


def is_control(key: str, value: Any) -> bool:
    """Return whether a question's key tells the bot how to ask and what it takes.

    A payload may hold something else under the name `answers`.
    """
    if key == "answers" and isinstance(value, dict):
        said = cast("dict[str, Any]", value)
        named = said.keys() & {"approve", "reject", "timed_out"}
        return bool(named) or "{text}" in json.dumps(said)
    return key == "level" or (key == "answers" and value in ("words", "booleans"))


class Risk(enum.StrEnum):
    """The risk of a call as the policy rates it, lowest first."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


@dataclass(frozen=True)
class Call:
    """The thing to be approved: a tool's call, or the answer to a graph's question."""

    id: str  # as the model's message names it
    tool: str
    arguments: dict[str, Any]
    digest: str  # of tool, schema and arguments
    grant_digest: str  # of the call in its place, and of an answer
    schema: dict[str, Any] = field(default_factory=dict[str, Any])  # of the arguments
    schema_digest: str = ""
    kind: Kind = Kind.TOOL
    position: int = 0  # among the calls of its interrupt
    note: str = ""  # what the agent says about the call; unverified
    guarded: bool = True  # the tool claims its grant; else that is done at the resume
    raised_arguments: dict[str, Any] | None = None  # as the agent asked, if edited
    edited_by: str = ""  # the user id of the last person who edited
    headline: str = ""  # of a graph's question: the argument that is shown first
    tool_title: str = ""  # the tool's own template, see `headline`
    form: dict[str, Any] | None = None  # JSON schema of the answer
    answer_json: str | None = None  # to a graph's question: canonical JSON
    refused_answer: str | None = None  # one that was taken back, likewise

    @property
    def is_edited(self) -> bool:
        return self.raised_arguments is not None

    @property
    def shown_arguments(self) -> dict[str, Any]:
        """The arguments; of a question, without what only says how it is asked."""
        if self.kind is Kind.TOOL:
            return self.arguments
        return {k: v for k, v in self.arguments.items() if not is_control(k, v)}

    @cached_property
    def masked(self) -> Mapping[str, Any]:  # as people may see them
        return mask_arguments(self.shown_arguments, self.schema)

    @property
    def first_arguments(self) -> dict[str, Any]:
        """The arguments as the agent asked, before any edit."""
        first = self.raised_arguments
        return self.arguments if first is None else first

    @property
    def is_answered(self) -> bool:  # the answer itself is approved
        return self.answer_json is not None

    @property
    def answer_value(self) -> Any:
        """The answer to a graph's question, in its own type."""
        return None if self.answer_json is None else json.loads(self.answer_json)


@dataclass(frozen=True)
class Askers:
    """The people whose words a call comes from."""

    requester: Person
    participants: tuple[str, ...] = ()  # who wrote in the turn; none of them decides
    asked_in: str = ""  # the id of the conversation's channel
    agent: str = ""  # outside, which asks for them; "" for the bot's own graph


@dataclass(frozen=True)
class Terms:
    """The policy's and the graph's terms for deciding a request."""

    rules: tuple[str, ...] = ()  # names of the rules that demand it
    why: tuple[str, ...] = ()
    allow: tuple[Verdict, ...] = ALLOWED
    takes: tuple[Verdict, ...] | None = None  # by the graph; None: whatever is allowed
    confirm: Confirm = Confirm.NONE
    confirm_argument: str = ""  # whose value is typed in, as a path; "" = the code
    hours: Hours | None = None  # None: the clock always runs
    title: str = ""  # the rule's template, see `headline`
    risk: Risk = Risk.NORMAL
    asks_reason: bool = False  # Reject opens a form that asks for one
    critical: bool = False  # the trail is signed at each decision

    @property
    def is_risky(self) -> bool:
        return self.risk is Risk.HIGH

    @property
    def needs_own_click(self) -> bool:
        """True where one click must not approve it together with others."""
        return self.is_risky or self.critical or self.confirm is not Confirm.NONE


@dataclass(frozen=True)
class Chain:
    """The stages of a request, and people's words on them."""

    stages: tuple[Stage, ...]
    decisions: tuple[Decision, ...] = ()
    voided: tuple[Decision, ...] = ()  # words that no longer count
    comments: tuple[Comment, ...] = ()

    @property
    def stage_index(self) -> int:
        """The stage that is open, or the number of stages when all have passed."""
        for index, stage in enumerate(self.stages):
            if stage.passed_at is None:
                return index
        return len(self.stages)

    @property
    def open_stage(self) -> Stage | None:
        """The stage that is to be decided now; None when all have passed."""
        index = self.stage_index
        return self.stages[index] if index < len(self.stages) else None


@dataclass(frozen=True)
class CardPlace:
    """The messages in Slack that show a request."""

    card: str = ""  # the delivery that shows it, and where Slack put that
    channel: str = ""
    ts: str = ""
    notice: str = ""  # the delivery in the conversation's thread
    token: str = ""  # what the card's buttons carry now; each edit brings a new one
    messages: tuple[tuple[str, str], ...] = ()  # channel and ts of all of them


@dataclass(frozen=True)
class Ending:
    """The end of a request, and of the action that it allows."""

    decided_at: dt.datetime | None = None
    outcome: Outcome = Outcome.NONE
    note: str = ""  # why, where status and outcome alone do not say it
    execution: Execution | None = None
    finished_at: dt.datetime | None = None  # of the action, where its end is known
    failure: str = ""  # the action's own words: untrusted
    summary: str = ""  # what an agent outside says of its end: untrusted
    mark: Mark = Mark.NONE
    marked_by: str = ""  # a user id
    marked_at: dt.datetime | None = None

    @property
    def is_unknown(self) -> bool:
        """True if the outcome of the action is unknown."""
        return self.execution is Execution.UNKNOWN


@dataclass(frozen=True)
class Request:
    """One call that waits, or waited, for people."""

    id: str
    code: str  # short, for people to say aloud: "K7QP"
    team: str
    conversation: str
    interrupt: str
    call: Call
    people: Askers
    terms: Terms
    chain: Chain
    policy_version: str
    status: Status
    raised_at: dt.datetime
    expires_at: dt.datetime  # of the whole request; see `deadline`
    place: CardPlace = CardPlace()
    end: Ending = Ending()
    graph_version: str = ""

    @property
    def is_open(self) -> bool:
        return self.status is Status.PENDING

    @property
    def deadline(self) -> dt.datetime:
        """When silence rejects it: the request's end, or sooner the open stage's."""
        stage = self.chain.open_stage
        own = stage.expires_at if stage else None
        return min(own, self.expires_at) if own else self.expires_at

    def offers(self, verdict: Verdict) -> bool:
        """Return whether rule and graph allow it, or it approves a person's answer.

        Without the latter an answer to a graph's question could never pass its chain
        where the rule allows answers alone.
        """
        waits = self.call.is_answered and verdict is Verdict.APPROVE
        return waits or verdict in self.terms.allow

    @property
    def answer(self) -> str:
        """The answer that a person gave, as text; "" if there is none."""
        if self.call.is_answered:
            value = self.call.answer_value
            return value if isinstance(value, str) else _shown(value)
        given = [d.reason for d in self.chain.decisions if d.verdict is Verdict.ANSWER]
        return given[-1] if given else ""


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


class Effect(enum.StrEnum):
    """The effect of a verdict."""

    RECORDED = "recorded"  # counted; the stage needs more people
    STAGE_PASSED = "stage_passed"
    APPROVED = "approved"
    EDITED = "edited"  # other arguments; the chain that they need is open
    ANSWERED = "answered"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    TIMED_OUT = "timed_out"  # the click found the deadline over
    LATE = "late"  # the request was closed already
    REPEATED = "repeated"  # the same click once more
    REFUSED = "refused"


CHANGES = frozenset(Effect) - {Effect.LATE, Effect.REPEATED, Effect.REFUSED}


@dataclass(frozen=True)
class Place:
    """The place of a click in Slack, as the signed payload says."""

    app: str
    channel: str
    message: str
    card: str = ""  # the card's id in the message's own metadata
    thread: str = ""  # the ts of the thread that the message stands in
    # In App Home or a private list: the tokens offered there. None: on a card.
    offered: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Action:
    """One authenticated person's word on one request.

    Attributes:
        request: `CardPlace.token` as drawn; an older one is about other arguments.
        reason: why it is rejected, or the answer in the tool's place.
        arguments: the whole new arguments, for an edit.
        typed: what was typed in to confirm.
        seen: what the new arguments of an edit name at the moment.
        value: what a form was filled in with, to answer a graph's own question.
        quiet: one of several words of one click; who clicks is told of all at once.
    """

    request: str
    person: Person
    verdict: Verdict
    via: str
    place: Place | None = None
    reason: str = ""
    click: str = ""
    arguments: Mapping[str, Any] | None = None
    typed: str = ""
    seen: Mapping[str, Any] | None = None
    value: Any = None
    quiet: bool = False
    grant: str = ""  # by which its giver approves ahead: the id


class Status(enum.StrEnum):
    """The status of a request. Only `pending` can change into another verdict."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    TIMED_OUT = "timed_out"
    WITHDRAWN = "withdrawn"
    ORPHANED = "orphaned"
    ANSWERED = "answered"  # a person answered in the tool's place; nothing ran


class Execution(enum.StrEnum):
    """The state of the action that a grant allows."""

    APPROVED = "approved"
    EXECUTING = "executing"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
