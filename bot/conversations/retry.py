"""Try again: one more run of a turn that has failed, by a click."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.approvals import store
from bot.approvals.audit import Fact, append
from bot.approvals.judge import is_on_message
from bot.approvals.model import Action
from bot.approvals.ports import Jobs, People, refusal_of, turn_job
from bot.conversations import SQL
from bot.database.pool import Connection, Pool, transaction
from bot.texts import clicks

Offer = Mapping[str, Any]


@dataclass(frozen=True)
class Retrier:
    """Lets whoever may ask the agent have a failed turn run once more.

    What has happened in the turn is not done again: it goes on from its checkpoints,
    and each call by its own grant.
    """

    pool: Pool
    people: People
    jobs: Jobs
    own_app: Callable[[], str]

    async def try_again(self, action: Action) -> str:
        """Run it once more, or have the person told why not; the word of that, or "".

        Args:
            action: who clicked which button where; its verdict says nothing here.

        Raises:
            psycopg.Error, psycopg_pool.PoolTimeout: nothing was written; the caller
                must not acknowledge.
        """
        refusal = await refusal_of(self.people, action.person)
        async with transaction(self.pool) as connection:
            offer = await store.of_message(
                connection, SQL["lock_offer"], action.request
            )
            word = _judged(offer, action, self.own_app()) or refusal
            if offer is None or word:
                await self._refuse(connection, action, offer, word)
            else:
                await self._take(connection, action, offer)
        return word

    async def _take(self, connection: Connection, action: Action, offer: Offer) -> None:
        key = {"id": offer["delivery_id"], "user": action.person.user}
        await connection.execute(SQL["take_offer"], key)
        await append(connection, [_fact(action, offer, "tried_again", {})])
        self.jobs.edit(connection, [str(offer["delivery_id"])])
        turn = turn_job(str(offer["conversation_id"]))
        await self.jobs.defer(connection, [turn])

    async def _refuse(
        self, connection: Connection, action: Action, offer: Offer | None, word: str
    ) -> None:
        fact = _fact(action, offer, "refused", {"word": word, "verdict": "try_again"})
        await append(connection, [fact])
        if offer is not None:
            await connection.execute(SQL["show_offer"], {"id": offer["delivery_id"]})
            self.jobs.edit(connection, [str(offer["delivery_id"])])
        who, place, text = action.person, action.place, clicks.not_tried(word)
        if place is not None:
            await store.tell(
                connection, self.jobs, who, text, place.channel, place.thread
            )


def _judged(offer: Offer | None, action: Action, own_app: str) -> str:
    """Return why this click runs nothing, no matter who made it; "" if it may run."""
    if offer is None:
        return "unknown_offer"
    if not is_on_message(offer, action.place, own_app):
        return "misplaced"
    if offer["taken_at"] is not None:
        return "tried_already"
    return "" if offer["stands"] else "moved_on"


def _fact(
    action: Action, offer: Offer | None, event: str, detail: dict[str, str]
) -> Fact:
    """Build the fact for the thread's workspace, or the person's if there is none."""
    actor, via = action.person.user, action.via
    fact = Fact(action.person.team, event, actor=actor, via=via, detail=detail)
    if offer is None:
        return fact
    about = {"delivery": str(offer["delivery_id"]), "on_behalf_of": offer["author"]}
    return replace(
        fact,
        team=offer["team_id"],
        conversation=str(offer["conversation_id"]),
        detail=about | detail,
    )
