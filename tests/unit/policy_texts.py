"""A policy with every key, and what the loader says to a text."""

from __future__ import annotations

import textwrap

import pytest

from bot.approvals.policy import PolicyError, parse_policy

GOOD = """
version: 1
defaults: {channel: C0123456789, timeout: 90m, stages: [{approvers: managers}]}
requesters: {members: true}
approvers:
  managers: {users: [U01, W02]}
  directors: {users: [U03, U04]}
interrupts: {answers: words, levels: {director: directors}}
rules:
  - name: reading
    tools: [read_file, list_*]
    approval: none
  - tools: [delete_file]
    why: >
      Deleted files
      cannot be restored.
    stages: [{approvers: managers}, {approvers: directors, quorum: 2}]
  - interrupts: [payment]
    stages: [{approvers: directors}]
  - {name: never, tools: [drop_database], deny: true}
"""


def complaints(text: str) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        parse_policy(textwrap.dedent(text))
    lines = [str(complaint) for complaint in caught.value.complaints]
    assert str(caught.value) == "\n".join(lines)
    assert all(line.endswith((".", "?")) for line in lines)
    return lines


def complaints_or_none(text: str) -> list[str] | None:
    try:
        parse_policy(text)
    except PolicyError:
        return complaints(text)
    return None
