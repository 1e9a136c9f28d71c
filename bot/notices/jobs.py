"""The jobs of this room, and how long they try."""

from __future__ import annotations

import math
from datetime import timedelta

from bot.approvals.ports import Job
from bot.database.statements import load_statements
from bot.time_limits import limits

SQL = load_statements("bot.notices", "notices.sql")
EVENTS_FOR = timedelta(days=3)
EMAILS_FOR = timedelta(days=1)
LONGEST_WAIT = 3_600  # seconds


def email_job(email: str) -> Job:
    """Send an e-mail."""
    return Job("email", email, {"email": email})


def webhook_job(seq: int, request: str) -> Job:
    """Send an event; those of one request one after the other."""
    return Job("webhook", f"webhook:{request}", {"event": str(seq)})


def wait_after(tries: int) -> int:
    """Seconds until the next try: twice as long each time, at most an hour."""
    return math.ceil(min(limits().next_notice * 2 ** min(tries, 20), LONGEST_WAIT))
