"""Invariants at rest, whatever went wrong before: read from the rows and from Slack."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from bot.slack.cards.view import ADD_REASON
from tests.support.records import Records
from tests.support.shown import Message, buttons, everything
from tests.support.stage import Stage

MARKS = {"mark_done", "mark_not_done", "ask_again"}
WORDS = {
    "approved": "Approved",
    "rejected": "Rejected",
    "timed_out": "Timed out",
    "withdrawn": "Withdrawn",
    "orphaned": "Orphaned",
    "answered": "Answered",
}
#: Each finds rows that must not be, in a database that is at rest.
WRONG = {
    "a message that nobody has dealt with": """
        SELECT id::text, state FROM messages
        WHERE state IN ('received', 'held', 'running')""",
    "a request that is not over": """
        SELECT id, status FROM requests
        WHERE status = 'pending' OR resumed_at IS NULL""",
    "a request with two ends": """
        SELECT request_id, string_agg(event, ' ' ORDER BY seq) FROM audit
        WHERE event IN ('approved', 'rejected', 'timed_out', 'withdrawn', 'orphaned')
        GROUP BY request_id HAVING count(*) > 1""",
    "a request whose end is not on the trail": """
        SELECT id, status FROM requests r WHERE status <> 'pending' AND NOT EXISTS (
          SELECT FROM audit a WHERE a.request_id = r.id AND a.event = r.status)""",
    "a call that was claimed twice": """
        SELECT request_id, count(*)::text FROM audit WHERE event = 'claimed'
        GROUP BY request_id HAVING count(*) > 1 AND request_id IS NOT NULL""",
    "a call that ran without an approval": """
        SELECT g.request_id, r.status FROM grants g JOIN requests r
          ON r.id = g.request_id
        WHERE g.claimed_at IS NOT NULL AND r.status NOT IN ('approved', 'answered')""",
    "a call that is not the one on the card": """
        SELECT g.request_id, g.state FROM grants g JOIN requests r
          ON r.id = g.request_id
        WHERE g.call_digest <> r.call_digest OR g.grant_digest <> r.grant_digest""",
    "a grant that neither ended nor is unknown": """
        SELECT request_id, state FROM grants
        WHERE state IN ('approved', 'executing')""",
    "a message to people that is not up to date": """
        SELECT id::text, kind FROM deliveries
        WHERE shown < revision OR (kind = 'card' AND message_ts IS NULL)""",
    "a job that is still to do": """
        SELECT lock, task_name FROM procrastinate_jobs
        WHERE status IN ('todo', 'doing')
          AND task_name NOT IN ('checkpoint', 'prune')""",
    "a job that was given up": """
        SELECT lock, task_name FROM procrastinate_jobs WHERE status = 'failed'""",
}


def wrong_in(records: Records) -> list[str]:
    """Name the rows that must not exist."""
    return [
        f"{name}: {' '.join(map(str, row))}"
        for name, query in WRONG.items()
        for row in records.rows(query)
    ]


def wrong_in_slack(stage: Stage) -> list[str]:
    """Name the faults in Slack: each card must be there once, with its end on it."""
    return [
        *_doubled(stage),
        *(f for each in shown_requests(stage) for f in wrong_on_card(stage, each)),
    ]


@dataclass(frozen=True)
class ShownRequest:
    """A request, and the card that it stands on."""

    id: str
    status: str
    is_unknown: bool
    channel: str
    ts: str
    alone: bool


def shown_requests(stage: Stage) -> list[ShownRequest]:
    """All requests with a card, oldest first."""
    rows = stage.records.rows(
        """SELECT r.id, r.status, COALESCE(g.state = 'unknown', false),
          d.posted_channel, d.message_ts, count(*) OVER (PARTITION BY d.id) = 1
        FROM requests r JOIN deliveries d ON d.id = r.card_id
        LEFT JOIN grants g ON g.request_id = r.id ORDER BY r.raised_at"""
    )
    return [ShownRequest(*row) for row in rows]


def wrong_on_card(stage: Stage, request: ShownRequest) -> list[str]:
    """Name the faults of a card of one request."""
    if not request.alone:
        return []
    card = stage.message(request.channel, request.ts)
    word = "Unknown" if request.is_unknown else WORDS[request.status]
    shown = {"more", "history"} | ({ADD_REASON} if word == "Rejected" else set())
    offered = {action for action, _ in buttons(card)} - shown
    due = MARKS if request.is_unknown and not _is_marked(card) else set()
    found = [] if word in everything(card) or _is_marked(card) else [f"no {word}"]
    found += [] if offered == due else [f"offers {sorted(offered)}"]
    return [f"card of {request.id}: {each}" for each in found]


def _is_marked(card: Message) -> bool:
    return any(word in everything(card) for word in ("Marked as", "Asked again"))


def _doubled(stage: Stage) -> list[str]:
    posted = Counter(
        _delivery(message)
        for channel in stage.simulator.workspace.channels
        for message in stage.simulator.messages(channel)
        if _delivery(message)
    )
    return [f"posted {n} times: {each}" for each, n in posted.items() if n > 1]


def _delivery(message: Message) -> str:
    metadata: dict[str, Any] = message.get("metadata") or {}
    return metadata.get("event_payload", {}).get("delivery", "")
