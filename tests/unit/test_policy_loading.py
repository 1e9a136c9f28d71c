"""The loading of a policy file, and what its version stands for."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.approvals.model import Confirm, Times, Verdict
from bot.approvals.policy.complaints import PolicyError
from bot.approvals.policy.load import load_policy, parse_policy
from bot.approvals.policy.model import (
    Condition,
    Delegation,
    Group,
    RuleEffect,
    StageDemand,
    named_ids,
)
from tests.support.policies import make_policy
from tests.support.policy_texts import GOOD
from tests.support.root import ROOT


def test_every_key_of_this_version_is_read():
    policy = parse_policy(GOOD)
    managers = Group("managers", ("U01", "W02"), delegable_to="directors")
    assert policy.channel == "C0123456789"
    assert policy.timeout == dt.timedelta(minutes=90)
    assert policy.groups["managers"] == managers
    assert policy.requesters.members is True
    half, whole = dt.timedelta(minutes=30), dt.timedelta(hours=1)
    times = Times(reminders=(half, whole))
    assert policy.default_stages == (
        StageDemand("managers", 1, managers.users, channel="C0123456789", times=times),
    )
    assert policy.interrupts.answers == "words"
    assert dict(policy.interrupts.levels) == {"director": "directors"}
    assert policy.timezone == "Europe/London"
    assert policy.delegations == (Delegation("U01", "U03", dt.date(2026, 12, 31)),)
    reading, deleting, payment, never, transfer = policy.rules
    assert (reading.name, reading.effect) == ("reading", RuleEffect.WAIVE)
    assert reading.tools == ("read_file", "list_*")
    assert deleting.name == "rules[1]"
    assert deleting.why == "Deleted files cannot be restored."
    assert [(s.approvers, s.quorum) for s in deleting.stages] == [
        ("managers", 1),
        ("directors", 2),
    ]
    assert payment.interrupts == ("payment",)
    assert payment.tools == ()
    assert payment.answers == {"approve": 1, "reject": 0, "timed_out": {"late": True}}
    assert payment.allow == (Verdict.APPROVE, Verdict.REJECT, Verdict.ANSWER)
    assert never.effect is RuleEffect.DENY
    assert never.when == (Condition("name", "in", ("prod",)),)
    assert transfer.confirm is Confirm.TYPED
    assert transfer.allow == (Verdict.APPROVE, Verdict.REJECT)
    assert [each.argument for each in transfer.when] == [
        *["amount"] * 6,
        *["currency"] * 2,
        *["to.name", "file", "link"],
    ]
    assert Condition("amount", "gt", 1000) in transfer.when
    domains = ("example.com", "*.example.com")
    assert transfer.when[-1] == Condition("link", "domain_in", domains)


def test_every_kind_of_group_says_where_its_people_come_from():
    policy = make_policy(
        "{tools: [x], stages: [{approvers: boss}, {approvers: open},"
        " {approvers: requester}]}",
        approvers={
            "listed": ("U01",),
            "paid": "{usergroup: S01}",
            "closed": "{channel: G01}",
            "open": "{channel: C01, open: true}",
            "boss": "{manager_of_requester: Xf01}",
        },
    )
    assert [group.source for group in policy.groups.values()] == [
        "users",
        "usergroup:S01",
        "channel:G01",
        "open_channel:C01",
        "manager_of_requester:Xf01",
    ]
    assert [(s.source, s.people) for s in policy.rules[0].stages] == [
        ("manager_of_requester:Xf01", ()),
        ("open_channel:C01", ()),
        ("requester", ()),
    ]


def test_a_stage_uses_its_own_channel_or_the_default_one():
    stages = parse_policy(GOOD).rules[4].stages
    assert [stage.channel for stage in stages] == ["C0FINANCE", "C0123456789"]


def test_a_last_day_may_stand_without_quotes():
    policy = parse_policy(GOOD.replace('"2026-12-31"', "2026-12-31"))
    assert policy.delegations[0].until == dt.date(2026, 12, 31)


def test_an_interrupt_may_be_answered_with_nothing():
    policy = parse_policy(GOOD.replace("reject: 0", "reject: null"))
    assert policy.rules[2].answers == {
        "approve": 1,
        "reject": None,
        "timed_out": {"late": True},
    }


def test_a_policy_of_one_line_has_the_safe_defaults():
    policy = parse_policy("version: 1")
    assert policy.channel == "thread"
    assert policy.timeout == dt.timedelta(hours=24)
    assert policy.default_stages is None
    assert policy.rules == ()
    assert policy.interrupts.answers is None


def test_the_policy_that_is_shipped_loads_as_it_is():
    policy = load_policy(ROOT / "policy.yml")
    assert set(policy.groups) == {"managers", "directors"}
    assert policy.interrupts.answers == "words"
    names = [rule.name for rule in policy.rules]
    files, rows = (
        ["reading", "writing", "deleting"],
        ["changing-rows", "changing-tables"],
    )
    assert names == [*files, *rows, "mailing"]


def test_every_id_is_listed_with_the_path_of_its_key():
    assert named_ids(parse_policy(GOOD)) == [
        ("defaults.channel", "C0123456789"),
        ("approvers.managers.users[0]", "U01"),
        ("approvers.managers.users[1]", "W02"),
        ("approvers.directors.users[0]", "U03"),
        ("approvers.directors.users[1]", "U04"),
        ("approvers.finance.usergroup", "S01"),
        ("approvers.ops.channel", "C0OPS"),
        ("approvers.lead.manager_of_requester", "Xf01"),
        ("delegations[0].from", "U01"),
        ("delegations[0].to", "U03"),
        ("rules[4].stages[0].channel", "C0FINANCE"),
    ]
    assert named_ids(parse_policy("version: 1")) == []


DATA, VERSION = yaml.safe_load(GOOD), parse_policy(GOOD).version
shuffled_policy = st.builds(
    lambda order: reorder(DATA, order), st.randoms(use_true_random=False)
)


def reorder(data: object, order):
    if isinstance(data, dict):
        items = [(key, reorder(value, order)) for key, value in data.items()]
        order.shuffle(items)
        return dict(items)
    return [reorder(value, order) for value in data] if isinstance(data, list) else data


@given(shuffled_policy, st.text(st.characters(categories=["L", "N", "P"])))
def test_comments_and_key_order_do_not_change_the_version(data, comment):
    text = yaml.safe_dump(data, sort_keys=False).replace("\n", f" # {comment}\n", 1)
    assert parse_policy(text).version == VERSION


def test_another_content_is_another_version():
    policy = parse_policy(GOOD)
    other = parse_policy(GOOD.replace("quorum: 2", "quorum: 1"))
    assert policy.version != other.version
    assert len(policy.version) == 12


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path):
    path = tmp_path / "policy.yml"
    path.write_bytes(b"\xef\xbb\xbfversion: 1\n")
    assert load_policy(path).version == parse_policy("version: 1").version


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "The policy is empty; write `version: 1`."),
        (
            b"version: 1\nrules: \xff\n",
            "line 2: this is not UTF-8; save the file as UTF-8.",
        ),
        (b"#" * 200_000, "The policy is over 128 KiB; shorten it."),
    ],
    ids=["empty", "latin", "big"],
)
def test_a_file_that_is_no_text_gets_one_sentence(
    tmp_path: Path, content: bytes, complaint: str
):
    path = tmp_path / "policy.yml"
    path.write_bytes(content)
    with pytest.raises(PolicyError) as caught:
        load_policy(path)
    assert str(caught.value) == complaint


def test_a_policy_path_without_a_file_gets_one_sentence(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    for name, sentence in [
        ("none.yml", "is not there; set POLICY_FILE or write it."),
        (".", "isn't a file."),
        ("pipe", "isn't a file."),
    ]:
        with pytest.raises(PolicyError) as caught:
            load_policy(tmp_path / name)
        assert str(caught.value).endswith(sentence)
        assert "\n" not in str(caught.value)
