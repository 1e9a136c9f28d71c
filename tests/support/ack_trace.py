"""The trail as a trace of the checker `agentack`, which knows nothing of this product.

    python -m bot audit export | python -m tests.support.ack_trace FOLDER
    agentack check FOLDER/trace.jsonl --policy FOLDER/policy.toml

What is shown under one digest is one action of the checker's: an edit ends one, and
begins another of the same intent. What is claimed is executed. What is still open is
left out, as are calls of the bot's own graph that a rule waives, which have no request.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]
Event = dict[str, Any]
#: People decide on what is named `gate:*`; a rule waives or denies what is `rule:*`.
POLICY = """\
version = 1
[approval]
require_for = ["gate:*"]
max_age_seconds = 86400
"""
ENDS = ("rejected", "timed_out", "withdrawn", "answered", "orphaned")
BY_RULE = ("waived", "denied", "repeated", "unfillable")
TERMINAL = ("action_executed", "action_blocked")


def trace(rows: Iterable[Row]) -> list[Event]:
    """Return the events of a trail, oldest first."""
    life = Life()
    found = [event for row in rows for event in life.events(row)]
    over = {event["action_id"] for event in found if event["type"] in TERMINAL}
    kept = [event for event in found if event["action_id"] in over]
    end = {"schema_version": 2, "type": "session_end", "session_id": "trail"}
    return [*kept, {**end, "timestamp": kept[-1]["timestamp"]}]


@dataclass
class Life:
    """The state of each request so far: as shown, and as approved last."""

    shown: dict[str, Row] = field(default_factory=dict[str, Row])
    approved: dict[str, Row] = field(default_factory=dict[str, Row])
    by_rule: set[str] = field(default_factory=set[str])

    def events(self, row: Row) -> Iterator[Event]:
        event, request = row["event"], row["request_id"]
        if not request or "digest" not in row["detail"]:
            return
        if event == "edited":
            yield from self._ended(row, "edited")
            yield from self._asked(row)
        elif event == "claimed":
            yield from self._claimed(row)
        elif request not in self.shown and self._begins(row):
            yield from self._begun(row)
        elif event == "approved":
            self.approved[request] = row
        elif event in ("voided", "tightened"):
            self.approved.pop(request, None)
        elif event in ENDS:
            yield from self._ended(row, event)

    def _begins(self, row: Row) -> bool:
        """Return whether it is a question to people, or the word of a rule."""
        return row["event"] == "requested" or row["detail"].get("outcome") in BY_RULE

    def _begun(self, row: Row) -> Iterator[Event]:
        if row["event"] != "requested":
            self.by_rule.add(row["request_id"])
        yield from self._asked(row)
        if row["event"] in ENDS:
            yield self._event(row, "action_blocked", reason=row["event"])

    def _asked(self, row: Row) -> Iterator[Event]:
        self.shown[row["request_id"]] = row
        yield self._event(row, "action_proposed", action=self._action(row))
        if row["request_id"] not in self.by_rule:
            yield self._event(row, "approval_requested", action=self._action(row))

    def _ended(self, row: Row, reason: str) -> Iterator[Event]:
        yield self._event(row, "approval_decision", decision="deny")
        yield self._event(row, "action_blocked", reason=reason)

    def _claimed(self, row: Row) -> Iterator[Event]:
        """The last of the approvals is the one on which it runs."""
        if approval := self.approved.get(row["request_id"]):
            yield self._event(approval, "approval_decision", decision="allow")
        yield self._event(row, "action_executed", action=self._action(row))

    def _action(self, row: Row) -> Event:
        """`row` says what is shown, or what runs: the digest binds all of it."""
        tool = "rule" if row["request_id"] in self.by_rule else "gate"
        parameters = {"digest": row["detail"]["digest"]}
        operation = row["detail"].get("tool") or "question"
        return {"tool": tool, "operation": operation, "parameters": parameters}

    def _event(self, row: Row, kind: str, **more: Any) -> Event:
        request = row["request_id"]
        shown = self.shown.get(request, row)["detail"]["digest"]
        name = f"{request}:{shown}"
        binds = kind != "action_proposed" and request not in self.by_rule
        return {
            "schema_version": 2,
            "type": kind,
            "timestamp": row["at"],
            "session_id": "trail",
            "action_id": name,
            "intent_id": request,
            **({"approval_id": name} if binds else {}),
            **more,
        }


def write(rows: Iterable[Row], folder: Path) -> list[str]:
    """Write trace and policy; the arguments for `agentack`."""
    file, policy = folder / "trace.jsonl", folder / "policy.toml"
    file.write_text("".join(json.dumps(event) + "\n" for event in trace(rows)))
    policy.write_text(POLICY)
    return ["check", str(file), "--policy", str(policy)]


if __name__ == "__main__":
    print(*write(map(json.loads, sys.stdin), Path(sys.argv[1])))
