"""Named people, what they do one after the other, and what has come of it each time.

Every transport plays the same table: whatever a word arrives through, it does the same.
The policy is the simulator's own; whoever asks is Ravi. A step is:

    who, what they do, what came of it, where the request stands then

What they do: `approve`, `reject`, `withdraw`, `answer WORDS`, `edit NAME=VALUE`; with
`old` in front on the card, or with the token, as it was before the first step. Values
that have to be typed in are typed in.

What came of it: an effect of `bot.approvals.model.Effect`, or the word of a refusal.
Where it stands: a status, or the open stage with how many of how many have approved.
"""

from __future__ import annotations

from dataclasses import dataclass

Step = tuple[str, str, str, str]


@dataclass(frozen=True)
class Row:
    """One request, as the tool and arguments that Ravi's words ask for."""

    name: str
    says: str
    tool: str
    arguments: dict[str, object]
    steps: tuple[Step, ...]


def _transfer(name: str, amount: float, *steps: Step) -> Row:
    call = {"to": "alice", "amount": amount, "currency": "GBP"}
    return Row(name, f"transfer {amount} GBP to alice", "transfer_money", call, steps)


def _drop(name: str, database: str, *steps: Step) -> Row:
    says = f"drop database {database}"
    return Row(name, says, "drop_database", {"name": database}, steps)


MANAGER, FINANCE, DIRECTOR = "managers 0/1", "finance 0/1", "directors 0/1"

TABLE = (
    _transfer(
        "a manager alone",
        1000,
        ("Fay", "approve", "not_in_group", MANAGER),
        ("Olaf", "approve", "not_in_group", MANAGER),
        ("Ravi", "approve", "requester", MANAGER),
        ("Mina", "approve", "approved", "approved"),
        ("Marek", "approve", "late", "approved"),
        ("Dora", "reject", "late", "approved"),
    ),
    _transfer(
        "one person decides one stage",
        1500,
        ("Mina", "approve", "stage_passed", FINANCE),
        ("Mina", "approve", "already_decided", FINANCE),
        ("Mina", "reject", "already_decided", FINANCE),
        ("Marek", "approve", "not_in_group", FINANCE),
        ("Fay", "approve", "approved", "approved"),
    ),
    _transfer(
        "in their order",
        20_000,
        ("Dora", "approve", "not_in_group", MANAGER),
        ("Fay", "approve", "not_in_group", MANAGER),
        ("Marek", "approve", "stage_passed", FINANCE),
        ("Dora", "approve", "not_in_group", FINANCE),
        ("Fay", "approve", "stage_passed", DIRECTOR),
        ("Dora", "approve", "approved", "approved"),
    ),
    _transfer(
        "the first reject ends it",
        1501,
        ("Mina", "approve", "stage_passed", FINANCE),
        ("Dora", "reject", "not_in_group", FINANCE),
        ("Fay", "reject", "rejected", "rejected"),
        ("Marek", "approve", "late", "rejected"),
    ),
    _transfer(
        "whoever asked takes it back",
        501,
        ("Mina", "withdraw", "only_requester_withdraws", MANAGER),
        ("Ravi", "withdraw", "withdrawn", "withdrawn"),
        ("Marek", "approve", "late", "withdrawn"),
    ),
    _transfer(
        "a reject of whoever asked is a withdrawal",
        1502,
        ("Mina", "approve", "stage_passed", FINANCE),
        ("Ravi", "reject", "withdrawn", "withdrawn"),
    ),
    _transfer(
        "an edit by the only one who is needed",
        502,
        ("Fay", "edit amount=5", "not_in_group", MANAGER),
        ("Mina", "edit amount=502", "edit_same", MANAGER),
        ("Mina", "edit amount=-1", "edit_invalid", MANAGER),
        ("Mina", "edit amount=5", "approved", "approved"),
        ("Marek", "old approve", "late", "approved"),
    ),
    _transfer(
        "an edit over a limit",
        503,
        ("Mina", "edit amount=1600", "edited", FINANCE),
        ("Marek", "old approve", "superseded", FINANCE),
        ("Fay", "old reject", "superseded", FINANCE),
        ("Mina", "approve", "already_decided", FINANCE),
        ("Fay", "approve", "approved", "approved"),
    ),
    _transfer(
        "an edit by the second voids the first",
        1700,
        ("Marek", "approve", "stage_passed", FINANCE),
        ("Fay", "edit amount=1800", "edited", MANAGER),
        ("Fay", "approve", "already_decided", MANAGER),
        ("Marek", "approve", "approved", "approved"),
    ),
    _transfer(
        "an edit that asks for a typed value counts for no stage",
        504,
        ("Mina", "edit amount=30000", "edited", MANAGER),
        ("Mina", "approve", "stage_passed", FINANCE),
    ),
    _drop(
        "an answer in the tool's place",
        "staging",
        ("Fay", "answer no", "not_in_group", MANAGER),
        ("Mina", "approve", "stage_passed", DIRECTOR),
        ("Dora", "answer It is needed until May.", "answered", "answered"),
        ("Marek", "approve", "late", "answered"),
    ),
    _transfer(
        "no answer where the rule offers none",
        505,
        ("Mina", "answer Later.", "not_allowed", MANAGER),
        ("Marek", "reject", "rejected", "rejected"),
    ),
)
