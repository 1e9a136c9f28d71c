"""Rules for agents outside: whom a rule is for, and how long they have."""

from __future__ import annotations

import datetime as dt
import json
from argparse import Namespace
from pathlib import Path

import pytest

from bot.approvals.assess import ProposedCall, Turn, rule
from bot.approvals.eligibility import PolicyContext
from bot.approvals.model import Askers, Outcome
from bot.approvals.policy.complaints import PolicyError
from bot.approvals.policy.match import plan
from bot.approvals.policy.model import Demanded, Denied, Policy, Waived
from bot.base.settings import Settings
from bot.commands.policy import explain_command, show_command
from tests.support.people import MINA, OMAR, RAVI, person
from tests.support.policies import make_policy, policy_text
from tests.support.request_builder import NOW

ASK = "stages: [{approvers: managers}]"
HOUR = dt.timedelta(hours=1)


def groups(policy: Policy, agent: str, tool: str = "restart") -> list[str] | str:
    found = plan(policy, tool, {}, agent=agent)
    if isinstance(found, Demanded):
        return [stage.approvers for stage in found.stages]
    return type(found).__name__


def test_a_waiver_holds_outside_only_where_it_names_the_agent():
    anybody = "{tools: [restart], approval: none}"
    named = "{tools: [restart], agents: [deploy-bot], approval: none}"
    assert groups(make_policy(anybody), "") == "Waived"
    assert groups(make_policy(anybody), "deploy-bot") == "Denied"
    assert groups(make_policy(named), "deploy-bot") == "Waived"
    assert groups(make_policy(named), "other-bot") == "Denied"
    assert groups(make_policy(named), "") == "Denied"


def test_demands_and_denials_hold_for_agents_too():
    policy = make_policy(
        f"{{tools: [restart], {ASK}}}",
        "{tools: [restart], agents: [deploy-bot], approval: none}",
        "{tools: [wipe], agents: [deploy-bot], deny: true}",
        f"{{tools: [wipe], {ASK}}}",
    )
    assert groups(policy, "deploy-bot") == groups(policy, "") == ["managers"]
    assert groups(policy, "deploy-bot", "wipe") == "Denied"
    assert groups(policy, "", "wipe") == ["managers"]


def test_an_empty_list_limits_a_rule_to_the_own_graph():
    policy = make_policy(f"{{tools: [restart], agents: [], {ASK}}}")
    assert groups(policy, "") == ["managers"]
    assert groups(policy, "deploy-bot") == "Denied"


def test_the_shortest_times_to_claim_and_report_hold():
    policy = make_policy(
        f"{{tools: [restart], {ASK}, claim_within: 5m}}",
        f"{{tools: ['*'], {ASK}, claim_within: 10m, result_within: 2m}}",
        "{tools: [look], agents: [a], approval: none, result_within: 30s}",
    )
    both = plan(policy, "restart", {}, agent="a")
    assert isinstance(both, Demanded)
    assert both.claim_within == dt.timedelta(minutes=5)
    assert both.result_within == dt.timedelta(minutes=2)
    only = make_policy("{tools: [x], agents: [a], approval: none, result_within: 30s}")
    waived = Waived("rules[0]", HOUR, dt.timedelta(seconds=30))
    assert plan(only, "x", {}, agent="a") == waived


def test_nobody_confirms_for_an_agent_that_names_its_requester():
    policy = make_policy("{tools: [x], stages: [{approvers: requester}]}")
    asked = ProposedCall("i", "c", "x", {})
    for agent, outcome in (("", Outcome.NONE), ("a", Outcome.UNFILLABLE)):
        turn = Turn("c", "", "", Askers(person(RAVI), (OMAR,), agent=agent))
        ruling = rule(asked, turn, PolicyContext(policy, NOW, {}), {})
        assert ruling.outcome is outcome


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        (
            "{interrupts: [x], agents: [a], stages: [{approvers: managers}]}",
            "rules[0].agents: only goes with `tools`; remove it.",
        ),
        (
            "{tools: [x], agents: [Deploy], approval: none}",
            "rules[0].agents[0]: `Deploy` isn't an agent's name; "
            "write one of API_AGENTS.",
        ),
        (
            "{tools: [x], agents: [a, a], approval: none}",
            "rules[0].agents[1]: `a` is here twice; remove it.",
        ),
        (
            "{tools: [x], deny: true, claim_within: 5m}",
            "rules[0].claim_within: is for agents outside, and none claims anything "
            "here; remove it.",
        ),
    ],
)
def test_what_an_agent_cannot_have_is_refused(rule: str, complaint: str):
    with pytest.raises(PolicyError) as error:
        make_policy(rule)
    assert [str(each) for each in error.value.complaints] == [complaint]


async def test_the_commands_say_whom_a_rule_is_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "policy.yml"
    rules = (
        "{name: free, tools: [look], approval: none}",
        "{name: ours, tools: [look], agents: [], stages: [{approvers: managers}]}",
        "{name: theirs, tools: [look], agents: [a, b], approval: none, "
        "claim_within: 5m}",
    )
    file.write_text(policy_text(*rules))
    settings = Settings.load({"POLICY_FILE": str(file)})
    await show_command(settings, Namespace(), "")
    shown = capsys.readouterr().out
    assert "for the bot's own graph alone" in shown
    assert "for the agents outside a, b alone" in shown
    assert "approval: none; claimed within 5m, its result within 1h" in shown
    asked = Namespace(tool="look", args=json.dumps({}), requester=None, agent="a")
    await explain_command(settings, asked, "")
    said = capsys.readouterr().out
    assert "look, asked by a, by policy" in said
    assert "a waiver holds for a only where the rule names it under `agents`" in said
    assert "rule theirs waives it" in said


def test_a_denial_says_why_to_the_agent_too():
    policy = make_policy("{tools: [x], deny: true, why: Not from here.}")
    assert plan(policy, "x", {}, agent="a") == Denied("rules[0]", "Not from here.")
    assert MINA in policy.groups["managers"].users
