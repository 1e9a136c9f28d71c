"""Each policy of `docs/policies` asks whom its first lines say."""

from __future__ import annotations

import json
import re

import pytest

from bot.approvals.policy.load import parse_policy
from bot.approvals.policy.match import plan
from bot.approvals.policy.model import Demanded, Denied
from tests.support.root import ROOT

FILES = {path.stem: path for path in (ROOT / "docs/policies").glob("*.yml")}
CALL = re.compile(r"^# (\w+) (\{.*\}) -> (.+)$", re.MULTILINE)


def asked(text: str, tool: str, arguments: str) -> str:
    """Who has to approve a call, in the words of the files."""
    match plan(parse_policy(text), tool, json.loads(arguments)):
        case Denied():
            return "denied"
        case Demanded(stages=stages):
            quorums = [(each.approvers, each.quorum) for each in stages]
            return ", ".join(f"{n} ({q})" if q > 1 else n for n, q in quorums)
        case _:
            return "no one"


@pytest.mark.parametrize("name", FILES)
def test_a_policy_asks_whom_it_says(name: str):
    text = FILES[name].read_text(encoding="utf-8")
    calls = CALL.findall(text)
    assert calls
    assert calls == [(tool, args, asked(text, tool, args)) for tool, args, _ in calls]


def test_the_page_shows_the_ten_files():
    page = (ROOT / "docs/policy.md").read_text(encoding="utf-8")
    shown = re.findall(
        r"\(policies/([\w-]+)\.yml\).*?```yaml\n(.*?)```", page, re.DOTALL
    )
    assert len(shown) == 10
    assert dict(shown) == {
        name: path.read_text("utf-8") for name, path in FILES.items()
    }
