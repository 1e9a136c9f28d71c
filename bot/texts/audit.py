"""The audit trail in words: what is wrong with it, its report, its checkpoints.

Plain text. A finding follows the row or the line that it is about, so it begins in
small letters.
"""

from __future__ import annotations

from bot.texts.formatting import counted


# --- A row of the trail ------------------------------------------------------------
def row_without_number(seq: int, team: str, what: str) -> str:
    where = f" of workspace {team}" if team else ""
    return f"row with seq {seq}{where}: {what}"


def row(number: int, team: str, what: str, seq: int = 0) -> str:
    """`seq` is 0 where it is not known."""
    known = f" (seq {seq})" if seq else ""
    return f"row {number} of workspace {team}{known}: {what}"


GONE = "it is gone from the table"
DOES_NOT_FOLLOW = "it does not follow the row before it"
CHANGED = "it was changed: its hash differs"
FORGED_CHECKPOINT = "its stored checkpoint isn't signed with its key"
UNCHAINED = {
    "row": "it's in the table and in no chain",
    "text": "there's a text with it that isn't its own",
}


def missing(number: int, before: int) -> str:
    """`number` is of the row that was found, `before` of the one before it."""
    return f"it is missing; row {number} follows row {before}"


def out_of_order(before: int) -> str:
    return f"it comes after row {before}"


def text_changed(name: str) -> str:
    return f"its text {name!r} was changed"


def signed_and_gone(at: str, last: int) -> str:
    """`at` is the time of the checkpoint."""
    return (
        f"the checkpoint of {at} signed it, and it's gone; the chain ends at row {last}"
    )


def signed_otherwise(at: str) -> str:
    return (
        f"it isn't the row that the checkpoint of {at} signed: the chain was "
        "rewritten up to here"
    )


# --- A line of an export -----------------------------------------------------------
NO_OBJECT = "it isn't a JSON object"
NO_ROW = "it isn't a row of a trail"
NOT_CANONICAL = "it is not in canonical form (RFC 8785)"
NO_PART = "it does not say what it is a part of"
PART_OF_NOTHING = "it says that it is a part of nothing"
OTHER_EXPORT = "it belongs to another export"
EMPTY_FILE = "the file holds no row of a trail"


TOO_DEEP = "it is nested too deeply"


def line(number: int, what: str) -> str:
    return f"line {number}: {what}"


def no_canonical_form(error: object) -> str:
    return f"it has no canonical JSON: {error}"


def no_whole_number(text: str) -> str:
    return f"it holds {text}, and the trail has whole numbers only"


def no_json(error: object) -> str:
    return f"it isn't JSON as an export has it ({error})"


def behind_the_end(last: int) -> str:
    return f"it comes after row {last}, where the export ends"


def missing_before(number: int, team: str) -> str:
    return f"row {number} of workspace {team} is missing before it"


def cut_off(missing: str) -> str:
    return f"the file was cut off here: {missing}"


def rows_missing(number: int) -> str:
    return f"{counted(number, 'row')} missing"


# --- A file of checkpoints ---------------------------------------------------------
NO_CHECKPOINT = "it holds no checkpoint"
EMPTY_FOLDER = "the folder holds no checkpoint"
LINE_NO_CHECKPOINT = "one of its lines isn't a checkpoint"


def line_unreadable(error: object) -> str:
    return f"{LINE_NO_CHECKPOINT}: {error}"


def forged(number: int, team: str) -> str:
    return (
        f"the checkpoint of row {number} of workspace {team} does not have the "
        "signature of its key"
    )


# --- `python -m bot audit` ---------------------------------------------------------
NOTHING_TO_EXPORT = "There was nothing to export."
EXPORT_NOT_NOTED = "The database is read-only: the export is not noted."


def bad_row(problem: str, *, first: bool) -> str:
    return f"{'The first bad row' if first else 'Also bad'}: {problem}"


def good(rows: int, erased: int) -> str:
    """`erased` counts texts that are gone, which is allowed."""
    without = f"; {counted(erased, 'text')} erased" if erased else ""
    return f"Good: {counted(rows, 'row')}{without}."


def begins_behind(team: str, number: int, digest: str) -> str:
    return f"Workspace {team} begins after row {number}, {digest}"


def older_checkpoints(number: int) -> str:
    return f"Older, and not checked: {counted(number, 'checkpoint')}"


def ends_at(team: str, number: int, digest: str) -> str:
    return f"Workspace {team} ends at row {number}, hash {digest}"


def signed_by(number: int, key: str) -> str:
    return f"{counted(number, 'checkpoint')} signed by the key {key}"


def file_unreadable(path: object, reason: str | None) -> str:
    return f"--file {path} cannot be read: {reason}."


def checkpoint_unusable(path: object, reason: object) -> str:
    return f"--checkpoint {path} cannot be used: {reason}."


KEY_FOR_NOTHING = (
    "--public-key needs --checkpoint F: it says which key must have signed that."
)


def other_key(path: object, wanted: str) -> str:
    return f"--checkpoint {path} is signed by another key than {wanted}."


PERIODS = "2026, 2026-Q3, 2026-07, 2026-07-15, 2026-07-01..2026-07-31, or 30d"


def no_period(given: str) -> str:
    return f"--period {given}: allowed is {PERIODS}."


# --- The report --------------------------------------------------------------------
TITLE = "Approvals: audit report"
REQUESTS, OUTCOMES, RUNS = "Requests", "Outcomes", "Runs"
STAGES, POLICIES = "Stages", "Policies"
SUMMARY, TIME_TO_DECIDE, BY_APPROVER = "Summary", "Time to decide", "By approver"
SELF_APPROVALS = "Attempts to approve one's own request"
QUICK_DECISIONS = "Decisions within 3 seconds of the card"
FEEDBACK = "Feedback on answers"
ALL_REFUSED = "Refused attempts"
THE_TRAIL = "The audit trail"
NOT_GOOD = "The trail has been changed:"


NOTHING = "–"
#: The columns of its tables, where the report's own word is not one for people.
COLUMNS = {
    "at": "when",
    "actor": "who",
    "verdict": "tried to",
    "milliseconds": "after",
    "via": "where",
    "people": "approvers",
    "loaded": "in force since",
}


def seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1_000:.1f} s"


def in_words(code: str) -> str:
    """A word of the trail as people read it."""
    return code.replace("_", " ")


def person(name: str, user: str) -> str:
    return f"{name} ({user})"


def summary(requests: int, refused: int) -> str:
    return f"{counted(requests, 'request')}, {counted(refused, 'refused attempt')}."


def from_until(since: str, until: str) -> str:
    return f"{since} to {until}"


ONLY_IDS = (
    "Slack couldn't be asked for the names of everyone on this page: some people are "
    "shown by their id alone."
)


def exports_taken(number: int) -> str:
    return f"Exports taken in this period: {number}."


def verified(rows: int) -> str:
    return f"The trail is intact: {counted(rows, 'row')} verified."


# --- Checkpoints, and where they go ------------------------------------------------
def checkpoint_of(number: int, team: str) -> str:
    return f"Audit checkpoint: row {number} of {team}"


def not_written(path: object, reason: str) -> str:
    return f"The checkpoint cannot be written to {path}: {reason}; see AUDIT_SINK."


def not_posted(channel: str, code: str) -> str:
    return (
        f"The checkpoint cannot be posted to {channel}: Slack answers {code}; see "
        "AUDIT_SINK."
    )


def slack_away(channel: str) -> str:
    return f"The checkpoint cannot be posted to {channel}: Slack cannot be reached."


def sink_away(error: str) -> str:
    return f"AUDIT_SINK cannot be reached: {error}."


def sink_refused(status: int) -> str:
    return f"AUDIT_SINK answered with status {status}."
