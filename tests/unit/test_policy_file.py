"""The policy follows its file, and a bad file never replaces a good one."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.approvals.policy.complaints import PolicyError
from bot.approvals.policy.load import PolicyFile, parse_policy
from bot.approvals.policy.model import Delegation

GOOD = "version: 1\nrules: [{tools: [x], deny: true}]\n"
STRICTER = "version: 1\nrules: [{tools: [x], deny: true}, {tools: [y], deny: true}]\n"
BAD = "version: 1\nrulez: [{tools: [x], deny: true}]\n"
OPEN = "version: 1\napprovers: {ops: {channel: C01, open: true}}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yml"
    path.write_text(GOOD)
    return path


@pytest.fixture
def said() -> Iterator[list[Any]]:
    with capture_logs() as lines:
        yield lines


def actions(said: list[Any]) -> list[str]:
    return [line["action"] for line in said]


def version(text: str) -> str:
    return parse_policy(text).version


def test_a_file_that_has_not_changed_is_no_news(file: Path, said: list[Any]):
    policies = PolicyFile(file)
    before = policies.current
    assert policies.look() is False
    file.write_text(GOOD)
    assert policies.look() is False
    assert policies.current is before
    assert (policies.trouble, said) == ("", [])


def test_a_file_that_is_written_again_is_in_force(file: Path, said: list[Any]):
    policies = PolicyFile(file)
    file.write_text(STRICTER)
    assert policies.look() is True
    assert policies.current.version == version(STRICTER)
    assert policies.look() is False
    assert actions(said) == ["policy_changed"]
    assert said[0]["before"] == version(GOOD)


def test_a_policy_file_renamed_into_place_takes_effect(file: Path):
    policies = PolicyFile(file)
    new = file.with_name("new.yml")
    new.write_text(STRICTER)
    new.replace(file)
    assert policies.look() is True
    assert policies.current.version == version(STRICTER)


def test_a_config_map_whose_link_is_turned_is_in_force(tmp_path: Path):
    for name, text in [("..1", GOOD), ("..2", STRICTER)]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "policy.yml").write_text(text)
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "policy.yml").symlink_to("..data/policy.yml")
    policies = PolicyFile(tmp_path / "policy.yml")

    (tmp_path / "..new").symlink_to("..2")
    (tmp_path / "..new").replace(tmp_path / "..data")

    assert policies.look() is True
    assert policies.current.version == version(STRICTER)


def test_a_change_of_equal_size_and_time_is_seen(file: Path):
    policies = PolicyFile(file)
    times = (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    file.write_text(GOOD.replace("[x]", "[y]"))
    os.utime(file, ns=times)
    assert policies.look() is True
    assert policies.current.rules[0].tools == ("y",)


def test_comments_alone_bring_no_other_policy(file: Path, said: list[Any]):
    policies = PolicyFile(file)
    file.write_text(f"# why\n{GOOD}")
    assert policies.look() is False
    assert said == []


def test_a_bad_file_is_told_once_and_replaces_nothing(file: Path, said: list[Any]):
    policies = PolicyFile(file)
    file.write_text(BAD)
    assert [policies.look() for _ in range(3)] == [False, False, False]
    assert policies.current.version == version(GOOD)
    assert policies.trouble == (
        "the changed file cannot be used, the policy before it, "
        f"{version(GOOD)}, stays in force: "
        "rulez: unknown key; did you mean `rules`?"
    )
    assert actions(said) == ["policy_refused"]
    assert said[0]["complaints"] == ["rulez: unknown key; did you mean `rules`?"]

    file.write_text(BAD + "zzz: 1\n")
    assert policies.look() is False
    assert policies.trouble.endswith("(1 more in the log)")
    assert actions(said) == ["policy_refused", "policy_refused"]


@pytest.mark.parametrize("text", [GOOD, STRICTER])
def test_a_good_file_ends_the_trouble(file: Path, text: str):
    policies = PolicyFile(file)
    file.write_text(BAD)
    policies.look()
    file.write_text(text)
    assert policies.look() is (text == STRICTER)
    assert policies.trouble == ""
    assert policies.current.version == version(text)
    file.write_text(BAD)
    policies.look()
    assert policies.trouble


@pytest.mark.parametrize("content", [b"", b"\xff", b"#" * 200_000, None])
def test_a_file_that_cannot_be_read_replaces_nothing(
    file: Path, said: list[Any], content: bytes | None
):
    policies = PolicyFile(file)
    file.unlink() if content is None else file.write_bytes(content)
    assert [policies.look(), policies.look()] == [False, False]
    assert policies.current.version == version(GOOD)
    assert policies.trouble
    assert "\n" not in policies.trouble
    assert actions(said) == ["policy_refused"]
    file.write_text(STRICTER)
    assert policies.look() is True
    assert policies.trouble == ""


def test_there_is_no_start_without_a_good_file(tmp_path: Path):
    (tmp_path / "policy.yml").write_text(BAD)
    for name in ("policy.yml", "none.yml"):
        with pytest.raises(PolicyError):
            PolicyFile(tmp_path / name)


def test_an_open_group_is_logged_at_start_and_on_change(file: Path, said: list[Any]):
    file.write_text(OPEN)
    policies = PolicyFile(file)
    assert [line["event"] for line in said] == [
        "anyone who joins C01 may decide as ops"
    ]

    file.write_text(OPEN + STRICTER.removeprefix("version: 1\n"))
    policies.look()
    assert actions(said) == ["open_group", "policy_changed"]

    file.write_text(OPEN.replace("C01", "C02"))
    policies.look()
    assert said[-1]["event"] == "anyone who joins C02 may decide as ops"


def test_the_clock_looks_aside_of_the_loop(file: Path):
    policies = PolicyFile(file)
    file.write_text(STRICTER)
    asyncio.run(policies.watch())
    assert policies.current.version == version(STRICTER)


def test_given_delegations_stand_beside_the_files_own(file: Path):
    policies = PolicyFile(file)
    given = (Delegation("U01", "U09", dt.date(2026, 12, 31), given=True),)
    policies.give(given)
    assert policies.current.delegations == given
    assert policies.current is policies.current
    file.write_text(STRICTER)
    assert policies.look()
    assert policies.current.version == version(STRICTER)
    assert policies.current.delegations == given
    policies.give([])
    assert policies.current.delegations == ()
