"""The sentence and the path for all that a policy may not hold beside its rules."""

from __future__ import annotations

import pytest

from tests.support.policy_texts import complaints


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
