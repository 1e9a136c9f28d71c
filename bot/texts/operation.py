"""The words for operators: command line, a start, readiness, metrics. Plain text."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from bot.texts.formatting import counted, local, one_line

# --- Any command: why it ends ------------------------------------------------------
DATABASE_AWAY = "the bot's database cannot be reached"
NOT_A_BOT = (
    "SLACK_BOT_TOKEN is not a bot's token. Use the one under OAuth & "
    "Permissions that starts with xoxb-."
)
MCP_NEEDS = "mcp needs APPROVALS_URL and APPROVALS_TOKEN, an agent's token."


def open_page(address: str) -> str:
    """Return the line with which a start of the simulator ends."""
    return f"Open {address}"


def unexpected(error: str) -> str:
    """`error` is the name of its class."""
    return f"The bot stopped unexpectedly: {error}."


def database_unusable(reason: str) -> str:
    return f"The database cannot be used: {reason}"


def cannot_start(reason: object, file: object = None) -> str:
    """`file` is what the trouble is about, None if it is about no file."""
    where = f"{file}: " if file else ""
    return f"The bot cannot start: {where}{reason}."


def policy_complaint(complaint: object) -> str:
    return f"The policy, {complaint}"


def did_you_mean(word: str) -> str:
    """Return the end of a complaint about an unknown word: the nearest known one."""
    return f". Did you mean {word}?"


def not_listening(host: str, port: int, reason: str) -> str:
    return (
        f"HOST={host}, PORT={port} can't be listened on: {reason.lower()}. Stop what "
        "uses the port, or set another PORT."
    )


def token_refused(code: str) -> str:
    return (
        f"Slack refuses the token ({code}). Check SLACK_BOT_TOKEN and "
        "SLACK_APP_TOKEN; if they are right, reinstall the app."
    )


# --- `check`: each line begins with the part that it is about ----------------------
MCP_SERVERS = "MCP servers"
OK = "ok"
OK_SIMULATED = "ok, simulated: no SLACK_* variable is set"
OK_OFFLINE = "ok, simulated: the offline model answers, since OPENAI_API_KEY is not set"
OK_EMBEDDED = "ok, the embedded PostgreSQL, since DATABASE_URL is not set"
OK_KEPT = "ok, simulated: e-mails stay in the mailbox, since SMTP_URL is not set"
TO_THE_MODEL = "Answer with: ok"
ADD_SCOPES = "add them to the app as manifest.yml has them, and install it again"
NO_USERGROUPS = "this Slack plan has no user groups; list the people under `users`"


def part(name: str, line: str) -> str:
    """`name` is one of the parts, or the path of a key in the policy."""
    return f"{name}: {line}"


def model_silent(seconds: float) -> str:
    return f"did not answer within {seconds:.0f} s; check OPENAI_BASE_URL"


def database_unreachable(reason: str) -> str:
    return f"cannot be reached: {reason}; check DATABASE_URL"


_FEW_MIGRATIONS = 3  # that one line names


def schema_lacks(migrations: Sequence[str]) -> str:
    number = len(migrations)
    few = number <= _FEW_MIGRATIONS
    named = ", ".join(migrations) if few else counted(number, "migration")
    return f"lacks {named}; run: python -m bot migrate"


def sink_not_writable(folder: object, reason: str) -> str:
    return f"AUDIT_SINK={folder} cannot be written: {reason}"


def unsigned(rules: Sequence[str]) -> str:
    return f"AUDIT_KEY is not set, and {', '.join(rules)} should be signed"


def no_links(rules: Sequence[str]) -> str:
    return f"LINK_SECRET or PUBLIC_URL is not set: no links for {_named(rules)}"


def no_sign_in(rules: Sequence[str]) -> str:
    return (
        "SLACK_CLIENT_ID is not set, so no one can sign in, and there are no "
        f"links for {_named(rules)}"
    )


def untold(name: str, way: str, rules: Sequence[str]) -> str:
    """`name` is the setting's, `way` is "email" or "webhook"."""
    return f"{name} is not set: no one is told by {way} for {_named(rules)}"


def _named(rules: Sequence[str]) -> str:
    return f"the rules {', '.join(rules)}" if len(rules) > 1 else f"rule {rules[0]}"


# --- `check`: Slack ----------------------------------------------------------------
def refuses_token(code: str, name: str) -> str:
    """`name` is the setting's."""
    return f"refuses the token ({code}); check {name}"


def answers_with(code: str, name: str) -> str:
    return f"answers {code} to {name}; check its scopes, or try later"


def slack_unreachable(error: str) -> str:
    return f"cannot be reached ({error}); check SLACK_API_URL"


#: What an app without an optional scope does without.
FEATURES = {
    "assistant:write": (
        "no prompts are suggested in the app's own conversation, and where its threads "
        "aren't sessions, they have no titles"
    ),
    "commands": "/approvals does not answer; App Home shows the same",
    "files:read": "the agent can't read the files that people share with it",
    "mpim:history": (
        "in group messages the agent doesn't get what was said before, and a message "
        "whose outcome is unknown may be sent twice"
    ),
    "reactions:write": "where Slack shows no status, the message gets no 👀 either",
}


def without_feature(scope: str) -> str:
    """Say what an installed app does not do for want of an optional scope."""
    lack = FEATURES.get(scope, "what needs it is left out")
    return f"without the optional scope {scope} {lack}"


def lacks_scopes(scopes: Sequence[str]) -> str:
    return f"lacks the scopes {', '.join(scopes)}; {ADD_SCOPES}"


def cannot_be_asked(why: str) -> str:
    return f"Slack cannot be asked ({why})"


def unknown_id(name: str) -> str:
    return f"Slack does not know {name}"


def unchecked_id(name: str) -> str:
    return f"{name} cannot be checked: the app lacks a scope of manifest.yml"


def empty_usergroup(name: str) -> str:
    return f"no one is in {name}; add people to it"


def no_field_of_people(name: str) -> str:
    return f"{name} isn't a profile field of type user"


def public_channel(name: str) -> str:
    return (
        f"{name} is public, so anyone who joins could decide; use a private "
        "channel, or write `open: true`"
    )


def not_a_member(name: str) -> str:
    return f"the bot is not a member of {name}; invite it there"


# --- `pause` -----------------------------------------------------------------------
def paused(team: str) -> str:
    return f"{team}: paused. Nothing runs until: python -m bot pause --lift"


def paused_before(team: str, by: str, reason: str, since: dt.datetime) -> str:
    """`by` is a user id, or an operator's name."""
    return f"{team}: paused already since {local(since)} by {by}: {reason}"


def pause_in_force(team: str, by: str, reason: str, since: dt.datetime) -> str:
    """In the lines of `check`; `by` is as for `paused_before`."""
    return (
        f"{team}: nothing runs since {local(since)}, by {by}: {one_line(reason, 200)}. "
        "Lift it: python -m bot pause --lift"
    )


def lifted(team: str) -> str:
    return f"{team}: lifted. What was approved meanwhile runs now."


def not_paused(team: str) -> str:
    return f"{team}: nothing to lift, it is not paused."


def no_workspace(team: str) -> str:
    """`team` is "" where all were meant."""
    named = f"the workspace {team}" if team else "any workspace yet"
    return f"Nothing was done: this database has not served {named}."


# --- `migrate`, `approvals` --------------------------------------------------------
UP_TO_DATE = "The schema is up to date."
NO_REQUESTS = "No requests."
REQUESTS = ("ID", "CODE", "STATUS", "DUE", "ASKED BY", "CAN DECIDE", "TITLE")


def deciders_as_asked(complaint: object) -> str:
    """`complaint` is the first about the policy file."""
    return f"CAN DECIDE is as when each was asked, since the policy is bad: {complaint}"


def nothing_to_do(code: str, status: str) -> str:
    said = status.replace("_", " ")
    return f"Nothing to do: request {code} is closed already ({said})."


def rejected(code: str, headline: str) -> str:
    return f"Rejected: {headline} ({code})."


def several_requests(code: str) -> str:
    return f"Several open requests have the code {code}; give the id of one:"


def no_request(name: str) -> str:
    return f"There is no request {name}; see: python -m bot approvals list"


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


def paused_in(teams: Sequence[str]) -> str:
    """A detail: all is well, but an operator lets nothing run in these workspaces."""
    return f"no action runs in {', '.join(teams)} until the pause is lifted"


def old_schema(migrations: Sequence[str]) -> str:
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
