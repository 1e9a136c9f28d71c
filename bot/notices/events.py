"""A change of a request as an event for programs: CloudEvents 1.0, structured JSON.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC
from typing import Any

from bot.approvals.as_json import request_json
from bot.approvals.eligibility import who_can_decide
from bot.approvals.model import Request
from bot.approvals.outside import ways_to_tell
from bot.approvals.policy.model import Policy

PREFIX = "slack-approval-bot.request"
#: After these the people of a stage have something to do, or still have.
OPENS_A_STAGE = frozenset(
    {"requested", "stage_passed", "edited", "tightened", "voided"}
)
REMINDS = frozenset({"reminded", "escalated"})


def event_type(change: str) -> str:
    """The event's type: the trail's own word, such as `….request.approved`."""
    return f"{PREFIX}.{change}"


def event_body(
    change: Mapping[str, Any], request: Request, policy: Policy, source: str
) -> str:
    """The event as it is sent.

    Its id is the number of the row in the trail, so a repeat is known as one, and what
    comes out of order can be put in order. The request is as it stands when the event
    is written down.

    Args:
        change: a row of the outbox.
    """
    seq = change["seq"]
    event = {
        "specversion": "1.0",
        "id": str(seq),
        "source": source,
        "type": event_type(change["event"]),
        "subject": request.id,
        "time": change["at"].astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "sequence": f"{seq:020d}",
        "datacontenttype": "application/json",
        "data": {
            "change": change["event"],
            "actor": change["actor"],
            "via": change["via"],
            "call": _called(change["event"], request, policy),
            "request": request_json(request),
        },
    }
    return json.dumps(event, ensure_ascii=False)


def _called(change: str, request: Request, policy: Policy) -> list[str]:
    """Whom the policy has told through the webhook that it is their turn."""
    if change not in OPENS_A_STAGE | REMINDS or "webhook" not in ways_to_tell(
        request, policy
    ):
        return []
    return list(who_can_decide(request))
