"""`pip install .` gives the command `approval-bot` and all that it reads."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.support.root import ROOT


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command as a person would who knows of no repository."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(cwd)}
    return subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel, install it into a new environment, and name its command.

    What the package depends on is that of the tests, since tests reach no registry.
    """
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
    built = run(*build, cwd=ROOT)
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("*.whl")
    venv = folder / "venv"
    assert not run(
        sys.executable, "-m", "venv", "--without-pip", venv, cwd=folder
    ).stderr
    libraries = next(venv.glob("lib/python*/site-packages"))
    (libraries / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    pip = [sys.executable, "-m", "pip", "--python", venv / "bin/python", "install"]
    installed = run(*pip, "--no-deps", "--no-index", wheel, cwd=folder)
    assert installed.returncode == 0, installed.stderr
    return venv / "bin/approval-bot"


def test_the_installed_command_shows_a_policy(command: Path, tmp_path: Path):
    policy = (ROOT / "docs/policies/one-manager.yml").read_text(encoding="utf-8")
    (tmp_path / "policy.yml").write_text(policy)
    said = run(command, "policy", "show", cwd=tmp_path)
    assert (said.returncode, said.stderr) == (0, "")
    assert "managers" in said.stdout


def test_the_installed_package_has_the_files_it_reads(command: Path):
    package = next(command.parents[1].glob("lib/python*/site-packages/bot"))
    kept = [
        path.relative_to(ROOT / "bot")
        for path in (ROOT / "bot").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    assert [str(path) for path in kept if not (package / path).exists()] == []
    assert (package / "manifest.yml").exists()
