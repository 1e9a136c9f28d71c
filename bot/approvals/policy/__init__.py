"""Who must approve what: the policy file, read strictly, and what it asks of a call."""

from __future__ import annotations

from bot.approvals.policy.complaints import Complaint, PolicyError
from bot.approvals.policy.load import load_policy, parse_policy
from bot.approvals.policy.match import plan
from bot.approvals.policy.model import (
    DEFAULT_STAGES,
    THREAD,
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
)

__all__ = [
    "DEFAULT_STAGES",
    "THREAD",
    "Complaint",
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
    "load_policy",
    "named_ids",
    "parse_policy",
    "plan",
]
