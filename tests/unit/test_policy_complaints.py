"""The sentence and the path for everything that a policy file may not hold."""

from __future__ import annotations

import pytest
from policy_texts import complaints


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
            "{tools: [x], deny: true, when: {a: {gt: 1}}}",
            "rules[0].when: conditions are not available in this version yet; "
            "remove the key.",
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
            "rules[0].tools[0]: `a*b` is no name; `*` may stand at its end only.",
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
            "rules[0].stages[0].approvers: `n` is no group of `approvers` "
            "(declared: `m`).",
        ),
        (
            "{tools: [x], stages: [{approvers: requester}]}",
            "rules[0].stages[0].approvers: the built-in group `requester` is not "
            "available in this version yet; name a group of `approvers`.",
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
            "rules[0].stages[1]: `m` stands here twice; ask for a larger `quorum`.",
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
def test_a_wrong_rule_is_refused_with_the_path_of_its_key(rule: str, complaint: str):
    assert in_rule(rule) == [complaint]


@pytest.mark.parametrize(
    ("user", "sentence"),
    [
        ('"@mina"', "`@mina` is a handle; write a user id such as U0123ABCDEF."),
        ("a@b.c", "`a@b.c` is an e-mail address; write a user id such as U0123ABCDEF."),
        ('"*"', "`*` is nobody in particular; list the people's user ids."),
        ("u01", "`u01` is no Slack user id; write a user id such as U0123ABCDEF."),
        ("C01", "`C01` is no Slack user id; write a user id such as U0123ABCDEF."),
        ("5", "must be text, not the number 5; quotes make a value text."),
        ("U02", "`U02` stands here twice; remove it."),
        ("~", "is empty; give it a value or leave the key out."),
    ],
)
def test_only_user_ids_are_people(user: str, sentence: str):
    text = f"version: 1\napprovers: {{m: {{users: [U01, U02, {user}]}}}}"
    assert complaints(text) == [f"approvers.m.users[2]: {sentence}"]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (
            "defaults: {channel: '#ops'}",
            "defaults.channel: `#ops` is a channel's name; "
            "write an id such as C0123ABCDEF or thread.",
        ),
        (
            "defaults: {channel: D0123}",
            "defaults.channel: `D0123` is no Slack channel id; "
            "write an id such as C0123ABCDEF or thread.",
        ),
        (
            "defaults: {timeout: 90}",
            "defaults.timeout: must be a whole number with its unit (s, m, h or d), "
            "such as 24h, not the number 90.",
        ),
        (
            "defaults: {timeout: 1.5h}",
            "defaults.timeout: must be a whole number with its unit (s, m, h or d), "
            "such as 24h, not the text `1.5h`.",
        ),
        (
            "defaults: {timeout: 0s}",
            "defaults.timeout: must be from 1s to 90d, not `0s`.",
        ),
        (
            "defaults: {timeout: 91d}",
            "defaults.timeout: must be from 1s to 90d, not `91d`.",
        ),
        (
            "defaults: {timeout: 999999999d}",
            "defaults.timeout: must be from 1s to 90d, not `999999999d`.",
        ),
        ("requesters: {users: [U01]}", "requesters.users: unknown key; remove it."),
        (
            "requesters: {members: false}",
            "requesters.members: must be `true`, not the boolean false, "
            "or nobody could ask.",
        ),
        (
            "interrupts: {answers: yes}",
            "interrupts.answers: must be `words` or `booleans`, not the boolean true.",
        ),
        (
            "interrupts: {levels: {ceo: bosses}}",
            "interrupts.levels.ceo: `bosses` is no group of `approvers` "
            "(declared: none).",
        ),
        (
            "approvers: {requester: {users: [U01]}}",
            "approvers.requester: `requester` is built in; rename.",
        ),
        (
            "approvers: {m: {user: [U01]}}",
            "approvers.m.user: unknown key; did you mean `users`?",
        ),
        (
            "approvers: {m: {usergroup: S01}}",
            "approvers.m.usergroup: groups by Slack user group are not available in "
            "this version yet; remove the key.",
        ),
        (
            "approvers: [m]",
            "approvers: must be a mapping of keys to values, not a list.",
        ),
        (
            "approvers: {on: {users: [U01]}}",
            "approvers: line 2: the key `on` is not read as text; put it in quotes.",
        ),
        ("rule: []", "rule: unknown key; did you mean `rules`?"),
        ("rules: []", "rules: is empty; give it a value or leave the key out."),
        ("rules:", "rules: is empty; give it a value or leave the key out."),
    ],
)
def test_a_wrong_line_is_refused_with_the_path_of_its_key(line: str, complaint: str):
    assert complaints(f"version: 1\n{line}") == [complaint]


@pytest.mark.parametrize("value", ["2", "1.0", "true", "'1'", "[1]"])
def test_only_the_whole_number_one_is_a_version(value: str):
    (complaint,) = complaints(f"version: {value}")
    assert complaint.startswith("version: must be `1`, not ")


def test_a_missing_version_is_refused():
    assert complaints("rules: [{tools: [x], deny: true}]") == [
        "version: is missing; write `version: 1`."
    ]
