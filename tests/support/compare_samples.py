"""Compares what the simulator says with samples of what Slack says, field by field.

`python -m tests.support.compare_samples FOLDER` prints each field of ours that the
samples do not have or have with another type, and each that is excepted with its
reason, and ends with status 1 if there is one without. In the folder, of which
`slackapi/java-slack-sdk` publishes one as `json-logs/samples`, names and types count;
the values are blanked.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from tests.support.simulator_tour import Tour, tour

EVENTS = {
    "message": "MessagePayload",
    "message of the bot": "MessagePayload",
    "app_mention": "AppMentionPayload",
    "message_changed": "MessageChangedPayload",
    "message_deleted": "MessageDeletedPayload",
    "file_share": "MessageFileSharePayload",
    "thread_broadcast": "MessageThreadBroadcastPayload",
    "app_home_opened": "AppHomeOpenedPayload",
    "subteam_members_changed": "SubteamMembersChangedPayload",
    "member_left_channel": "MemberLeftChannelPayload",
    "channel_archive": "ChannelArchivePayload",
}
PAYLOADS = {
    "block_actions": "interactive-components/BlockActionPayload",
    "block_actions in a view": "interactive-components/BlockActionPayload",
    "view_submission": "views/ViewSubmissionPayload",
    "view_closed": "views/ViewClosedPayload",
    "slash_command": "slash-commands/SlashCommandPayload",
}
# (what, path in it): why ours differs rightly.
_BLOCKS = "what the app sent itself; the samples hold a few kinds of block only"
_OF_AN_APP = "an app's message; the sample is a person's, chat.postMessage's has it"
_NO_GRID = "null outside Enterprise Grid (docs: reference/interaction-payloads, events)"
_VIEW = "null where a view has none (docs: reference/methods/views.open)"
_JAVA = "left out of the sample, which a typed library wrote (docs: reference/views)"
EXCEPTIONS: dict[tuple[str, str], str] = {
    ("*", "*/blocks/*"): _BLOCKS,
    ("*", "/blocks/*"): _BLOCKS,
    ("*", "*/view/blocks"): _JAVA,
    ("*", "/view/close"): _VIEW,
    ("*", "/view/submit"): _VIEW,
    ("*", "/view/previous_view_id"): _VIEW,
    ("view_submission", "/response_urls"): _JAVA,
    ("*", "/enterprise"): _NO_GRID,
    ("event_callback", "*enterprise_id"): _NO_GRID,
    ("*", "*metadata/event_payload"): "free fields, blanked away in the sample",
    ("message_changed", "*/metadata"): "a message keeps its metadata when edited",
    ("message of the bot", "/app_id"): _OF_AN_APP,
    ("message_*", "/*message/app_id"): _OF_AN_APP,
    ("slash_command", "/is_enterprise_install"): "form fields are text on the wire",
    **{
        (subtype, path): _OF_AN_APP
        for subtype in ("file_share", "thread_broadcast")
        for path in ("/app_id", "/bot_id", "/bot_profile", "/team")
    },
}
_ID_AS_KEY = re.compile(r"(X|C|U|T|F)f?\d{8}")


@dataclass
class Shape:
    """The values that may be at one place: their kinds, fields and items."""

    kinds: set[str] = field(default_factory=set)
    fields: dict[str, Shape] = field(default_factory=dict)
    items: Shape | None = None
    by_id: Shape | None = None  # an object whose keys are ids

    def learn(self, value: Any) -> Shape:
        """Take in one more value that may stand here."""
        self.kinds.add(kind_of(value))
        if isinstance(value, dict):
            for name, inner in value.items():
                self._field(name).learn(inner)
        elif isinstance(value, list):
            self.items = self.items or Shape()
            for inner in value:
                self.items.learn(inner)
        return self

    def _field(self, name: str) -> Shape:
        if _ID_AS_KEY.fullmatch(name):
            self.by_id = self.by_id or Shape()
            return self.by_id
        return self.fields.setdefault(name, Shape())

    @property
    def is_untold(self) -> bool:
        """Return whether the samples show nothing inside the object or array here."""
        return not (self.fields or self.by_id or (self.items and self.items.kinds))


def kind_of(value: Any) -> str:
    """Name the type of a JSON value."""
    if value is None:
        return "null"
    names = {bool: "boolean", int: "number", float: "number", str: "string"}
    return names.get(type(value)) or ("object" if isinstance(value, dict) else "array")


def differences(value: Any, shape: Shape, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield path and complaint for what the shape does not have."""
    kind = kind_of(value)
    if kind not in shape.kinds:
        yield path, f"{kind}, in the sample {' or '.join(sorted(shape.kinds))}"
    elif isinstance(value, dict) and not shape.is_untold:
        for name, inner in value.items():
            known = shape.fields.get(name) or shape.by_id
            if known is None:
                yield f"{path}/{name}", "not in the sample"
            else:
                yield from differences(inner, known, f"{path}/{name}")
    elif isinstance(value, list) and shape.items and shape.items.kinds:
        for inner in value:
            yield from differences(inner, shape.items, f"{path}/*")


def read(folder: Path, name: str) -> Any:
    """Return a sample, or None if the folder has none of that name."""
    path = folder / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def compare(seen: Tour, folder: Path) -> Iterator[tuple[str, str, str]]:
    """Yield what, path and complaint of each difference."""
    for method, answers in seen.answers.items():
        sample = read(folder, f"api/{method}")
        if sample is not None:
            yield from _compare(method, answers, Shape().learn(sample))
    wrapping = _wrapping(folder)
    for name, payloads in seen.events.items():
        sample = read(folder, f"events/{EVENTS[name]}") if name in EVENTS else None
        if sample is not None:
            events = [payload["event"] for payload in payloads]
            yield from _compare(name, events, Shape().learn(sample["event"]))
        bare = [{**payload, "event": {}} for payload in payloads]
        yield from _compare("event_callback", bare, wrapping)
    for name, payloads in seen.payloads.items():
        sample = read(folder, f"app-backend/{PAYLOADS[name]}")
        yield from _compare(name, payloads, Shape().learn(sample))


def _wrapping(folder: Path) -> Shape:
    """Return what stands around any event: the union over all samples."""
    shape = Shape()
    for path in sorted((folder / "events").glob("*.json")):
        sample = json.loads(path.read_text(encoding="utf-8"))
        shape.learn({**sample, "event": {}})
    return shape


def _compare(
    what: str, values: list[Any], shape: Shape
) -> Iterator[tuple[str, str, str]]:
    for value in values:
        for path, complaint in differences(value, shape):
            yield what, path, complaint


def reason(what: str, path: str) -> str:
    """Return why a difference is right, or nothing."""
    for (name, pattern), why in EXCEPTIONS.items():
        if fnmatch(what, name) and fnmatch(path, pattern):
            return why
    return ""


def main(arguments: list[str] | None = None) -> int:
    """Compare, print, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(arguments).folder
    if not (folder / "api").is_dir():
        print(f"{folder} holds no samples: it has no folder `api`.")
        return 2
    seen = asyncio.run(tour())
    found = sorted(set(compare(seen, folder)))
    excepted = [each for each in found if reason(*each[:2])]
    wrong = [each for each in found if not reason(*each[:2])]
    for what, path, complaint in excepted:
        print(f"excepted  {what} {path}: {complaint}. {reason(what, path)}")
    for what, path, complaint in wrong:
        print(f"different {what} {path}: {complaint}.")
    names = [*seen.answers, *seen.events, *seen.payloads]
    print(f"{len(names)} kinds of payload, {len(wrong)} differences.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
