"""A bill of materials in CycloneDX's JSON, of what is installed.

`python -m tests.support.sbom` prints it. https://cyclonedx.org/docs/1.6/json/
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.installed import LOCK, ROOT, hashes, installed, locked


def bill() -> dict[str, Any]:
    """The product, and each locked package with version, licence and allowed hashes."""
    text = LOCK.read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    there, allowed = installed(), hashes(text)
    names = [name for name in sorted(locked(text)) if name in there]
    known = {name: there[name] for name in names}
    own = f"{project['name']}@{project['version']}"
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": project["name"],
                "version": project["version"],
            }
        },
        "components": [_component(n, there[n], allowed[n]) for n in names],
        "dependencies": [_needs(name, known) for name in names],
    }


def _ref(name: str, version: str) -> str:
    return f"pkg:pypi/{name}@{version}"


def _component(name: str, version: str, allowed: list[str]) -> dict[str, Any]:
    licence = _licence(metadata.metadata(name))
    return {
        "type": "library",
        "bom-ref": _ref(name, version),
        "name": name,
        "version": version,
        "purl": _ref(name, version),
        **({"licenses": [{"license": {"name": licence}}]} if licence else {}),
        "properties": [{"name": "lock:sha256", "value": each} for each in allowed],
    }


def _licence(about: Any) -> str:
    given = about.get("License-Expression") or about.get("License") or ""
    classified = [
        each.rpartition(" :: ")[2]
        for each in about.get_all("Classifier") or ()
        if each.startswith("License ::")
    ]
    return given.splitlines()[0] if given else ", ".join(classified)


def _needs(name: str, known: Mapping[str, str]) -> dict[str, Any]:
    wanted = [Requirement(text) for text in metadata.requires(name) or ()]
    names = {
        canonicalize_name(each.name)
        for each in wanted
        if each.marker is None or each.marker.evaluate({"extra": ""})
    }
    return {
        "ref": _ref(name, known[name]),
        "dependsOn": [_ref(each, known[each]) for each in sorted(names & set(known))],
    }


if __name__ == "__main__":
    json.dump(bill(), sys.stdout, indent=1)
    print()
