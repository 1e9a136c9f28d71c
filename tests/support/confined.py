"""The built image, run as compose.yml runs it: no rights, nothing writable."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.clean_root import run

START = 30  # seconds for one command


@dataclass(frozen=True)
class Confined:
    """A read-only view of the image's root, its volume and its settings."""

    root: Path
    volume: Path
    config: dict[str, Any]

    def command(self, *command: str, **environment: str) -> list[str]:
        """Wrap a command to run inside: as the user, with the image's variables."""
        user, group = self.config["User"].split(":")
        variables = dict(entry.split("=", 1) for entry in self.config["Env"])
        settings = [f"{k}={v}" for k, v in (variables | environment).items()]
        rights = ["--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
        person = [f"--reuid={user}", f"--regid={group}", "--clear-groups"]
        inside = ["env", "-i", f"--chdir={self.config['WorkingDir']}", *settings]
        setpriv = ["/usr/bin/setpriv", *person, *rights, "--"]
        return ["chroot", str(self.root), *setpriv, *inside, *command]

    def ask(self, *command: str, **environment: str) -> tuple[int, str]:
        """Run a command to its end; exit status and everything that it said."""
        done = subprocess.run(
            self.command(*command, **environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=START,
            check=False,
        )
        return done.returncode, done.stdout.strip()


def confine(
    image: Path, config: dict[str, Any], folder: Path, policy: Path
) -> Confined:
    """Mount the view. Only in a mount namespace of our own, which ends with us."""
    root, volume = folder / "view", folder / "volume"
    root.mkdir()
    run("cp", "--archive", image / "data", volume)  # as a new volume is filled
    run("mount", "--bind", image, root)
    run("mount", "-o", "remount,bind,ro", root)
    run("mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", root / "tmp")
    run("mount", "--bind", volume, root / "data")
    run("mount", "--bind", "/dev", root / "dev")
    run("mount", "-t", "proc", "proc", root / "proc")
    run("mount", "--bind", policy, root / "app/policy.yml")
    run("mount", "-o", "remount,bind,ro", root / "app/policy.yml")
    return Confined(root, volume, config)
