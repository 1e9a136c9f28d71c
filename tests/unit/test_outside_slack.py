"""The policy's rules for what happens outside Slack: links, e-mails, events."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.approvals.model import Request, Stage, Status
from bot.approvals.outside_slack import tells_by_email, ways_to_tell, why_no_links
from bot.approvals.policy.load import parse_policy
from bot.approvals.policy.model import Policy
from bot.notices.feed import whom_to_write
from tests.support.policies import policy_text
from tests.support.request_builder import NOW, changed, request

TEXT = policy_text(
    """
  - name: paying
    tools: [pay]
    stages: [{approvers: managers, notify: [slack, email]}]
    links: true
  - name: paying-much
    tools: [pay]
    when: {amount: {gt: 10}}
    stages: [{approvers: bosses, notify: [webhook]}]
    links: true
  - name: paying-dollars
    tools: [pay]
    when: {currency: {eq: USD}}
    stages: [{approvers: managers, notify: [webhook]}]
  - name: paying-secretly
    tools: [pay]
    when: {secret: {eq: true}}
    stages: [{approvers: managers}]
    links: true
    critical: true
""",
    defaults="{stages: [{approvers: managers}]}",
    approvers={"managers": ("U0MINA", "U0MAREK"), "bosses": ("U0DORA",)},
)
POLICY = parse_policy(TEXT)


def asked(
    policy: Policy = POLICY, /, tool: str = "pay", **arguments: object
) -> Request:
    """A request of Ravi's whose first stage, the managers', is open."""
    return request(
        tool=tool,
        arguments={"amount": 1, "currency": "GBP", "secret": False, **arguments},
        policy_version=policy.version,
        stages=(
            Stage("managers", ("U0MINA", "U0MAREK")),
            Stage("bosses", ("U0DORA",)),
        ),
    )


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({}, ""),
        ({"amount": 11}, ""),
        ({"currency": "USD"}, "no_links"),
        ({"amount": 11, "currency": "USD"}, "no_links"),
        ({"secret": True}, "critical"),
        ({"tool": "wipe"}, "no_links"),
    ],
)
def test_every_rule_that_demands_the_call_has_to_allow_links(arguments, word):
    assert why_no_links(asked(**arguments), POLICY, signs_in=False) == word


def test_what_is_critical_takes_links_where_people_can_sign_in():
    assert why_no_links(asked(secret=True), POLICY, signs_in=True) == ""


def test_links_end_with_the_policy_that_allowed_them():
    older = parse_policy(TEXT.replace("    links: true\n", ""))
    assert why_no_links(asked(older), POLICY, signs_in=True) == "policy_changed"


def test_the_open_stage_says_how_its_approvers_are_told():
    request = asked(amount=11, currency="USD")
    assert ways_to_tell(request, POLICY) == {"email", "webhook"}
    first = replace(request.chain.stages[0], passed_at=NOW)
    second = changed(request, stages=(first, request.chain.stages[1]))
    assert ways_to_tell(second, POLICY) == {"webhook"}
    assert tells_by_email(second, POLICY)
    assert not tells_by_email(asked(tool="wipe"), POLICY)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("requested", [("U0MINA", "notice"), ("U0MAREK", "notice")]),
        ("stage_passed", [("U0MINA", "notice"), ("U0MAREK", "notice")]),
        ("reminded", [("U0MINA", "reminder"), ("U0MAREK", "reminder")]),
        ("recorded", []),
        ("claimed", []),
        ("rejected", [("U0RAVI", "outcome")]),
        ("withdrawn", []),
    ],
)
def test_who_gets_an_e_mail_about_what(change, told):
    assert list(whom_to_write(change, asked(), POLICY)) == told
    assert list(whom_to_write(change, asked(tool="wipe"), POLICY)) == []


def test_nobody_is_called_to_what_is_over():
    over = changed(asked(), status=Status.REJECTED, decided_at=NOW)
    assert list(whom_to_write("requested", over, POLICY)) == []
