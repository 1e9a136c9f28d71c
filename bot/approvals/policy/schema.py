"""The shape of policy.yml: its keys, their types, and the keys of later versions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo
from pydantic import field_validator as check

from bot.approvals.policy.complaints import Loc, shown
from bot.approvals.policy.fields import (
    Channel,
    Name,
    Names,
    Sentence,
    Span,
    UserIds,
    only,
    wrong,
)
from bot.approvals.policy.model import THREAD


@dataclass(frozen=True)
class Known:
    """The file's groups: name -> number of people, None where that is unreadable."""

    sizes: Mapping[str, int | None]


def _known_group(name: str, info: ValidationInfo) -> str:
    sizes = _sizes(info)
    if name == "requester":
        raise wrong(
            "the built-in group `requester` is not available in this version yet; "
            "name a group of `approvers`."
        )
    if sizes is not None and name not in sizes:
        declared = ", ".join(map(shown, sizes)) or "none"
        raise wrong(f"{shown(name)} is no group of `approvers` (declared: {declared}).")
    return name


def _sizes(info: ValidationInfo) -> Mapping[str, int | None] | None:
    return info.context.sizes if isinstance(info.context, Known) else None


GroupName = Annotated[str, AfterValidator(_known_group)]


class _Shape(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class StageShape(_Shape):
    """An item of `stages`."""

    approvers: GroupName
    quorum: Annotated[int, Field(ge=1)] = 1

    @check("quorum")
    @classmethod
    def _not_over_the_group(cls, quorum: int, info: ValidationInfo) -> int:
        group = info.data.get("approvers", "")
        size = (_sizes(info) or {}).get(group)
        if size is not None and quorum > size:
            raise wrong(f"asks for {quorum}, but {shown(group)} has {size} in all.")
        return quorum


Stages = list[StageShape]


class DefaultsShape(_Shape):
    """`defaults`."""

    channel: Channel = THREAD
    timeout: Span = dt.timedelta(hours=24)
    stages: Stages | None = None


class RequestersShape(_Shape):
    """`requesters`."""

    members: Annotated[bool, only(True, hint=", or nobody could ask")] = True


class GroupShape(_Shape):
    """A group of `approvers`."""

    users: UserIds


class InterruptsShape(_Shape):
    """`interrupts`."""

    answers: Annotated[
        Literal["words", "booleans"] | None, only("words", "booleans")
    ] = None
    levels: dict[Name, GroupName] = {}


class RuleShape(_Shape):
    """An item of `rules`."""

    name: Name = ""
    tools: Names = []
    interrupts: Names = []
    why: Sentence = ""
    stages: Stages = []
    approval: Annotated[Literal["none"] | None, only("none")] = None
    deny: Annotated[bool, only(True, hint="; leave the key out")] = False


class PolicyShape(_Shape):
    """The whole file."""

    version: Annotated[int, only(1)]
    defaults: DefaultsShape = DefaultsShape()
    requesters: RequestersShape = RequestersShape()
    approvers: dict[Name, GroupShape] = {}
    interrupts: InterruptsShape = InterruptsShape()
    rules: list[RuleShape] = []


SHAPES: Mapping[str, type[BaseModel]] = {
    "": PolicyShape,
    "defaults": DefaultsShape,
    "requesters": RequestersShape,
    "approvers": GroupShape,
    "interrupts": InterruptsShape,
    "rules": RuleShape,
    "stages": StageShape,
}

# Keys that belong to the format and are not read yet: refused, never ignored.
LATER: Mapping[str, Mapping[str, str]] = {
    "": {"delegations": "delegations are"},
    "defaults": {
        "reminders": "reminders are",
        "timezone": "time zones are",
        "hours": "working hours are",
    },
    "approvers": {
        "usergroup": "groups by Slack user group are",
        "channel": "groups by channel are",
        "manager_of_requester": "groups by the requester's manager are",
        "open": "open groups are",
        "delegable_to": "delegations are",
    },
    "rules": {
        "when": "conditions are",
        "allow": "a choice of answers is",
        "confirm": "confirmations are",
        "critical": "critical rules are",
        "links": "signed links are",
        "notify": "other ways of notifying are",
        "answers": "the answer words of a rule are",
    },
    "stages": {
        "timeout": "the timeout of a stage is",
        "reminders": "reminders are",
        "escalate": "escalations are",
        "channel": "the channel of a stage is",
    },
}


def room(loc: Loc) -> str:
    """Say which of SHAPES a mapping at this place has to have."""
    words = [step for step in loc if isinstance(step, str)]
    if words[-1:] == ["stages"] and words[0] in ("defaults", "rules"):
        return "stages"
    return words[0] if words else ""
