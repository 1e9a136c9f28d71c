"""Threat 51: what is installed is what was locked, and each part has its reason."""

from __future__ import annotations

import json
import re
import sysconfig
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.installed import (
    LOCK,
    beyond,
    differences,
    hashes,
    installed,
    locked,
    stray_hooks,
)
from tests.support.root import ROOT
from tests.support.sbom import bill


def direct() -> set[str]:
    project: Any = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [
        each for group in project["optional-dependencies"].values() for each in group
    ]
    wanted = [*project["dependencies"], *extras]
    return {canonicalize_name(Requirement(each).name) for each in wanted}


def test_threat_51_each_package_is_locked_with_hashes_and_without_a_registry():
    text = LOCK.read_text()
    assert all(hashes(text).values())
    assert len(hashes(text)) == len(re.findall(r"^[a-zA-Z0-9].*==", text, re.MULTILINE))
    assert "://" not in re.sub(r"#.*", "", text)
    assert "--index-url" not in text


def test_threat_51_make_and_the_image_install_by_hash_only():
    for name in ("Makefile", "Dockerfile"):
        text = (ROOT / name).read_text().replace("\\\n", " ")
        commands = re.findall(r"\bpip\b[^;&]*?\b(?:install|download) [^;&]*", text)
        assert commands
        for each in commands:  # from the network by hash, or from what was fetched so
            assert "--require-hashes" in each or "--no-index" in each, each


def test_threat_51_what_is_installed_is_what_the_lock_says():
    assert list(differences(locked(LOCK.read_text()), installed())) == []


def test_threat_51_a_changed_a_missing_and_a_foreign_package_are_found():
    wanted = {"a": "1", "b": "1", "c": "1"}
    there = {"a": "1", "b": "2", "d": "1", "pip": "1"}
    assert list(differences(wanted, there)) == [
        "b is 2, and the lock says 1.",
        "c 1 is in the lock and not installed.",
    ]
    assert beyond(wanted, there) == ["d"]


def test_threat_51_no_file_runs_at_each_start_of_python(tmp_path: Path):
    assert list(stray_hooks(Path(sysconfig.get_path("purelib")))) == []
    (tmp_path / "evil.pth").write_text("import os")
    assert len(list(stray_hooks(tmp_path))) == 1


def test_threat_51_every_direct_dependency_has_a_reason_and_none_is_without():
    text = (ROOT / "docs/dependencies.md").read_text()
    rows = re.findall(r"^\| `([^`]+)` \| (.+) \|$", text, re.MULTILINE)
    assert {name for name, _ in rows} == direct()
    assert len(rows) == len(direct())
    assert all(len(why.split()) >= 1 for _, why in rows)


def test_threat_51_the_bill_of_materials_names_every_locked_package():
    made = json.loads(json.dumps(bill()))
    assert made["bomFormat"] == "CycloneDX"
    names = {each["name"]: each["version"] for each in made["components"]}
    assert names == locked(LOCK.read_text())
    refs = {each["bom-ref"] for each in made["components"]}
    needed = {ref for each in made["dependencies"] for ref in each["dependsOn"]}
    assert needed <= refs


@pytest.mark.parametrize("package", ["langgraph", "langgraph-checkpoint"])
def test_threat_39_the_libraries_are_past_their_advisories(package: str):
    least = {"langgraph": (1, 0, 10), "langgraph-checkpoint": (4, 0, 0)}[package]
    version = tuple(map(int, locked(LOCK.read_text())[package].split(".")[:3]))
    assert version >= least
