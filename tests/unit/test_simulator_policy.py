"""The simulator's own policy: who decides what a visitor asks the sandbox for."""

from __future__ import annotations

import pytest

from bot.approvals.model import Confirm, Risk, Verdict
from bot.approvals.policy.load import load_policy
from bot.approvals.policy.match import plan
from bot.approvals.policy.model import Demanded, Denied, Waived
from bot.base.settings import SIMULATOR_POLICY
from bot.simulator import demo_workspace

M, F, D = "managers", "finance", "directors"
POLICY = load_policy(SIMULATOR_POLICY)


def transfer(**changed):
    arguments = {"to": "alice", "amount": 500, "currency": "GBP", **changed}
    return plan(POLICY, "transfer_money", arguments)


@pytest.mark.parametrize("currency", ["GBP", "EUR", "USD"])
@pytest.mark.parametrize(
    ("amount", "stages", "confirm", "risk"),
    [
        (0.01, [M], Confirm.NONE, Risk.NORMAL),
        (1_000, [M], Confirm.NONE, Risk.NORMAL),
        (1_000.01, [M, F], Confirm.NONE, Risk.HIGH),
        (10_000, [M, F], Confirm.NONE, Risk.HIGH),
        (10_000.01, [M, F, D], Confirm.TYPED, Risk.HIGH),
        (250_000, [M, F, D], Confirm.TYPED, Risk.HIGH),
        ("500", [M, F, D], Confirm.TYPED, Risk.HIGH),
        (None, [M, F, D], Confirm.TYPED, Risk.HIGH),
        (True, [M, F, D], Confirm.TYPED, Risk.HIGH),
    ],
)
def test_larger_or_odd_transfers_need_more_stages(
    currency, amount, stages, confirm, risk
):
    found = transfer(amount=amount, currency=currency)

    assert isinstance(found, Demanded)
    assert [stage.approvers for stage in found.stages] == stages
    assert (found.confirm, found.risk) == (confirm, risk)
    assert len(found.why) == len(stages)


def test_for_a_large_transfer_the_amount_is_typed():
    found = transfer(amount=20_000)

    assert isinstance(found, Demanded)
    assert found.confirm_argument == "amount"


def test_a_drop_needs_its_name_typed_by_manager_and_director():
    found = plan(POLICY, "drop_database", {"name": "staging"})

    assert isinstance(found, Demanded)
    assert [stage.approvers for stage in found.stages] == [M, D]
    assert (found.confirm, found.confirm_argument) == (Confirm.TYPED, "name")
    assert Verdict.ANSWER in found.allow


@pytest.mark.parametrize("name", ["prod", None, 7])
def test_prod_and_what_might_be_prod_is_not_dropped(name):
    found = plan(POLICY, "drop_database", {"name": name})

    assert isinstance(found, Denied)
    assert found.why == "The production database is not dropped from here."


@pytest.mark.parametrize("tool", ["list_accounts", "list_databases"])
def test_looking_is_free(tool):
    assert isinstance(plan(POLICY, tool, {}), Waived)


def test_everybody_whom_it_names_is_in_the_workspace():
    workspace = demo_workspace()
    groups = POLICY.groups.values()
    sources = [g.source for g in groups if g.source.startswith("usergroup:")]

    named = {user for group in groups for user in group.users}
    assert named <= set(workspace.users)
    assert sources == ["usergroup:S0FINANCE0"]
    assert workspace.usergroups["S0FINANCE0"].users == ["U0FAY00000"]
