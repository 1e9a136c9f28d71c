"""The policy file, read strictly, and what it asks of a call: who must approve what."""

from __future__ import annotations

from bot.approvals.policy.complaints import Complaint, PolicyError
from bot.approvals.policy.conditions import MISSING, value_at
from bot.approvals.policy.load import load_policy, parse_policy
from bot.approvals.policy.match import (
    ChainDemand,
    answers_of,
    plan,
    plan_interrupt,
    stricter,
)
from bot.approvals.policy.model import (
    ALLOWED_RAW,
    DEFAULT_STAGES,
    DM,
    THREAD,
    Condition,
    Delegation,
    Demanded,
    Denied,
    Effect,
    Group,
    Interrupts,
    Plan,
    Policy,
    Requesters,
    Rule,
    StageDemand,
    Waived,
    named_ids,
    standing_in,
)

__all__ = [
    "ALLOWED_RAW",
    "DEFAULT_STAGES",
    "DM",
    "MISSING",
    "THREAD",
    "ChainDemand",
    "Complaint",
    "Condition",
    "Delegation",
    "Demanded",
    "Denied",
    "Effect",
    "Group",
    "Interrupts",
    "Plan",
    "Policy",
    "PolicyError",
    "Requesters",
    "Rule",
    "StageDemand",
    "Waived",
    "answers_of",
    "load_policy",
    "named_ids",
    "parse_policy",
    "plan",
    "plan_interrupt",
    "standing_in",
    "stricter",
    "value_at",
]
