"""A payment to edit or to answer, and the policy that judges it."""

from __future__ import annotations

from functools import partial
from typing import Any

from bot.approvals.eligibility import PolicyContext
from bot.approvals.model import Action, Request, Verdict
from tests.support.people import DANA, MINA, OMAR, RAVI, person
from tests.support.policies import make_policy
from tests.support.request_builder import MANAGERS, NOW, request

RULES = """
  - {name: pay, tools: [pay], why: Money., stages: [{approvers: managers}]}
  - {name: big, tools: [pay], why: Much., when: {amount: {gt: 100}},
     stages: [{approvers: directors}], confirm: typed, allow: [approve, edit]}
  - {name: two, tools: [pay], when: {amount: {gt: 200}},
     stages: [{approvers: managers, quorum: 2}]}
  - {name: own, tools: [pay], agents: [robot], when: {amount: {eq: 16}}, deny: true}
  - {name: odd, tools: [pay], when: {amount: {eq: 13}}, deny: true, why: Unlucky.}
  - {name: alone, tools: [pay], when: {amount: {eq: 14}}, stages: [{approvers: nobody}]}
  - {name: live, tools: [pay], when: {amount: {eq: 15}}, stages: [{approvers: finance}]}
  - {name: ask, interrupts: [ship],
     stages: [{approvers: directors}, {approvers: managers}]}
  - {name: free, tools: [wipe], when: {path: {eq: tmp}}, approval: none}
  - {name: rest, tools: [wipe], when: {path: {ne: tmp}},
     stages: [{approvers: directors}]}
"""
policy = partial(
    make_policy,
    RULES,
    approvers={
        "managers": (MINA, OMAR),
        "directors": (DANA,),
        "nobody": (RAVI,),
        "finance": "{usergroup: S01}",
    },
    interrupts="{answers: words, levels: {boss: directors, money: finance}}",
)
POLICY = policy()
SCHEMA = {"properties": {"amount": {"type": "integer"}}, "required": ["amount"]}
STANDING = PolicyContext(POLICY, NOW, {"usergroup:S01": (DANA,)})


def asked(**changed: Any) -> Request:
    given: dict[str, Any] = {
        "tool": "pay",
        "arguments": {"amount": 5},
        "schema": SCHEMA,
        "schema_digest": "s",
        "stages": (MANAGERS,),
    }
    return request(**{**given, **changed})


def action(arguments: Any, who: str = MINA, **changed: Any) -> Action:
    by = person(who)
    return Action(
        "req-1",
        by,
        Verdict.EDIT,
        "slack",
        click="click-1",
        arguments=arguments,
        **changed,
    )
