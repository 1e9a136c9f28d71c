"""A clean Debian root in place of the base image, and the Dockerfile built on it."""

from __future__ import annotations

import ast
import configparser
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.root import ROOT

NAME = "localhost/bot"


class Impossible(Exception):
    """The steps cannot be run on this machine; the text says why."""


@dataclass(frozen=True)
class Base:
    """The base image that the Dockerfile names."""

    tag: str
    python: str  # 3.11
    suite: str  # Debian's name of the release


def base_of(dockerfile: str) -> Base:
    """The one base image of all stages."""
    tags = set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE))
    found = [re.fullmatch(r"python:(\d+\.\d+)-slim-([a-z]+)", tag) for tag in tags]
    if len(found) != 1 or found[0] is None:
        raise Impossible(f"{sorted(tags)} is not one image python:X.Y-slim-RELEASE.")
    return Base(found[0][0], found[0][1], found[0][2])


def run(*command: str | Path) -> str:
    """Run a command to its end and return what it printed."""
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stdout + done.stderr)[-3000:]
        raise AssertionError(f"{command[0]} ended with {done.returncode}:\n{said}")
    return done.stdout


def debian(base: Base, target: Path) -> None:
    """Install the release with its Python, from the mirror that apt uses here."""
    wanted = ("Created-By: Packages", f"Codename: {base.suite}")
    sites = run("apt-get", "indextargets", "--format", "$(SITE)", *wanted).split()
    if not sites:
        raise Impossible(f"apt knows no mirror of Debian {base.suite} here.")
    packages = "--include=python3,python3-venv"
    run("debootstrap", "--variant=minbase", packages, base.suite, target, sites[0])
    if not (target / f"usr/bin/python{base.python}").exists():
        raise Impossible(f"Debian {base.suite} has no Python {base.python}.")


def pip_settings() -> dict[str, str]:
    """The settings of pip here: from its files, overridden by its variables."""
    listed = run(sys.executable, "-m", "pip", "config", "list")
    pairs = re.findall(r"^(?:(:env:)|\w+)\.([\w-]+)=(.+)$", listed, re.MULTILINE)
    settings: dict[str, str] = {}
    for _, name, value in sorted(pairs, key=lambda pair: pair[0]):
        settings[name] = " ".join(str(ast.literal_eval(value)).split())
    return settings


def pip_mounts(settings: dict[str, str], folder: Path) -> list[Path]:
    """Write pip's settings to a file; return it and the local paths that they name."""
    parser = configparser.RawConfigParser()
    parser["global"] = settings
    with (folder / "pip.conf").open("w") as file:
        parser.write(file)
    named = " ".join(settings.values()).split()
    indexes = [Path(n.removeprefix("file://")).parent for n in named if ":///" in n]
    paths = [Path(n) for n in named if n.startswith("/")]
    return sorted({path for path in indexes + paths if path.exists()})


@dataclass(frozen=True)
class Builder:
    """Buildah with a store of its own; it needs no daemon."""

    folder: Path

    def __call__(self, command: str, *arguments: str | Path) -> str:
        store = ["--root", self.folder / "store", "--runroot", self.folder / "run"]
        return run(
            "buildah", *store, "--storage-driver=overlay", command, *arguments
        ).strip()

    def import_base(self, root: Path, base: Base) -> None:
        """Make an image of the root, with `python` and `pip` where PATH finds them."""
        made = self("from", "scratch")
        self("add", "--quiet", made, root, "/")
        path = "/base/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        self("config", "--env", f"PATH={path}", made)
        venv = ("python3", "-m", "venv", "/base")
        self("run", "--isolation=chroot", made, "--", *venv)
        flags = ("--quiet", "--disable-compression", "--rm")
        self("commit", *flags, made, f"docker.io/library/{base.tag}")

    def build(self) -> None:
        """Run the Dockerfile, with pip set up as it is here."""
        pip = pip_mounts(pip_settings(), self.folder)
        mounts = [f"--volume={path}:{path}:ro" for path in pip]
        mounts += [f"--volume={self.folder / 'pip.conf'}:/etc/pip.conf:ro"]
        flags = ("--pull-never", "--isolation=chroot", "--format=docker")
        self("build", *flags, *mounts, "--tag", NAME, ROOT)

    def mount(self) -> tuple[Path, dict[str, Any]]:
        """The image's files, and what it says about how it is run."""
        root = Path(self("mount", self("from", "--pull-never", NAME)))
        described = json.loads(self("inspect", "--type=image", NAME))
        return root, described["Docker"]["config"]
