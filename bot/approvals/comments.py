"""Words that people add to a request, which decide nothing: comments, a late reason.

A comment is what they write in its card's thread. The reason of a reject that was one
click is added by the same person right after it: the agent has been told already.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence

from bot.approvals import SQL, store
from bot.approvals.audit import about, append, stage_detail
from bot.approvals.judge import is_in_place
from bot.approvals.model import (
    Action,
    Decision,
    Outcome,
    Person,
    Request,
    Status,
    Verdict,
)
from bot.approvals.ports import Jobs
from bot.approvals.rate_limit import Counted, count_in
from bot.base.settings_types import Rate
from bot.database.pool import Connection, Pool, transaction


async def comment(
    connection: Connection,
    jobs: Jobs,
    person: Person,
    place: tuple[str, str, str],
    text: str,
    words: Mapping[str, str],
    rate: Rate | None = None,
) -> bool:
    """Keep a message if it stands in the thread of a card; whether it does.

    What is above the rate is kept too, but the card is not drawn anew for it.

    Args:
        place: channel, ts of the thread's first message, ts of the message.
        words: what its author is told, by "kept", "no_decision" and "too_many".
    """
    channel, thread_ts, ts = place
    found = await connection.execute(
        SQL["comment"],
        {
            "team": person.team,
            "user": person.user,
            "channel": channel,
            "thread_ts": thread_ts,
            "ts": ts,
            "text": text,
        },
    )
    row = await found.fetchone()
    if row is None or not row["is_card"]:
        return False
    if row["touched"]:  # else it is known already
        counted = await count_in(connection, rate, person) if rate else Counted()
        tries = row["is_open"] and reads_as_decision(text)
        said = {**words, "kept": words["no_decision"]} if tries else words
        await _tell(connection, jobs, person, place, row["touched"], said, counted)
    return True


_DECIDING = re.compile(
    r"(?:approv|reject|den(?:y|ied)|declin|lgtm|confirm|accept)", re.IGNORECASE
)
_SHORT = re.compile(r"(?:yes|yep|ok|okay|no|nope|go|sure|[+-]1|👍|👎|✅|❌)", re.I)
_MOST_WORDS = 6


def reads_as_decision(text: str) -> bool:
    """Return whether somebody may believe to decide by writing this.

    That a sentence is taken for one, or is not, changes only what its author is told.
    """
    said = re.sub(r"<[^>]*>|[.,!:;]", " ", text).split()
    if not said or len(said) > _MOST_WORDS:
        return False
    is_short = _SHORT.fullmatch(said[0]) is not None
    return is_short or any(_DECIDING.match(word) for word in said)


async def overheard(
    connection: Connection,
    jobs: Jobs,
    person: Person,
    place: tuple[str, str],
    words: Mapping[str, str],
    rate: Rate | None = None,
) -> None:
    """Tell who seems to decide in the thread of an open card that it decides nothing.

    Args:
        place: channel, and ts of the thread's first message.
        words: as for `comment`.
    """
    card = await store.shown_at(connection, *place, card="")
    if card is None or not any(request.is_open for request in card.requests):
        return
    counted = await count_in(connection, rate, person) if rate else Counted()
    if not counted.is_over:
        await store.tell(connection, jobs, person, words["no_decision"], *place)


async def _tell(
    connection: Connection,
    jobs: Jobs,
    person: Person,
    place: tuple[str, str, str],
    cards: Sequence[str],
    words: Mapping[str, str],
    counted: Counted,
) -> None:
    if counted.is_over and not counted.tell:
        return
    if not counted.is_over:
        jobs.edit(connection, cards)
    channel, thread_ts, _ = place
    said = words["too_many" if counted.is_over else "kept"]
    await store.tell(connection, jobs, person, said, channel, thread_ts)


# --- A reason after the reject --------------------------------------------------------
OFFERED = dt.timedelta(minutes=1)  # from the reject on


def offered_until(request: Request) -> dt.datetime | None:
    """Return until when its card offers to add a reason; None if it never does."""
    word = _plain_reject(request)
    return word.at + OFFERED if word and not word.reason else None


def reason_refusal(
    request: Request, action: Action, own_app: str, now: dt.datetime | None = None
) -> str:
    """Return why a person may not add a reason, as a refusal's code; "" if they may.

    Args:
        now: of the click that opens the form; None for the form, which takes its time.
    """
    word = _plain_reject(request)
    if not is_in_place(request, action, own_app):
        return "misplaced"
    if word is None or not word.person.is_same(action.person):
        return "reason_not_yours"
    if word.reason:
        return "reason_given"
    return "reason_late" if now and now >= word.at + OFFERED else ""


async def add_reason(pool: Pool, jobs: Jobs, action: Action, own_app: str) -> str:
    """Add a reason to the decision, the trail and what shows it; return a refusal.

    Raises:
        psycopg.Error, psycopg_pool.PoolTimeout: nothing was written; the caller must
            not acknowledge.
    """
    async with transaction(pool) as connection:
        found = await store.load_locked(connection, action.request)
        if found is None:
            return "unknown_request"
        request = found[0]
        if code := reason_refusal(request, action, own_app):
            return code
        who, reason = action.person, action.reason
        key = {"id": request.id, "user": who.user, "reason": reason}
        await connection.execute(SQL["add_reason"], key)
        stage = stage_detail(request, request.chain.stage_index)
        fact = about(
            request,
            "reason_added",
            actor=who.user,
            via=action.via,
            texts={"reason": reason},
            **stage,
        )
        await append(connection, [fact])
        jobs.edit(connection, await store.touch(connection, request.id))
    return ""


def _plain_reject(request: Request) -> Decision | None:
    """Return the one click in Slack that has rejected a request, None if none has."""
    rejects = [d for d in request.chain.decisions if d.verdict is Verdict.REJECT]
    is_click = request.end.outcome is Outcome.NONE and not request.terms.asks_reason
    if not (rejects and is_click and request.status is Status.REJECTED):
        return None
    return rejects[-1] if rejects[-1].via == "slack" else None
