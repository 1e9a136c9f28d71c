"""Run the image's own install steps in a clean Debian root, and then the result.

    apt-get install debootstrap buildah
    .venv/bin/python -m tests.support.image_steps

Needs root and Debian's mirrors, no Docker engine. The base image is made by
debootstrap; everything after it is the Dockerfile itself, run by buildah. The result is
started with a read-only root, as its user, without any capability, against a PostgreSQL
and a simulator on loopback, and has to get one deletion approved. All of it happens in
namespaces of its own, so nothing stays mounted or running. Takes two to five minutes.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support import image_checks
from tests.support.clean_root import ROOT, Builder, Impossible, base_of, debian
from tests.support.confined import confine
from tests.support.stage import POLICY

DEADLINE = 360  # seconds for all of it
NAMESPACES = ("--mount", "--propagation=private", "--pid", "--fork", "--mount-proc")
PROGRAMS = ("debootstrap", "buildah", "unshare", "setpriv")


def main() -> int:
    """Run everything in namespaces that end with it; 0 if all is well."""
    lacking = [name for name in PROGRAMS if shutil.which(name) is None]
    if os.geteuid() != 0 or lacking:
        what = f"needs {', '.join(lacking)}" if lacking else "needs root"
        print(f"skipped: this {what}.")
        return 0
    with tempfile.TemporaryDirectory(prefix="bot-image-") as folder:
        # The PostgreSQL in it runs under an account of its own.
        Path(folder).chmod(0o755)
        inside = [sys.executable, "-m", __spec__.name, folder]
        command = ["unshare", *NAMESPACES, "--kill-child", "--", *inside]
        try:
            return subprocess.run(
                command, cwd=ROOT, timeout=DEADLINE, check=False
            ).returncode
        except subprocess.TimeoutExpired:
            print(f"failed: not done after {DEADLINE} s")
            return 1


def build_and_check(folder: Path) -> int:
    """Inside the namespaces: every step, a line each."""
    try:
        base = base_of((ROOT / "Dockerfile").read_text())
        debian(base, folder / "debian")
        print(f"ok: a clean Debian {base.suite}", flush=True)
        builder = Builder(folder)
        builder.import_base(folder / "debian", base)
        builder.build()
        print("ok: every step of the Dockerfile", flush=True)
        policy = folder / "policy.yml"
        policy.write_text(POLICY)
        confined = confine(*builder.mount(), folder, policy)
        asyncio.run(image_checks.check(confined, folder))
    except Impossible as reason:
        print(f"skipped: {reason}")
    except (AssertionError, TimeoutError) as trouble:
        print(f"failed: {trouble or type(trouble).__name__}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(build_and_check(Path(sys.argv[1])) if sys.argv[1:] else main())
