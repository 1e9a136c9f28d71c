"""The shape of policy.yml: its keys, their types, and the keys of later versions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo
from pydantic import field_validator as check

from bot.approvals.model import REQUESTER, Confirm
from bot.approvals.policy.complaints import Loc, shown
from bot.approvals.policy.fields import (
    Channel,
    ChannelId,
    Day,
    FieldId,
    Name,
    Names,
    Sentence,
    Span,
    TimeOfDay,
    TimeZone,
    UsergroupId,
    UserId,
    UserIds,
    Weekday,
    only,
    wrong,
)
from bot.approvals.policy.model import THREAD
from bot.approvals.policy.operands import ArgumentPath, Operators, OperatorsShape

ANSWERS = ("approve", "reject", "edit", "answer")  # what `allow` may offer
WAYS = ("slack", "email", "webhook")  # how people are told that it is their turn


@dataclass(frozen=True)
class Known:
    """The file's groups: name -> number of people, None where that is unreadable."""

    sizes: Mapping[str, int | None]


def _known_group(name: str, info: ValidationInfo) -> str:
    sizes = _sizes(info)
    if sizes is not None and name not in {*sizes, REQUESTER}:
        declared = ", ".join(map(shown, sizes)) or "none"
        raise wrong(f"{shown(name)} is no group of `approvers` (declared: {declared}).")
    return name


def _sizes(info: ValidationInfo) -> Mapping[str, int | None] | None:
    return info.context.sizes if isinstance(info.context, Known) else None


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
            raise wrong("silence cannot let people approve their own requests.")
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
            raise wrong(f"asks for {quorum}, but {shown(group)} has {size} in all.")
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
    timeout: Span = dt.timedelta(hours=24)
    stages: Stages | None = None
    timezone: TimeZone = "UTC"
    reminders: list[Span] = []
    hours: HoursShape | None = None


class RequestersShape(_Shape):
    """`requesters`."""

    members: Annotated[bool, only(True, hint=", or nobody could ask")] = True


class GroupShape(_Shape):
    """A group of `approvers`; `checks` holds that its people come from one place."""

    users: UserIds = []
    usergroup: UsergroupId = ""
    channel: ChannelId = ""
    manager_of_requester: FieldId = ""
    open: Annotated[bool, only(True, hint="; leave the key out")] = False
    delegable_to: GroupName = ""


class DelegationShape(_Shape):
    """An item of `delegations`."""

    principal: Annotated[UserId, Field(alias="from")]
    delegate: Annotated[UserId, Field(alias="to")]
    until: Day


class InterruptsShape(_Shape):
    """`interrupts`."""

    answers: Annotated[
        Literal["words", "booleans"] | None, only("words", "booleans")
    ] = None
    levels: dict[Name, GroupName] = {}


class AnswersShape(_Shape):
    """`answers` of a rule, where each outcome has a value of its own."""

    approve: Any
    reject: Any
    timed_out: Any


class RuleShape(_Shape):
    """An item of `rules`."""

    name: Name = ""
    tools: Names = []
    interrupts: Names = []
    why: Sentence = ""
    stages: Stages = []
    approval: Annotated[Literal["none"] | None, only("none")] = None
    deny: Annotated[bool, only(True, hint="; leave the key out")] = False
    when: dict[ArgumentPath, Operators] = {}
    allow: list[Annotated[str, only(*ANSWERS)]] = []
    confirm: Annotated[str, only(*map(str, Confirm))] = str(Confirm.NONE)
    critical: bool = False
    links: bool = False
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
    "when": OperatorsShape,
    "answers": AnswersShape,
}


def room(loc: Loc) -> str:
    """Say which of SHAPES a mapping at this place has to have."""
    match [step for step in loc if isinstance(step, str)]:
        case ["rules", "when", _]:
            return "when"
        case ["rules", "answers"]:
            return "answers"
        case ["rules" | "defaults", "stages", "escalate"]:
            return "escalate"
        case ["defaults", "hours"]:
            return "hours"
        case ["rules" | "defaults", "stages"]:
            return "stages"
        case words:
            return words[0] if words else ""


def keys_of(shape: type[BaseModel]) -> list[str]:
    """The keys that a mapping of this shape may have, as the file writes them."""
    return [field.alias or name for name, field in shape.model_fields.items()]
