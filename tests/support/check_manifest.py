"""Checks manifest.yml: Slack's limits that matter, and the published schema if given.

`python -m tests.support.check_manifest [SCHEMA]` prints each complaint and ends with
status 1 if there is one. SCHEMA is a file of slackapi/manifest-schema, such as
`schemas/manifest.schema.2.0.0.json`; its limits are wider than ours, which say also
what belongs together.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.support.root import ROOT

MANIFEST = ROOT / "manifest.yml"
_COLOUR = re.compile(r"#([0-9a-fA-F]{3}){1,2}")
_COMMAND = re.compile(r"/[a-z0-9_-]{1,31}")
# docs: reference/app-manifest
_LENGTHS = {
    "display_information.name": (1, 35),
    "display_information.description": (1, 140),
    "display_information.long_description": (175, 4000),
    "features.bot_user.display_name": (1, 80),
    "features.agent_view.agent_description": (1, 300),
}
_COUNTS = {
    "features.slash_commands": 50,
    "features.shortcuts": 10,
    "features.unfurl_domains": 5,
    "oauth_config.redirect_urls": 1000,
    "oauth_config.scopes.bot": 255,
    "settings.event_subscriptions.bot_events": 100,
}


def load(path: Path = MANIFEST) -> dict[str, Any]:
    """Read the manifest."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def at(manifest: Any, path: str) -> Any:
    """Return what stands at a dotted path, or None."""
    for name in path.split("."):
        manifest = manifest.get(name) if isinstance(manifest, dict) else None
    return manifest


def complaints(manifest: dict[str, Any]) -> Iterator[str]:
    """Yield what is over a limit, and what does not belong together."""
    for path, (least, most) in _LENGTHS.items():
        value = at(manifest, path)
        if value is not None and not least <= len(str(value)) <= most:
            yield f"{path}: {len(str(value))} characters, not {least} to {most}"
    for path, most in _COUNTS.items():
        listed = at(manifest, path) or []
        if len(listed) > most:
            yield f"{path}: {len(listed)} entries, not at most {most}"
        if len(set(map(str, listed))) < len(listed):
            yield f"{path}: an entry stands there twice"
    yield from _words(manifest)
    yield from _addresses(manifest)


def _words(manifest: dict[str, Any]) -> Iterator[str]:
    if not at(manifest, "display_information.name"):
        yield "display_information.name: is missing"
    colour = at(manifest, "display_information.background_color")
    if colour is not None and not _COLOUR.fullmatch(str(colour)):
        yield f"display_information.background_color: {colour} is no colour, as #1d3557"
    for command in at(manifest, "features.slash_commands") or []:
        name, description = str(command.get("command")), command.get("description")
        if not _COMMAND.fullmatch(name):
            yield f"features.slash_commands: {name} is no /command"
        if not 1 <= len(str(description or "")) <= 2000:
            yield f"features.slash_commands: {name} says nothing of itself"
    if at(manifest, "features.assistant_view") and at(manifest, "features.agent_view"):
        yield "features: assistant_view and agent_view exclude each other"


def _addresses(manifest: dict[str, Any]) -> Iterator[str]:
    """Without Socket Mode events, clicks and commands need an address each."""
    if at(manifest, "settings.socket_mode_enabled"):
        return
    for part, in_use in (
        ("settings.event_subscriptions", "bot_events"),
        ("settings.interactivity", "is_enabled"),
    ):
        settings = at(manifest, part) or {}
        if settings.get(in_use) and not settings.get("request_url"):
            yield f"{part}.request_url: is missing"
    for command in at(manifest, "features.slash_commands") or []:
        if not command.get("url"):
            yield f"features.slash_commands: {command.get('command')} has no url"


def against_schema(manifest: dict[str, Any], schema: dict[str, Any]) -> Iterator[str]:
    """Yield what the published schema holds against the manifest."""
    from jsonschema import Draft7Validator  # only who has a schema needs it

    for error in Draft7Validator(schema).iter_errors(manifest):
        path = ".".join(map(str, error.absolute_path)) or "the manifest"
        yield f"{path}: {error.message}"


def main(arguments: list[str] | None = None) -> int:
    """Check, print, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("schema", nargs="?", type=Path)
    schema = parser.parse_args(arguments).schema
    manifest = load()
    found = list(complaints(manifest))
    if schema is not None:
        read = json.loads(schema.read_text(encoding="utf-8"))
        found += against_schema(manifest, read)
    for complaint in found:
        print(complaint)
    print(f"manifest.yml: {len(found)} complaints.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
