"""A headline says the effect; no value passes for its words, or for a field's."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from agent.phrases.tool_calls import TITLES
from agent.tool_arguments import schema_of, titles_of
from agent.tools import make_tools
from agent.tools.database import open_database
from bot.approvals.model import Kind, Risk
from bot.approvals.policy.complaints import PolicyError
from bot.approvals.policy.match import plan
from bot.approvals.policy.model import Demanded
from bot.approvals.policy.titles import Part, filled, headline, in_order
from bot.slack.cards.arguments import asked_fields
from bot.texts.call import (
    html_fields,
    mrkdwn_headline,
    plain_headline,
    text_fields,
)
from bot.texts.policy import manner_lines
from tests.support.policies import make_policy
from tests.support.request_builder import request

MONEY = {"to": "alice", "amount": 12500, "currency": "GBP"}
SHIPPED = "Transfer {amount:money} {currency} to {to}"
policy = partial(
    make_policy,
    defaults="{channel: C01, timeout: 2h}",
    approvers={"managers": ("U01", "U02")},
)


def said(**changes: Any) -> str:
    return plain_headline(request(**changes))


def test_a_tools_own_template_names_the_effect_and_its_target():
    asked = {"tool": "transfer_money", "arguments": MONEY, "tool_title": SHIPPED}
    assert said(**asked) == "Transfer `12,500.00` `GBP` to `alice`"
    marked = mrkdwn_headline(request(**asked))
    assert marked == "*Transfer* `12,500.00` `GBP` *to* `alice`"


def test_the_policys_title_goes_before_the_tools():
    asked = {"arguments": MONEY, "tool_title": SHIPPED, "title": "Pay {to} {amount}!"}
    assert said(**asked) == "Pay `alice` `12500`!"


def test_a_title_whose_argument_is_missing_gives_way():
    asked = {"arguments": MONEY, "tool_title": SHIPPED, "title": "Pay {iban}"}
    assert said(**asked).startswith("Transfer ")


@pytest.mark.parametrize(
    ("tool", "arguments", "headline"),
    [
        ("delete_file", {"path": "a.txt"}, "Delete file `a.txt`"),
        ("drop-all", {"list": [1], "b": True}, "Drop all `true`"),
        ("list_accounts", {}, "List accounts"),
        ("rm -rf", {"x": 1}, "Run `rm -rf` `1`"),
        ("say", {"text": ""}, 'Say `""`'),
        ("say", {"text": "a`b\n" + "c" * 90}, f"Say `a'b {'c' * 55}…`"),
    ],
)
def test_any_other_call_is_named_by_tool_and_first_argument(tool, arguments, headline):
    assert said(tool=tool, arguments=arguments) == headline


def test_a_secret_is_masked_in_a_headline_too():
    assert "hunter2" not in said(arguments={"token": "hunter2hunter2hunter2"})


def test_required_arguments_come_first_in_the_schemas_order():
    schema = {"properties": {"c": {}, "b": {}, "z": {}, "a": {}}, "required": ["z"]}
    given = {"a": 1, "b": 2, "z": 3, "1": 4, "0": 5}
    assert in_order(given, schema) == ["z", "b", "a", "0", "1"]


def test_fields_outside_slack_are_the_cards_in_text_and_html():
    schema = {"required": ["to"], "properties": {"to": {}, "n": {}, "body": {}}}
    given = {"body": "<b>\nn: 1", "n": 12, "to": "12", "x y": 1, "Tool": "look"}
    shown = asked_fields(request(arguments=given, schema=schema))
    assert text_fields(shown).splitlines() == [
        'to: "12"',
        "n: 12",
        "body:",
        "    <b>",
        "    n: 1",
        '"Tool": look',
        '"x y": 1',
    ]
    html = html_fields(shown, "color:red")
    assert re.findall(r"<th.*?>(.*?)</th>", html) == [
        "to",
        "n",
        "body",
        "<code>Tool</code>",
        "<code>&quot;x y&quot;</code>",
    ]
    assert '<pre style="color:red">&lt;b&gt;\nn: 1</pre>' in html


def test_a_list_has_commas_and_a_path_reaches_inside():
    found = filled("Mail {to} of {a.b}", {"to": ["x", "y"], "a": {"b": None}})
    assert [part.text for part in found] == ["Mail ", "x, y", " of ", "null"]
    assert filled("Mail {a.c}", {"a": {"b": 1}}) == ()


def test_a_graphs_question_is_its_own_headline():
    asked = request(
        kind=Kind.INTERRUPT,
        tool="interrupt",
        arguments={"value": "Ship it?"},
        headline="value",
        tool_title="Never {value}",
    )
    assert headline(asked) == (Part("Ship it?", is_value=True),)


def test_a_headline_stays_short_however_much_it_names():
    title = "Do " + "{a}" * 40
    assert len(said(arguments={"a": "x" * 500}, title=title)) < 300


def test_each_shipped_title_names_arguments_of_its_tool(tmp_path: Path):
    shop = open_database(f"sqlite:{tmp_path}/shop.sqlite")
    sets = ["files", "sandbox", "database"]
    made = make_tools(sets, files_dir=tmp_path, database=shop)
    tools = {tool.name: tool for tool in made}
    own = titles_of(tools.values())
    assert own == {name: TITLES[name] for name in own}
    assert {*TITLES} - {*own} == {"send_email"}
    for name, title in own.items():
        named = {*re.findall(r"\{(\w+)", title)}
        assert named <= schema_of(tools[name])["properties"].keys()


def demanded(*rules: str, arguments: dict[str, Any] | None = None) -> Demanded:
    whole = [f"{{tools: [x], stages: [{{approvers: managers}}], {r}}}" for r in rules]
    found = plan(policy(*whole), "x", arguments or {})
    assert isinstance(found, Demanded)
    return found


@pytest.mark.parametrize(
    ("rules", "risk"),
    [
        (["why: A."], Risk.NORMAL),
        (["risk: low"], Risk.LOW),
        (["risk: low", "why: A."], Risk.NORMAL),
        (["risk: high", "risk: low"], Risk.HIGH),
        (["risk: low, critical: true"], Risk.HIGH),
    ],
)
def test_the_highest_risk_of_all_matching_rules_counts(rules: list[str], risk: Risk):
    assert demanded(*rules).risk is risk


def test_the_first_title_that_the_call_can_fill_counts():
    rules = ('title: "Pay {iban}"', 'title: "Pay {to}"', 'title: "Third"')
    assert demanded(*rules, arguments={"to": "a"}).title == "Pay {to}"


def test_one_rule_that_wants_a_reason_is_enough():
    assert demanded("reject: reason", "why: A.").asks_reason
    assert not demanded("why: A.").asks_reason


def test_explain_says_risk_title_and_reason():
    found = demanded(
        'risk: high, reject: reason, title: "Pay {to}"', arguments={"to": 1}
    )
    lines = [line.strip() for line in manner_lines(found)]
    assert {"risk: high", "title: Pay {to}", "reject: asks for a reason"} <= {*lines}


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ('title: "Pay {to"', "has a brace that names no argument"),
        ('title: "Pay {}"', "has a brace that names no argument"),
        (f'title: "{"x" * 151}"', "1 to 150 printable characters"),
        ("risk: huge", "huge"),
        ("reject: always", "always"),
    ],
)
def test_a_bad_headline_or_risk_is_refused(rule: str, complaint: str):
    with pytest.raises(PolicyError, match=complaint):
        demanded(rule)


@pytest.mark.parametrize("key", ["title: x", "risk: high", "reject: reason"])
def test_what_shapes_a_card_needs_stages(key: str):
    with pytest.raises(PolicyError, match=key.partition(":")[0]):
        policy(f"{{tools: [x], approval: none, {key}}}")
