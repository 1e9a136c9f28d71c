"""The guards that keep an action from happening twice, and what breaks without each.

`python -m tests.support.guards` writes the table in `docs/reliability.md` anew.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.crash_table import PAGE
from tests.support.threats import page_with

MARKS = ("<!-- guards -->\n", "<!-- end of guards -->\n")


@dataclass(frozen=True)
class Guard:
    """One guard, how it is taken out, and what goes wrong then.

    One in SQL, of a statement or of a function in the database, is taken out by putting
    `instead` in the place of `guard`; one of the schema by dropping `constraints` of
    `table`.
    """

    name: str
    where: str
    breaks: str
    statement: str = ""
    function: str = ""
    guard: str = ""
    instead: str = ""
    table: str = ""
    constraints: tuple[str, ...] = ()


GUARDS = (
    Guard(
        "conditional UPDATE",
        "a verdict is written only over `pending`",
        "silence closes a request that was approved",
        statement="expire",
        guard="r.status = 'pending' AND ",
    ),
    Guard(
        "conditional UPDATE against the deadline",
        "a click and silence go by the same clock, in the statement that writes",
        "a click that was judged in time decides after the deadline",
        statement="decide",
        guard="bot_now() < LEAST(",
        instead="'-infinity' < LEAST(",
    ),
    Guard(
        "claim",
        "`approved → executing` is a conditional UPDATE",
        "a call runs twice",
        statement="claim_approved",
        guard="g.state = 'approved'",
        instead="true",
    ),
    Guard(
        "claim of a waived call",
        "one grant for each call of a conversation",
        "a waived call runs twice",
        statement="claim_waived",
        guard="DO NOTHING",
        instead="DO UPDATE SET claimed_at = bot_now()",
    ),
    Guard(
        "claim at a resume",
        "a foreign graph is resumed on a claim",
        "a foreign graph acts twice after a crash",
        statement="claim_resume",
        guard="AND g.state = 'approved'",
    ),
    Guard(
        "generation at the claim",
        "a claim is the current run's",
        "a run that was replaced acts",
        statement="claim_approved",
        guard="c.generation = %(generation)s",
        instead="%(generation)s IS NOT NULL",
    ),
    Guard(
        "generation in the saver",
        "a checkpoint is the current run's",
        "a run that was replaced writes into the conversation of its successor",
    ),
    Guard(
        "generation at the end of a turn",
        "an answer is the current run's",
        "a run that was replaced answers too",
        statement="end_run",
        guard="AND generation = %(generation)s",
    ),
    Guard(
        "strict resume",
        "LangGraph refuses an answer to what it does not ask",
        "a stale answer is taken without a word",
    ),
    Guard(
        "dedupe of messages",
        "unique by event, and by place",
        "one message is answered twice",
        table="messages",
        constraints=(
            "messages_team_id_event_id_key",
            "messages_team_id_channel_id_ts_key",
        ),
    ),
    Guard(
        "dedupe of requests",
        "one request for each interrupt",
        "one question gets two cards",
        function="raise_requests",
        guard="AND r.interrupt_id = f.interrupt_id",
        instead="AND false",
        table="requests",
        constraints=("requests_conversation_id_interrupt_id_position_key",),
    ),
)


def table() -> str:
    """A row for each guard."""
    rows = ["| guard | what it says | without it |", "|---|---|---|"]
    rows += [f"| {each.name} | {each.where} | {each.breaks} |" for each in GUARDS]
    return "\n".join(rows) + "\n"


def page() -> str:
    """The page with the table as it is now."""
    return page_with(PAGE.read_text(encoding="utf-8"), table(), *MARKS)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
