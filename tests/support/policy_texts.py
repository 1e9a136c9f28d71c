"""A policy with every key, and what the loader says to a text."""

from __future__ import annotations

import textwrap
from unittest import mock

import pytest

from bot.approvals.policy import load
from bot.approvals.policy.complaints import PolicyError
from bot.approvals.policy.load import parse_policy

GOOD = """
version: 1
defaults:
  channel: C0123456789
  timeout: 90m
  stages: [{approvers: managers}]
  timezone: Europe/London
  reminders: [1h, 30m]
  hours: {days: [mon, tue, wed, thu, fri], from: 09:00, to: "17:30"}
requesters: {members: true}
approvers:
  managers: {users: [U01, W02], delegable_to: directors}
  directors: {users: [U03, U04]}
  finance: {usergroup: S01}
  ops: {channel: C0OPS, open: true}
  lead: {manager_of_requester: Xf01}
delegations: [{from: U01, to: U03, until: "2026-12-31"}]
interrupts: {answers: words, levels: {director: directors}}
rules:
  - name: reading
    tools: [read_file, list_*]
    approval: none
  - tools: [delete_file]
    why: >
      Deleted files
      cannot be restored.
    stages:
      - {approvers: managers}
      - approvers: directors
        quorum: 2
        timeout: 1h
        reminders: [5m, 10m]
        escalate: {after: 20m, to: finance}
  - interrupts: [payment]
    stages: [{approvers: lead}, {approvers: requester}]
    answers: {approve: 1, reject: 0, timed_out: {late: true}}
  - {name: never, tools: [drop_database], when: {name: {in: [prod]}}, deny: true}
  - tools: [transfer_money]
    when:
      amount: {gt: 1000, ge: 1000.5, lt: 9, le: 9, eq: 5, ne: 6}
      currency: {in: [USD, EUR], not_in: [GBP]}
      to.name: {matches: "[a-z]+"}
      file: {under: reports/2026}
      link: {domain_in: [example.com, "*.example.com"]}
    stages: [{approvers: finance, channel: C0FINANCE}, {approvers: ops}]
    confirm: typed
    allow: [approve, reject]
"""


def complaints(text: str) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        parse_policy(textwrap.dedent(text))
    lines = [str(complaint) for complaint in caught.value.complaints]
    assert str(caught.value) == "\n".join(lines)
    assert all(line.endswith((".", "?")) for line in lines)
    return lines


def complaints_about(data: object) -> list[str]:
    """Return what the loader says to content that has been read already.

    Reading YAML takes a hundred times as long as judging what it says.
    """
    with mock.patch.object(load, "read_yaml", return_value=(data, [])):
        return complaints("")


def complaints_or_none(text: str) -> list[str] | None:
    try:
        parse_policy(text)
    except PolicyError:
        return complaints(text)
    return None
