"""A request of the managers, and `judge` with the policy that fits it."""

from __future__ import annotations

import dataclasses
import datetime as dt

from bot.approvals.eligibility import PolicyContext
from bot.approvals.judge import Result, judge
from bot.approvals.model import (
    Action,
    Decision,
    Person,
    Profile,
    Request,
    Stage,
    Verdict,
)
from bot.approvals.policy.model import Group, Policy
from tests.support import request_builder
from tests.support.people import person
from tests.support.policies import make_policy
from tests.support.request_builder import MANAGERS, NOW

APPROVE, REJECT = Verdict.APPROVE, Verdict.REJECT
PAULA = "U0PAULA"


def request(*stages: Stage, **changes) -> Request:
    given = {
        "id": "r1",
        "tool": "wipe",
        "arguments": {},
        "participants": (PAULA,),
        "stages": stages or (MANAGERS,),
        "card": "card-1",
        "channel": "C1",
        "ts": "1.1",
        "messages": (("C1", "1.1"), ("C0", "0.5")),
    }
    return request_builder.request(**{**given, **changes})


def said(user: str, stage: int = 0, verdict=APPROVE, click: str = "") -> Decision:
    return Decision(person(user), verdict, stage, NOW, "slack", click=click)


POLICY = make_policy(
    "{name: wiping, tools: [wipe], stages: [{approvers: managers}],"
    " allow: [approve, reject, edit, answer]}"
)


def policy_for(asked: Request, open_group: tuple[str, ...] | None = None) -> Policy:
    """A policy with the request's groups; the open stage's group as it is now."""
    groups = {s.approvers: Group(s.approvers, s.people) for s in asked.chain.stages}
    if open_group is not None:
        name = asked.chain.stages[asked.chain.stage_index].approvers
        groups[name] = Group(name, open_group)
    return dataclasses.replace(POLICY, groups=groups)


def judged(
    asked: Request,
    who: str | Person,
    verdict: Verdict = APPROVE,
    *,
    refusal: str = "",
    group: tuple[str, ...] | None = None,
    now: dt.datetime = NOW,
    token: str = "r1",
    **action,
) -> Result:
    """Judge one word; the policy's group is by default as it was."""
    by = person(who) if isinstance(who, str) else who
    return judge(
        asked,
        Action(token, by, verdict, "slack", **action),
        profile=Profile(by, "Somebody", refusal),
        own_app="A1",
        context=PolicyContext(policy_for(asked, group), now, {}),
    )


def passed(stage: Stage) -> Stage:
    return dataclasses.replace(stage, passed_at=NOW)
