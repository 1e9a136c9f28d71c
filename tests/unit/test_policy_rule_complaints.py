"""The sentence and the path for everything that a rule may not hold."""

from __future__ import annotations

import pytest

from tests.support.policy_texts import complaints, complaints_or_none


def in_rule(rule: str) -> list[str]:
    return complaints(
        f"version: 1\napprovers: {{m: {{users: [U01, U02]}}}}\nrules: [{rule}]"
    )


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        (
            "{tolls: [x], deny: true}",
            "rules[0].tolls: unknown key; did you mean `tools`?",
        ),
        (
            "{tools: [x], aproval: none}",
            "rules[0].aproval: unknown key; did you mean `approval`?",
        ),
        (
            "{tools: [x], deny: true, zzz: 1}",
            "rules[0].zzz: unknown key; remove it.",
        ),
        (
            "{tools: [x], stages: [{approvers: m}], critical: true,"
            " standing: {max: 8h, uses: 2}}",
            "rules[0].standing: can't go with `critical`; remove one of the two.",
        ),
        (
            "{interrupts: [x], stages: [{approvers: m}], standing: {max: 8h, uses: 2}}",
            "rules[0].standing: only goes with `tools`; remove it.",
        ),
        (
            "{tools: [x], stages: [{approvers: m}], standing: {max: 8h, uses: 0}}",
            "rules[0].standing.uses: must be 1 or more, not the number 0.",
        ),
        (
            "{tools: [x], deny: true, links: true}",
            "rules[0].links: only goes with `stages`, since no one is asked here; "
            "remove it.",
        ),
        (
            "{deny: true}",
            "rules[0]: needs one of `tools` or `interrupts`.",
        ),
        (
            "{tools: [x], interrupts: [y], deny: true}",
            "rules[0]: has `tools` and `interrupts`; "
            "keep one of `tools` or `interrupts`.",
        ),
        (
            "{tools: [x]}",
            "rules[0]: needs one of `stages`, `approval` or `deny`.",
        ),
        (
            "{tools: [x], approval: none, stages: [{approvers: m}]}",
            "rules[0]: has `stages` and `approval`; "
            "keep one of `stages`, `approval` or `deny`.",
        ),
        (
            "{interrupts: [x], approval: none}",
            "rules[0].approval: a raw interrupt is never waived; "
            "use `stages` or `deny: true`.",
        ),
        (
            "{tools: [x], deny: false}",
            "rules[0].deny: must be `true`, not the boolean false; leave the key out.",
        ),
        (
            "{tools: [x], approval: off}",
            "rules[0].approval: must be `none`, not the boolean false.",
        ),
        (
            "{tools: [a*b], deny: true}",
            "rules[0].tools[0]: `a*b` isn't a name; "
            "`*` can only be its last character.",
        ),
        (
            "{tools: x, deny: true}",
            "rules[0].tools: must be a list, not the text `x`.",
        ),
        (
            "{tools: [5], deny: true}",
            "rules[0].tools[0]: must be text, not the number 5; "
            "quotes make a value text.",
        ),
        (
            "{name: yes, tools: [x], deny: true}",
            "rules[0].name: must be text, not the boolean true; "
            "quotes make a value text.",
        ),
        (
            "{name: 'rules[1]', tools: [x], deny: true}, {tools: [x], deny: true}",
            "rules[0].name: `rules[1]` is taken by rules[1]; rename one.",
        ),
        (
            "{name: a, tools: [x], deny: true}, {name: a, tools: [x], deny: true}",
            "rules[1].name: `a` is taken by rules[0]; rename one.",
        ),
        (
            "{tools: [x], stages: [{approvers: n}]}",
            "rules[0].stages[0].approvers: `n` isn't a group of `approvers` "
            "(declared: `m`).",
        ),
        (
            "{tools: [x], stages: [{approvers: requester, quorum: 2}]}",
            "rules[0].stages[0].quorum: asks for 2, but `requester` has 1 in all.",
        ),
        (
            "{tools: [x], stages: [{approvers: m, channel: '#ops'}]}",
            "rules[0].stages[0].channel: `#ops` is a channel's name; "
            "write an id such as C0123ABCDEF, thread or dm.",
        ),
        (
            "{tools: [x], stages: [{approvers: m}], confirm: yes}",
            "rules[0].confirm: must be `none`, `dialog` or `typed`, "
            "not the boolean true.",
        ),
        (
            "{tools: [x], stages: [{approvers: m}], allow: [approve, withdraw]}",
            "rules[0].allow[1]: must be `approve`, `reject`, `edit` or `answer`, "
            "not the text `withdraw`.",
        ),
        (
            "{tools: [x], stages: [{approvers: m}], allow: [approve, approve]}",
            "rules[0].allow[1]: `approve` is here twice; remove it.",
        ),
        (
            "{tools: [x], stages: [{approvers: m}], allow: approve}",
            "rules[0].allow: must be a list, not the text `approve`.",
        ),
        (
            "{tools: [x], deny: true, confirm: typed}",
            "rules[0].confirm: only goes with `stages`, since no one is asked here; "
            "remove it.",
        ),
        (
            "{tools: [x], approval: none, allow: [approve]}",
            "rules[0].allow: only goes with `stages`, since no one is asked here; "
            "remove it.",
        ),
        (
            "{tools: [x], deny: true, answers: words}",
            "rules[0].answers: only goes with `interrupts`; remove it.",
        ),
        (
            "{tools: [x], stages: [{quorum: 1}]}",
            "rules[0].stages[0].approvers: is missing; name the group that decides.",
        ),
        (
            "{tools: [x], stages: [{approvers: m, quorum: 3}]}",
            "rules[0].stages[0].quorum: asks for 3, but `m` has 2 in all.",
        ),
        (
            "{tools: [x], stages: [{approvers: m, quorum: 0}]}",
            "rules[0].stages[0].quorum: must be 1 or more, not the number 0.",
        ),
        (
            "{tools: [x], stages: [{approvers: m, quorum: true}]}",
            "rules[0].stages[0].quorum: must be a whole number, not the boolean true.",
        ),
        (
            "{tools: [x], stages: [{approvers: m, quorum: '1'}]}",
            "rules[0].stages[0].quorum: must be a whole number, not the text `1`.",
        ),
        (
            "{tools: [x], stages: [{approvers: m}, {approvers: m}]}",
            "rules[0].stages[1]: `m` is here twice; ask for a larger `quorum`.",
        ),
        (
            "{tools: [x], stages: []}",
            "rules[0].stages: is empty; give it a value or leave the key out.",
        ),
        (
            "5",
            "rules[0]: must be a mapping of keys to values, not the number 5.",
        ),
    ],
)
def test_a_wrong_rule_is_refused_with_its_keys_path(rule: str, complaint: str):
    assert in_rule(rule) == [complaint]


@pytest.mark.parametrize(
    ("when", "complaint"),
    [
        (
            "{a: 5}",
            "a: must be operators with values, such as `{eq: …}`, not the number 5.",
        ),
        (
            "{a: [x, y]}",
            "a: must be operators with values, such as `{in: […]}`, not a list.",
        ),
        ("{a: {}}", "a: is empty; give it a value or leave the key out."),
        ("{a: {gt: 1, notin: [2]}}", "a.notin: unknown key; did you mean `not_in`?"),
        ("{a: {like: x}}", "a.like: unknown key; did you mean `le`?"),
        (
            "{a: {zzz: x}}",
            "a.zzz: unknown key; use `eq`, `ne`, `gt`, `ge`, `lt`, `le`, `in`, "
            "`not_in`, `matches`, `under` or `domain_in`.",
        ),
        ("{a: {gt: true}}", "a.gt: must be a number or a text, not the boolean true."),
        ("{a: {lt: [1]}}", "a.lt: must be a number or a text, not a list."),
        (
            "{a: {eq: [1]}}",
            "a.eq: must be a text, a number or a boolean, not a list.",
        ),
        (
            "{a: {ne: {b: 1}}}",
            "a.ne: must be a text, a number or a boolean, not a mapping.",
        ),
        ("{a: {eq: ~}}", "a.eq: is empty; give it a value or leave the key out."),
        ("{a: {in: x}}", "a.in: must be a list, not the text `x`."),
        ("{a: {in: []}}", "a.in: is empty; give it a value or leave the key out."),
        (
            "{a: {in: [[x]]}}",
            "a.in[0]: must be a text, a number or a boolean, not a list.",
        ),
        (
            "{a: {in: [SE, NO]}}",
            "a.in: mixes text and boolean, and only values of one type can be "
            "compared; quotes make a value text.",
        ),
        (
            "{a: {not_in: [1, 'x']}}",
            "a.not_in: mixes number and text, and only values of one type can be "
            "compared; quotes make a value text.",
        ),
        (
            "{a: {matches: '(x'}}",
            "a.matches: isn't an RE2 pattern (`missing ): (x`).",
        ),
        (
            "{a: {matches: '(?=x)'}}",
            "a.matches: isn't an RE2 pattern (`invalid perl operator: (?=`).",
        ),
        (
            "{a: {matches: 5}}",
            "a.matches: must be text, not the number 5; quotes make a value text.",
        ),
        (
            f"{{a: {{matches: {'x' * 1001}}}}}",
            "a.matches: is over 1000 characters; shorten the pattern.",
        ),
        (
            "{a: {under: ../x}}",
            "a.under: `../x` isn't a plain path; write one such as reports/2026, "
            "without `..`, `~`, escapes and backslashes.",
        ),
        (
            "{a: {domain_in: a.com}}",
            "a.domain_in: must be a list, not the text `a.com`.",
        ),
        (
            "{a: {domain_in: ['https://a.com']}}",
            "a.domain_in[0]: `https://a.com` isn't a host name; write example.com, or "
            "*.example.com for every host below it.",
        ),
        (
            "{a: {domain_in: ['a.*.com']}}",
            "a.domain_in[0]: `a.*.com` isn't a host name; write example.com, or "
            "*.example.com for every host below it.",
        ),
        (
            '{"a b": {eq: 1}}',
            "[`a b`]: `a b` isn't an argument; write a name, or a path like a.b.",
        ),
        (
            '{"a..b": {eq: 1}}',
            "[`a..b`]: `a..b` isn't an argument; write a name, or a path like a.b.",
        ),
        ('{a: {eq: "\\ud800"}}', "a.eq: holds half a character; write it out."),
    ],
)
def test_a_wrong_condition_is_refused_with_its_keys_path(when, complaint):
    dot = "" if complaint.startswith("[") else "."
    rule = f"{{tools: [x], deny: true, when: {when}}}"
    assert in_rule(rule) == [f"rules[0].when{dot}{complaint}"]


@pytest.mark.parametrize(
    ("answers", "complaint"),
    [
        (
            "maybe",
            ": must be `words`, `booleans` or {approve: …, reject: …, timed_out: …}, "
            "not the text `maybe`.",
        ),
        (
            "false",
            ": must be `words`, `booleans` or {approve: …, reject: …, timed_out: …}, "
            "not the boolean false.",
        ),
        ("{}", ": is empty; give it a value or leave the key out."),
        (
            "{approve: 1, reject: 2}",
            ".timed_out: is missing; write what the graph is resumed with.",
        ),
        (
            "{approve: 1, rejects: 2, timed_out: 2}",
            ".rejects: unknown key; did you mean `reject`?",
        ),
        (
            "{approve: 1, reject: 1, timed_out: 2}",
            ".reject: is the same as `approve`; the graph couldn't tell them apart.",
        ),
        (
            "{approve: true, reject: false, timed_out: true}",
            ".timed_out: is the same as `approve`; the graph couldn't tell them apart.",
        ),
        ("{answer: 7}", ".answer: needs {text} where a person's text goes."),
        (
            "{answer: '{text}', approve: 1, reject: 2}",
            ".timed_out: is missing; write what the graph is resumed with.",
        ),
        (
            '{approve: "\\ud800", reject: no, timed_out: no}',
            ".approve: holds half a character; write it out.",
        ),
    ],
)
def test_answers_that_a_graph_cannot_be_given_are_refused(answers, complaint):
    rule = f"{{interrupts: [x], answers: {answers}, stages: [{{approvers: m}}]}}"
    assert in_rule(rule) == [f"rules[0].answers{complaint}"]


@pytest.mark.parametrize(
    ("first", "second", "overlap"),
    [
        ("pay", "pay", True),
        ("pay*", "payment", True),
        ("payment", "pay*", True),
        ("pay*", "payment*", True),
        ("*", "x", True),
        ("pay", "payment", False),
        ("pay*", "ship*", False),
        ("pay_*", "pay", False),
    ],
)
def test_two_rules_may_not_answer_one_interrupt_differently(first, second, overlap):
    def rules(answers: str) -> str:
        return (
            f"{{interrupts: ['{first}'], answers: words, deny: true}},"
            f"{{interrupts: [other, '{second}'], answers: {answers}, deny: true}}"
        )

    said = (
        "rules[1].answers: rules[0] may name the same interrupt with other answers; "
        "use the same in both."
    )
    text = f"version: 1\nrules: [{rules('booleans')}]"
    assert complaints_or_none(text) == ([said] if overlap else None)
    assert complaints_or_none(f"version: 1\nrules: [{rules('words')}]") is None
