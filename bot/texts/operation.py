"""The words of a running process: its readiness, the help of its metrics."""

from __future__ import annotations

from collections.abc import Sequence

# --- The start, step by step -------------------------------------------------------
DATABASE, SLACK, SOCKET = "the database", "Slack", "Slack's socket"
THE_START = "the start"


OWN_DATABASE = (
    "SQL_URL leads to the bot's own database: give the tools another database."
)


def slack_answered(code: str) -> str:
    return f"Slack answered {code}"


# --- `/readyz`: a line for each part that cannot work -------------------------------
READY = "ok"
STOPPING = "the process is stopping"
NO_WORKERS = "the job workers are not running"
NO_SOCKET = "no socket to Slack is open"
NO_ANSWER = "does not answer"


def unreachable(error: str) -> str:
    return f"cannot be reached ({error})"


def no_heartbeat(seconds: float) -> str:
    return f"the job worker's last heartbeat is {seconds:.0f} s old"


def clock_is_late(seconds: float) -> str:
    return f"the clock's next tick is {seconds:.0f} s late"


def paused(teams: Sequence[str]) -> str:
    """A detail: all is well, but an operator lets nothing run in these workspaces."""
    return f"no action runs in {', '.join(teams)} until the pause is lifted"


def schema_lacks(migrations: Sequence[str]) -> str:
    return f"the schema lacks {', '.join(migrations)}"


def waiting_for(step: str) -> str:
    return f"waiting for {step}"


# --- What Slack refuses, and what to do about it: in the log and on `/readyz` --------
COPY_TOKENS = (
    "copy the app's tokens anew (OAuth & Permissions, App-Level Tokens), "
    "reinstall the app if they don't work, and restart the bot"
)
LET_IN = "have an admin of the workspace let the app in"
SET_CLOCK = (
    "set this machine's clock, which is more than 5 minutes off (or "
    "someone replays old requests)"
)
SIGNED_WRONGLY = (
    "if these requests are Slack's, copy SLACK_SIGNING_SECRET anew (Basic "
    "Information) and restart the bot"
)
TURN_ON_HOME = "turn on the Home Tab of the app (App Home), or copy manifest.yml to it"
WAIT_FOR_SLACK = "see https://slack-status.com and this machine's network if it lasts"


def add_scope(scope: str) -> str:
    named = f"the scope {scope}" if scope else "the scopes"
    return f"give the app {named} of manifest.yml and install it again"


def open_channel(channel: str) -> str:
    where = channel or "the channel"
    return (
        f"check that {where} exists and that the bot is a member, or name "
        "another one in the policy"
    )


def refused(word: str, about: str) -> str:
    return f"Slack {word} {about}".rstrip()


def refusal(methods: Sequence[str], to_do: str) -> str:
    return f"{', '.join(methods)}; {to_do}"


# --- `/metrics` --------------------------------------------------------------------
UP = "Whether the bot can work."
BLOCKED = "How long the graph's code has held its loop; its other runs wait."
OLDEST = "Age of the oldest open request."
REFUSED = "Calls that Slack refused, and requests that it signed wrongly, by reason."
COUNTED = {
    "requests": "Requests by status.",
    "actions": "Calls that were allowed to run, by what became of them.",
    "messages": "Messages of people by state.",
    "deliveries": "Messages to Slack by state.",
    "emails": "E-mails about requests by state.",
    "events": "Events for the webhook by state.",
    "feedback": "What people thought of answers, by rating.",
    "jobs": "Jobs in the queue by status.",
    "pauses": "Workspaces in which an operator has paused all actions.",
}
