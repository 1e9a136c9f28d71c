"""The words of a running process: its readiness, the help of its metrics."""

from __future__ import annotations

from collections.abc import Sequence

# --- The start, step by step -------------------------------------------------------
DATABASE, SLACK, SOCKET = "the database", "Slack", "Slack's socket"
THE_START = "the start"


def slack_answered(code: str) -> str:
    return f"Slack answered {code}"


# --- `/readyz`: a line for each part that cannot work -------------------------------
READY = "ok"
STOPPING = "the process is stopping"
NO_WORKERS = "the job workers are not running"
NO_SOCKET = "no socket to Slack is open"


def unreachable(error: str) -> str:
    return f"cannot be reached ({error})"


def schema_lacks(migrations: Sequence[str]) -> str:
    return f"the schema lacks {', '.join(migrations)}"


def waiting_for(step: str) -> str:
    return f"waiting for {step}"


# --- `/metrics` --------------------------------------------------------------------
UP = "Whether the bot can work."
OLDEST = "Age of the oldest open request."
COUNTED = {
    "requests": "Requests by status.",
    "actions": "Calls that were allowed to run, by what became of them.",
    "messages": "Messages of people by state.",
    "deliveries": "Messages to Slack by state.",
    "emails": "E-mails about requests by state.",
    "events": "Events for the webhook by state.",
    "jobs": "Jobs in the queue by status.",
}
