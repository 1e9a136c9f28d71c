"""The sentence and the path for everything that a policy file may not hold."""

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


@pytest.mark.parametrize(
    ("user", "sentence"),
    [
        ('"@mina"', "`@mina` is a handle; write a user id such as U0123ABCDEF."),
        ("a@b.c", "`a@b.c` is an e-mail address; write a user id such as U0123ABCDEF."),
        ('"*"', "`*` isn't a person; list the people's user ids."),
        ("u01", "`u01` is not a Slack user id; write a user id such as U0123ABCDEF."),
        ("C01", "`C01` is not a Slack user id; write a user id such as U0123ABCDEF."),
        ("5", "must be text, not the number 5; quotes make a value text."),
        ("U02", "`U02` is here twice; remove it."),
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
            "write an id such as C0123ABCDEF, thread or dm.",
        ),
        (
            "defaults: {channel: D0123}",
            "defaults.channel: `D0123` is not a Slack channel id; "
            "write an id such as C0123ABCDEF, thread or dm.",
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
        ("requesters: {users: [U01]}", "requesters.users: unknown key; use `members`."),
        (
            "requesters: {members: false}",
            "requesters.members: must be `true`, not the boolean false, "
            "or no one could ask.",
        ),
        (
            "interrupts: {answers: yes}",
            "interrupts.answers: must be `words`, `booleans` or "
            "{approve: …, reject: …, timed_out: …}, not the boolean true.",
        ),
        (
            "interrupts: {levels: {ceo: bosses}}",
            "interrupts.levels.ceo: `bosses` isn't a group of `approvers` "
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
            "approvers: {m: {usergroup: '@finance'}}",
            "approvers.m.usergroup: `@finance` is a handle; "
            "write an id such as S0123ABCDEF.",
        ),
        (
            "approvers: {m: {usergroup: U01}}",
            "approvers.m.usergroup: `U01` is not a Slack user group id; "
            "write an id such as S0123ABCDEF.",
        ),
        (
            "approvers: {m: {channel: thread}}",
            "approvers.m.channel: `thread` is not a Slack channel id; "
            "write an id such as C0123ABCDEF.",
        ),
        (
            "approvers: {m: {channel: '#ops', open: true}}",
            "approvers.m.channel: `#ops` is a channel's name; "
            "write an id such as C0123ABCDEF.",
        ),
        (
            "approvers: {m: {manager_of_requester: manager}}",
            "approvers.m.manager_of_requester: `manager` isn't a profile field's id; "
            "write one such as Xf0123ABCDEF.",
        ),
        (
            "approvers: {m: {channel: C01, usergroup: S01}}",
            "approvers.m: has `usergroup` and `channel`; keep one of `users`, "
            "`usergroup`, `channel` or `manager_of_requester`.",
        ),
        (
            "approvers: {m: {delegable_to: n}, n: {users: [U01]}}",
            "approvers.m: needs one of `users`, `usergroup`, `channel` or "
            "`manager_of_requester`.",
        ),
        (
            "approvers: {m: {users: [U01], open: true}}",
            "approvers.m.open: only goes with `channel`; leave the key out.",
        ),
        (
            "approvers: {m: {channel: C01, open: false}}",
            "approvers.m.open: must be `true`, not the boolean false; "
            "leave the key out.",
        ),
        (
            "approvers: {team: {users: [U01], delegable_to: teem}}",
            "approvers.team.delegable_to: `teem` isn't a group; did you mean `team`?",
        ),
        (
            "approvers: {m: {users: [U01], delegable_to: n}}",
            "approvers.m.delegable_to: `n` isn't a group of `approvers` "
            "(declared: `m`).",
        ),
        (
            "approvers: {m: {users: [U01], delegable_to: n}, n: {usergroup: S01}}",
            "approvers.m.delegable_to: must be a group that lists its `users`.",
        ),
        (
            "approvers: {m: {users: [U01], delegable_to: requester}}",
            "approvers.m.delegable_to: must be a group that lists its `users`.",
        ),
        (
            "delegations: [{from: U01, to: U01, until: 2026-12-31}]",
            "delegations[0].to: is the same person as `from`; name someone else.",
        ),
        (
            "delegations: [{from: U01, to: U02, until: 2026-12-31},"
            " {from: U01, to: U02, until: 2027-12-31}]",
            "delegations[1]: the same two people are here twice; "
            "keep the later `until`.",
        ),
        (
            "delegations: [{from: U01, to: '@omar', until: 2026-12-31}]",
            "delegations[0].to: `@omar` is a handle; "
            "write a user id such as U0123ABCDEF.",
        ),
        (
            "delegations: [{from: U01, to: U02}]",
            "delegations[0].until: is missing; write the last day, such as 2026-12-31.",
        ),
        (
            "delegations: [{from: U01, to: U02, until: 2026-02-30}]",
            "delegations[0].until: must be a day such as 2026-12-31, "
            "not the text `2026-02-30`.",
        ),
        (
            "delegations: [{from: U01, to: U02, until: 20261231}]",
            "delegations[0].until: must be a day such as 2026-12-31, "
            "not the number 20261231.",
        ),
        (
            "delegations: [{from: U01, until: 2026-12-31, too: U02}]",
            "delegations[0].too: unknown key; did you mean `to`?",
        ),
        (
            "defaults: {timezone: Mars/Olympus}",
            "defaults.timezone: `Mars/Olympus` isn't a known time zone; "
            "write an IANA name such as Europe/London.",
        ),
        (
            "defaults: {timezone: ../UTC}",
            "defaults.timezone: `../UTC` isn't a known time zone; "
            "write an IANA name such as Europe/London.",
        ),
        (
            "defaults: {timezone: Europe}",
            "defaults.timezone: `Europe` isn't a known time zone; "
            "write an IANA name such as Europe/London.",
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
def test_a_wrong_line_is_refused_with_its_keys_path(line: str, complaint: str):
    assert complaints(f"version: 1\n{line}") == [complaint]


@pytest.mark.parametrize("value", ["2", "1.0", "true", "'1'", "[1]"])
def test_only_the_whole_number_one_is_a_version(value: str):
    (complaint,) = complaints(f"version: {value}")
    assert complaint.startswith("version: must be `1`, not ")


def test_a_missing_version_is_refused():
    assert complaints("rules: [{tools: [x], deny: true}]") == [
        "version: is missing; write `version: 1`."
    ]
