"""The shape of policy.yml: its keys, their types, and pydantic's findings in words."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
)
from pydantic import field_validator as check
from pydantic_core import ErrorDetails

from bot.approvals.model import REQUESTER, Confirm, Risk
from bot.approvals.policy import complaints
from bot.approvals.policy.complaints import Complaint, Loc, kind
from bot.approvals.policy.model import THREAD, TIMEOUT
from bot.approvals.policy.types import (
    AgentName,
    ArgumentPath,
    Channel,
    ChannelId,
    Day,
    FieldId,
    Name,
    Names,
    Operators,
    OperatorsShape,
    Sentence,
    Span,
    TimeOfDay,
    TimeZone,
    Title,
    UsergroupId,
    UserId,
    UserIds,
    Weekday,
    only,
    wrong,
)

ANSWERS = ("approve", "reject", "edit", "answer")  # what `allow` may offer
WAYS = ("slack", "email", "webhook")  # how people are told that it is their turn


@dataclass(frozen=True)
class KnownGroups:
    """The file's groups: name -> number of people, None where that is unreadable."""

    sizes: Mapping[str, int | None]


def _known_group(name: str, info: ValidationInfo) -> str:
    sizes = _sizes(info)
    if sizes is not None and name not in {*sizes, REQUESTER}:
        raise wrong(complaints.no_group(name, sizes))
    return name


def _sizes(info: ValidationInfo) -> Mapping[str, int | None] | None:
    return info.context.sizes if isinstance(info.context, KnownGroups) else None


GroupName = Annotated[str, AfterValidator(_known_group)]


class _Shape(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class EscalateShape(_Shape):
    """`escalate` of a stage."""

    after: Span
    to: GroupName

    @check("to")
    @classmethod
    def _not_the_requester(cls, to: str) -> str:
        if to == REQUESTER:
            raise wrong(complaints.OWN_APPROVAL)
        return to


class StageShape(_Shape):
    """An item of `stages`."""

    approvers: GroupName
    quorum: Annotated[int, Field(ge=1)] = 1
    channel: Channel | None = None
    timeout: Span | None = None
    reminders: list[Span] | None = None
    escalate: EscalateShape | None = None
    notify: list[Annotated[str, only(*WAYS)]] = []

    @check("quorum")
    @classmethod
    def _not_over_the_group(cls, quorum: int, info: ValidationInfo) -> int:
        group = info.data.get("approvers", "")
        size = 1 if group == REQUESTER else (_sizes(info) or {}).get(group)
        if size is not None and quorum > size:
            raise wrong(complaints.over_the_group(quorum, group, size))
        return quorum


Stages = list[StageShape]


class HoursShape(_Shape):
    """`defaults.hours`."""

    days: list[Weekday]
    begin: Annotated[TimeOfDay, Field(alias="from")]
    end: Annotated[TimeOfDay, Field(alias="to")]


class DefaultsShape(_Shape):
    """`defaults`."""

    channel: Channel = THREAD
    timeout: Span = TIMEOUT
    stages: Stages | None = None
    timezone: TimeZone = "UTC"
    reminders: list[Span] = []
    hours: HoursShape | None = None


class RequestersShape(_Shape):
    """`requesters`."""

    members: Annotated[bool, only(True, hint=complaints.OR_NO_ONE)] = True


class GroupShape(_Shape):
    """A group of `approvers`; `checks` holds that its people come from one place."""

    users: UserIds = []
    usergroup: UsergroupId = ""
    channel: ChannelId = ""
    manager_of_requester: FieldId = ""
    open: Annotated[bool, only(True, hint=complaints.LEAVE_OUT)] = False
    delegable_to: GroupName = ""


class DelegationShape(_Shape):
    """An item of `delegations`."""

    principal: Annotated[UserId, Field(alias="from")]
    delegate: Annotated[UserId, Field(alias="to")]
    until: Day


class InterruptsShape(_Shape):
    """`interrupts`."""

    answers: Any = None  # `checks` looks inside
    levels: dict[Name, GroupName] = {}


class AnswersShape(_Shape):
    """`answers`, where each outcome has a value of its own, and a text a shape."""

    approve: Any
    reject: Any
    timed_out: Any
    answer: Any


class StandingShape(_Shape):
    """`standing` of a rule."""

    max: Span
    uses: Annotated[int, Field(ge=1)]


class RuleShape(_Shape):
    """An item of `rules`."""

    name: Name = ""
    tools: Names = []
    interrupts: Names = []
    why: Sentence = ""
    stages: Stages = []
    approval: Annotated[Literal["none"] | None, only("none")] = None
    deny: Annotated[bool, only(True, hint=complaints.LEAVE_OUT)] = False
    when: dict[ArgumentPath, Operators] = {}
    allow: list[Annotated[str, only(*ANSWERS)]] = []
    confirm: Annotated[str, only(*map(str, Confirm))] = str(Confirm.NONE)
    critical: bool = False
    links: bool = False
    title: Title = ""
    risk: Annotated[str, only(*map(str, Risk))] = str(Risk.NORMAL)
    reject: Annotated[Literal["reason"] | None, only("reason")] = None
    agents: list[AgentName] | None = None
    claim_within: Span | None = None
    result_within: Span | None = None
    standing: StandingShape | None = None
    answers: Any = None  # `checks` looks inside


class PolicyShape(_Shape):
    """The whole file."""

    version: Annotated[int, only(1)]
    defaults: DefaultsShape = DefaultsShape()
    requesters: RequestersShape = RequestersShape()
    approvers: dict[Name, GroupShape] = {}
    delegations: list[DelegationShape] = []
    interrupts: InterruptsShape = InterruptsShape()
    rules: list[RuleShape] = []


SHAPES: Mapping[str, type[BaseModel]] = {
    "": PolicyShape,
    "defaults": DefaultsShape,
    "hours": HoursShape,
    "requesters": RequestersShape,
    "approvers": GroupShape,
    "delegations": DelegationShape,
    "interrupts": InterruptsShape,
    "rules": RuleShape,
    "stages": StageShape,
    "escalate": EscalateShape,
    "standing": StandingShape,
    "when": OperatorsShape,
    "answers": AnswersShape,
}


def room(loc: Loc) -> str:
    """Say which of SHAPES a mapping at this place has to have."""
    match [step for step in loc if isinstance(step, str)]:
        case ["rules", "when", _]:
            return "when"
        case ["rules" | "interrupts", "answers"]:
            return "answers"
        case ["rules" | "defaults", "stages", "escalate"]:
            return "escalate"
        case ["rules", "standing"]:
            return "standing"
        case ["defaults", "hours"]:
            return "hours"
        case ["rules" | "defaults", "stages"]:
            return "stages"
        case words:
            return words[0] if words else ""


def keys_of(shape: type[BaseModel]) -> list[str]:
    """The keys that a mapping of this shape may have, as the file writes them."""
    return [field.alias or name for name, field in shape.model_fields.items()]


def complaints_of(error: ValidationError) -> list[Complaint]:
    """Give one complaint for each finding of pydantic."""
    findings = error.errors(include_url=False)
    meant = _meant(findings)
    return [
        Complaint.at(_loc(finding), _sentence(finding))
        for finding in findings
        if not (finding["type"] == "missing" and _loc(finding) in meant)
    ]


def empty_values(data: Any, loc: Loc = ()) -> Iterable[Complaint]:
    """Find each key that has nothing under it: an oversight, never a choice.

    What a graph is resumed with may be anything, and so also nothing.
    """
    if room(loc[:-1]) == "answers":
        return
    if loc and _is_empty(data) and not (loc[-1] == "agents" and data == []):
        yield Complaint.at(loc, complaints.EMPTY)
    elif isinstance(data, dict):
        for key, value in cast("Mapping[str, Any]", data).items():
            yield from empty_values(value, (*loc, key))
    elif isinstance(data, list):
        for index, value in enumerate(cast("list[Any]", data)):
            yield from empty_values(value, (*loc, index))


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})


def probably_meant(key: str, loc: Loc) -> str:
    """Name the key of the mapping at `loc` that somebody mistyped, or ""."""
    place = room(loc)
    return next(iter(difflib.get_close_matches(key, keys_of(SHAPES[place]), n=1)), "")


def _meant(findings: list[ErrorDetails]) -> set[Loc]:
    """Keys that are missing only because another key stands in their place."""
    meant: set[Loc] = set()
    for loc in (_loc(f) for f in findings if f["type"] == "extra_forbidden"):
        key, around = str(loc[-1]), loc[:-1]
        meant.add((*around, probably_meant(key, around)))
    return meant


def _loc(finding: ErrorDetails) -> Loc:
    loc = finding["loc"]
    # pydantic marks a complaint about a mapping's key, not its value, like this
    return loc[:-1] if len(loc) > 2 and loc[-1] == "[key]" else loc


def _sentence(finding: ErrorDetails) -> str:
    loc, found = _loc(finding), finding["input"]
    if finding["type"] == "extra_forbidden":
        return unknown_key(str(loc[-1]), loc[:-1])
    if finding["type"] == "missing":
        key = (room(loc[:-1]), str(loc[-1]))
        return complaints.MISSING_KEYS.get(key, complaints.MISSING)
    if _is_empty(found):
        return complaints.EMPTY
    said = complaints.WRONG_TYPES.get(finding["type"], finding["msg"])
    return said.replace("{found}", kind(found))


def unknown_key(key: str, around: Loc) -> str:
    """Say that a mapping at `around` has no such key, and which one may be meant."""
    known = keys_of(SHAPES[room(around)])
    return complaints.unknown_key(probably_meant(key, around), known)
