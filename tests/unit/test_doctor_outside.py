"""The doctor on links, e-mails and events: what the policy wants and nobody set."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.base.settings import Settings
from bot.commands.check import lacking
from tests.support.policies import policy_text

SLACK = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}
POLICY = policy_text(
    """
  - {name: mailing, tools: [send_email], links: true,
     stages: [{approvers: managers, notify: [slack, email]}]}
  - {name: paying, tools: [pay], links: true, critical: true,
     stages: [{approvers: managers, notify: [webhook]}]}
"""
)
LINKS = {"LINK_SECRET": "s" * 32, "PUBLIC_URL": "https://bot.example"}
SIGN_IN = {"SLACK_CLIENT_ID": "1.2", "SLACK_CLIENT_SECRET": "s"}
MAIL = {"SMTP_URL": "smtp://127.0.0.1:25", "SMTP_FROM": "bot@example.com"}
HOOK = {"WEBHOOK_URL": "https://hooks.example", "WEBHOOK_SECRET": "s" * 32}
ALL = {**LINKS, **SIGN_IN, **MAIL, **HOOK}


def found(tmp_path: Path, given: dict[str, str]) -> list[str]:
    policy = tmp_path / "policy.yml"
    policy.write_text(POLICY, encoding="utf-8")
    return lacking(Settings.load({**given, "POLICY_FILE": str(policy)}))


@pytest.mark.parametrize(
    ("without", "sentence"),
    [
        (LINKS, "LINK_SECRET or PUBLIC_URL is not set: no links for the rules "),
        (
            SIGN_IN,
            "SLACK_CLIENT_ID is not set, so no one can sign in, and there are no ",
        ),
        (MAIL, "SMTP_URL is not set: no one is told by email for rule mailing"),
        (HOOK, "WEBHOOK_URL is not set: no one is told by webhook for rule paying"),
    ],
)
def test_what_the_policy_wants_and_nobody_set_is_said(
    tmp_path: Path, without: dict[str, str], sentence: str
):
    given = {name: value for name, value in ALL.items() if name not in without}
    [said] = found(tmp_path, {**SLACK, **given})
    assert said.startswith(sentence)


def test_where_all_is_set_nothing_is_said(tmp_path: Path):
    assert found(tmp_path, {**SLACK, **ALL}) == []
    assert found(tmp_path, HOOK) == [], "the simulator brings the rest"
