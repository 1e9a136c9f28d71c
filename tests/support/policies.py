"""Policy files for tests, which say of them only what matters to them."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from bot.approvals.policy.load import parse_policy
from bot.approvals.policy.model import Policy
from tests.support import people
from tests.support.demo import APPROVALS, DORA, MAREK, MINA

#: The ids of a group's people, or its source as YAML writes it: `{usergroup: S01}`.
Groups = Mapping[str, str | Sequence[str]]
HEART: Groups = {"managers": (people.MINA, people.OMAR)}
PLAIN = f"{{channel: {APPROVALS}, timeout: 24h}}"


def policy_text(
    *rules: str, approvers: Groups = HEART, defaults: str = PLAIN, **parts: str
) -> str:
    """The text of a policy file, of parts that are written as in YAML.

    Args:
        rules: `{tools: [pay], deny: true}` each, or a block of them with dashes.
        parts: the file's other keys: `delegations`, `interrupts`, `requesters`.
    """
    parts = {"version": "1", "defaults": defaults, **parts}
    groups = [f"  {name}: {_source(people)}" for name, people in approvers.items()]
    lines = [f"{name}: {part}" for name, part in parts.items()]
    listed = [textwrap.dedent(rule).strip() for rule in rules]
    dashed = [rule if rule.startswith("- ") else f"- {rule}" for rule in listed]
    if groups:
        lines += ["approvers:", *groups]
    if rules:
        lines += ["rules:", textwrap.indent("\n".join(dashed), "  ")]
    return "\n".join(lines) + "\n"


def _source(people: str | Sequence[str]) -> str:
    return people if isinstance(people, str) else f"{{users: [{', '.join(people)}]}}"


def make_policy(*rules: str, approvers: Groups = HEART, **parts: str) -> Policy:
    """Read the policy of that text."""
    return parse_policy(policy_text(*rules, approvers=approvers, **parts))


def files_policy(
    *rules: str,
    deleting: str = "stages: [{approvers: managers}]",
    writing: str = "approval: none",
    managers: Sequence[str] = (MINA, MAREK),
    channel: str = APPROVALS,
    timeout: str = "24h",
    **groups: str | Sequence[str],
) -> str:
    """A policy for the agent's tools on files, as stages have it: deleting is asked.

    Args:
        rules: those after the policy's own.
        deleting: the demand of the rule for `delete_file`; `writing` likewise.
    """
    stages = "stages: [{approvers: managers}]"
    why = "why: Deleted files cannot be restored."
    return policy_text(
        "{name: reading, tools: [read_file, list_files, read_shared_file],"
        " approval: none}",
        f"{{name: writing, tools: [write_file], {writing}}}",
        f"{{name: deleting, tools: [delete_file], {deleting}, {why}}}",
        *rules,
        defaults=f"{{channel: {channel}, timeout: {timeout}, {stages}}}",
        approvers={"managers": managers, "directors": (DORA,), **groups},
    )
