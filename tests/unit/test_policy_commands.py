"""`policy show` and `policy explain` where there is no Slack to ask."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

import pytest

from bot.base.errors import ConfigurationError
from bot.base.settings import Settings
from bot.commands.policy import explain_command, show_command
from tests.support.policies import policy_text

POLICY = policy_text(
    """
  - {name: reading, tools: ["read_*"], approval: none}
  - name: paying
    tools: [pay]
    stages: [{approvers: managers, quorum: 2}, {approvers: lead, channel: thread}]
    why: Money is gone.
    confirm: typed
  - name: large
    tools: [pay]
    when: {amount: {gt: 1000}}
    stages: [{approvers: ops}, {approvers: requester}]
  - {name: never, tools: [pay], when: {to: {in: [eve]}}, deny: true, why: Not to Eve.}
""",
    defaults="{channel: C01, timeout: 90m, stages: [{approvers: managers}]}",
    approvers={
        "managers": "{users: [U01, U02], delegable_to: deputies}",
        "deputies": ("U08",),
        "ops": "{channel: C09, open: true}",
        "lead": "{manager_of_requester: Xf01}",
    },
    delegations="""
  - {from: U01, to: U08, until: 2999-12-31}
  - {from: U01, to: U02, until: 2020-12-31}""",
    interrupts="{answers: words, levels: {boss: deputies}}",
)
NO_SLACK = "There is no Slack to ask without SLACK_* variables: ids only."


@pytest.fixture
def loaded(tmp_path: Path) -> Settings:
    path = tmp_path / "policy.yml"
    path.write_text(POLICY)
    return Settings.load({"POLICY_FILE": str(path)})


def explained(
    settings: Settings, arguments: str, requester: str | None = None, tool: str = "pay"
) -> None:
    parsed = argparse.Namespace(
        tool=tool, args=arguments, requester=requester, agent=None
    )
    assert asyncio.run(explain_command(settings, parsed, "")) == 0


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_show_prints_the_whole_policy_and_marks_loosening_rules(
    loaded: Settings, capsys: pytest.CaptureFixture[str]
):
    asyncio.run(show_command(loaded, argparse.Namespace(), ""))

    found = lines(capsys)
    assert found[1] == (
        "A request waits 90m at most; cards go to C01; days are those of UTC."
    )
    assert found[3:] == [
        "Rules, in order (every one that matches counts)",
        "  1. reading: tools read_*",
        "     approval: none",
        "     CAN LOOSEN: such a call runs without approval,"
        " unless another rule demands",
        "  2. paying: tools pay",
        "     2 of managers, then lead (told in the conversation's thread);"
        " answers: approve, reject, edit; confirm: typed",
        "     why: Money is gone.",
        "     CAN LOOSEN: takes the place of defaults.stages",
        "  3. large: tools pay",
        "     when amount gt 1000",
        "     ops, then requester; answers: approve, reject, edit",
        "  4. never: tools pay",
        '     when to in ["eve"]',
        "     denied",
        "     why: Not to Eve.",
        "  anything else: managers (defaults.stages)",
        "",
        "Groups",
        "  managers: U01, U02; delegable to deputies",
        "  deputies: U08",
        "  ops: everyone in the channel C09",
        "  lead: manager of the requester, from the profile field Xf01",
        "  requester: the person who asks; left out of every other group",
        "",
        "Interrupts",
        "  answers: words",
        "  level boss: deputies",
        "",
        "Delegations",
        "  U08 for U01, until 2999-12-31 with that day: in force",
        "  U02 for U01, until 2020-12-31 with that day: over",
        "",
        NO_SLACK,
    ]


def test_without_default_stages_a_demand_loosens_a_denial(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "policy.yml"
    path.write_text(POLICY.replace(", stages: [{approvers: managers}]}", "}", 1))
    settings = Settings.load({"POLICY_FILE": str(path)})
    asyncio.run(show_command(settings, argparse.Namespace(), ""))
    found = lines(capsys)
    assert "     CAN LOOSEN: such a call would be denied without it" in found
    assert "  anything else: denied (defaults.stages)" in found


def test_a_call_is_explained_down_to_who_decides_it_now(
    loaded: Settings, capsys: pytest.CaptureFixture[str]
):
    explained(loaded, '{"amount": "5000", "to": "mina"}', "U02")

    assert lines(capsys)[1:] == [
        "  paying counts: 2 of managers, then lead (told in the conversation's thread)",
        "  large counts: ops, then requester",
        "    amount gt 1000: can't be judged, so it counts as true for a demand"
        ' ("5000")',
        "  never does not count: denied",
        '    to in ["eve"]: false ("mina")',
        "It needs approval, by paying and large:",
        "  1. managers, 2 of: U01, U08",
        "  2. lead, 1 of: manager of the requester, from the profile field Xf01,"
        " not looked up",
        "  3. ops, 1 of: everyone in the channel C09, not looked up",
        "  4. requester, 1 of: U02",
        "  answers: approve, reject, edit",
        "  confirm: the value of amount is typed in",
        "  why: Money is gone.",
        "  U02 asks, and decides no stage but `requester`.",
        "",
        NO_SLACK,
    ]


def test_a_missing_argument_denies_and_nobody_is_asked(
    loaded: Settings, capsys: pytest.CaptureFixture[str]
):
    explained(loaded, "{}")
    found = lines(capsys)
    said = "can't be judged, so it counts as true for a denial (missing)"
    assert f'    to in ["eve"]: {said}' in found
    assert found[-1] == "It is denied: Not to Eve."


def test_a_waived_call_and_an_unknown_one_are_explained(
    loaded: Settings, capsys: pytest.CaptureFixture[str]
):
    explained(loaded, "{}", tool="read_file")
    assert lines(capsys)[1:] == [
        "  reading counts: approval: none",
        "It runs without approval: rule reading waives it.",
    ]
    explained(loaded, "{}", tool="zzz\u202e")
    found = lines(capsys)
    assert found[0].startswith("zzz\\u{202E}, by policy ")
    assert found[1:4] == [
        "  no rule names it",
        "It needs approval, by defaults.stages:",
        "  1. managers, 1 of: U01, U02, U08",
    ]
    assert found[-3].startswith("  requesters decide no stage but `requester`")


def test_a_stage_that_those_who_remain_cannot_fill_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "policy.yml"
    path.write_text(
        policy_text(
            "{tools: [pay], stages: [{approvers: managers}, {approvers: directors}]}",
            approvers={"managers": ("U01", "U02"), "directors": ("U02",)},
        )
    )
    settings = Settings.load({"POLICY_FILE": str(path)})
    explained(settings, "{}", "U01")
    assert lines(capsys)[-3] == (
        "Too few people are left for the stage directors: "
        "such a request is rejected at once."
    )
    explained(settings, "{}", "U03")
    assert "Too few people are left" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "requester", "sentence"),
    [
        ("[1]", None, '--args must be a JSON object, such as {"amount": 5}.'),
        ("{", None, "--args cannot be read: Expecting property name"),
        ('{"a": 1, "a": 2}', None, "--args cannot be read: a key is in it twice."),
        (
            '{"sum": [1, {"in EUR": NaN}]}',
            None,
            "--args cannot be read: the arguments cannot be written down: "
            "sum[1][`in EUR`] is `nan`; JSON has no such number.",
        ),
        (
            '{"a": 9007199254740992}',
            None,
            "--args cannot be read: the arguments cannot be written down: a is"
            " `9007199254740992`; in JSON, whole numbers are exact up to"
            " 9007199254740991.",
        ),
        ('{"a": "\\ud800"}', None, "--args cannot be read: the arguments cannot be"),
        ("[" * 100_000, None, "--args cannot be read: "),
        ("{}", "mina", "--requester mina: write a user id such as U0123ABCDEF."),
    ],
)
def test_bad_input_gets_one_sentence(
    loaded: Settings, arguments: str, requester: str | None, sentence: str
):
    with pytest.raises(ConfigurationError) as caught:
        explained(loaded, arguments, requester)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


def test_show_marks_what_may_be_allowed_ahead_as_the_third(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "policy.yml"
    rule = "{tools: [x], stages: [{approvers: m}], standing: {max: 8h, uses: 2}}"
    path.write_text(policy_text(rule, approvers={"m": ("U01",)}))
    settings = Settings.load({"POLICY_FILE": str(path)})
    asyncio.run(show_command(settings, argparse.Namespace(), ""))
    ahead = "who approves such a call may allow others like it ahead, for 8h and 2 uses"
    assert f"     CAN LOOSEN: {ahead} at most" in lines(capsys)
    explained(settings, "{}", tool="x")
    assert f"  standing: {ahead} at most" in lines(capsys)
