"""The installed packages, and those that the lock allows: read offline.

`python -m tests.support.installed` compares them and ends with 1 if they differ.
"""

from __future__ import annotations

import re
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.root import ROOT

LOCK = ROOT / "requirements.lock"
# What a virtual environment brings itself.
BROUGHT = frozenset({"pip", "setuptools", "wheel"})


def locked(text: str) -> dict[str, str]:
    """Name and version of each package that the lock wants on this machine."""
    found = {}
    for line in re.findall(r"^([A-Za-z0-9].*?)\s*\\?$", text, re.MULTILINE):
        wanted = Requirement(line)
        if wanted.marker is None or wanted.marker.evaluate():
            [version] = wanted.specifier
            found[canonicalize_name(wanted.name)] = version.version
    return found


def hashes(text: str) -> dict[str, list[str]]:
    """The SHA-256 hashes that the lock allows for each package."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in text.splitlines():
        if line[:1].isalnum():
            name = canonicalize_name(Requirement(line.rstrip("\\ ")).name)
            found[name] = []
        elif match := re.search(r"--hash=sha256:([0-9a-f]{64})", line):
            found[name].append(match[1])
    return found


def installed() -> dict[str, str]:
    """Name and version of each package that is there."""
    return {
        canonicalize_name(each.metadata["Name"]): each.version
        for each in metadata.distributions()
    }


def differences(wanted: Mapping[str, str], there: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each package that is missing or of another version."""
    for name, version in sorted(wanted.items()):
        if name not in there:
            yield f"{name} {version} is in the lock and not installed."
        elif there[name] != version:
            yield f"{name} is {there[name]}, and the lock says {version}."


def beyond(wanted: Mapping[str, str], there: Mapping[str, str]) -> list[str]:
    """The packages that are installed although the lock does not name them."""
    return sorted(there.keys() - wanted.keys() - BROUGHT)


def stray_hooks(folder: Path) -> Iterator[str]:
    """A sentence for each `.pth` file of no package: Python runs them at each start."""
    owned = {
        Path(str(file.locate())).name
        for each in metadata.distributions()
        for file in each.files or ()
        if file.suffix == ".pth"
    }
    for path in sorted(folder.glob("*.pth")):
        if path.name not in owned and path.name != "distutils-precedence.pth":
            yield f"{path.name} belongs to no package, and Python runs it always."


def main() -> int:
    """Compare, and say what differs."""
    wanted, there = locked(LOCK.read_text()), installed()
    wrong = [
        *differences(wanted, there),
        *stray_hooks(Path(sysconfig.get_path("purelib"))),
    ]
    for name in beyond(wanted, there):
        print(f"note: {name} {there[name]} is installed and not in the lock.")
    print("\n".join(wrong) or f"{len(wanted)} packages are as the lock says.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
