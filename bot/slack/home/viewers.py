"""The people who look at App Home: what they are offered, and when they get it anew."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, LiteralString, cast

import structlog
from psycopg.types.json import Jsonb
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals.model import Person
from bot.base.errors import RetryLater, SlackUnavailable
from bot.base.time_limits import limits
from bot.database.pool import Pool, transaction
from bot.slack.client import NO_ANSWER, PASSING, error_code, named_wait
from bot.slack.home import SQL
from bot.slack.home.desk import WAITING, Desk, Desks
from bot.slack.home.home_view import Visit, home_view, link_to_card
from bot.slack.identity import Identity

log = structlog.get_logger(__name__)
LATELY = dt.timedelta(minutes=30)  # so long a visitor's page follows what happens
MOST = 60  # pages brought up to date at one look, the latest visitors first
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Seat:
    """The buttons that a person was offered last.

    Attributes:
        view: Slack's id of their App Home.
        offered, listed: the buttons of that, and of their last private list: of each
            the action and the token.
    """

    view: str = ""
    offered: Sequence[str] = ()
    listed: Sequence[str] = ()


@dataclass
class Viewers:
    """Notes which pages to publish. `send` begins, once that is committed."""

    pool: Pool
    send: Callable[[str, bool], None] = field(default=lambda key, can_wait: None)

    async def open(self, person: Person) -> None:
        """Note that somebody has opened App Home."""
        await self._write(SQL["open_home"], person, enterprise=person.enterprise)

    async def redraw(
        self, person: Person, note: str = "", *, turned: str = WAITING, turn: int = 0
    ) -> None:
        """Show a person their page anew, with the answer to a click of theirs.

        Args:
            turned: a list of `Desk`.
            turn: its pages to go on, or back.
        """
        given = {"note": note, "list": turned, "turn": turn}
        await self._write(SQL["redraw_home"], person, **given)

    async def _write(
        self, statement: LiteralString, person: Person, **given: Any
    ) -> None:
        key = {"team": person.team, "user": person.user, **given}
        async with transaction(self.pool) as connection:
            await connection.execute(statement, key)
        self.send(f"{person.team} {person.user}", False)

    async def seat(self, person: Person) -> Seat:
        """Return what a person was offered last."""
        key = {"team": person.team, "user": person.user}
        async with self.pool.connection() as connection:
            row = await (await connection.execute(SQL["seat_of"], key)).fetchone()
        return Seat(row["view_id"], row["offered"], row["listed"]) if row else Seat()

    async def keep_list(self, person: Person, tokens: Sequence[str]) -> None:
        """Note what a private list offers a person."""
        key = {
            "team": person.team,
            "user": person.user,
            "enterprise": person.enterprise,
            "listed": list(tokens),
        }
        async with transaction(self.pool) as connection:
            await connection.execute(SQL["keep_list"], key)


@dataclass(frozen=True)
class HomePages:
    """The outbox of pages to publish; see `bot.jobs.courier.Outbox`."""

    pool: Pool
    desks: Desks
    client: AsyncWebClient
    identity: Callable[[], Identity]
    statements: ClassVar[Mapping[str, LiteralString]] = {
        "pick": SQL["pick_home"],
        "take": SQL["take_home"],
        "postpone": SQL["postpone_home"],
    }

    @property
    def lease(self) -> float:
        return limits().message_lease

    async def mark(self) -> None:
        """Have the pages of those whose business has changed published anew."""
        async with transaction(self.pool) as connection:
            given = {"lately": LATELY, "most": MOST}
            await connection.execute(SQL["mark_homes"], given)

    async def bring(self, row: Row) -> bool:
        """Publish one person's page; return whether there is more to show.

        Raises:
            SlackUnavailable, RetryLater: try again later.
        """
        person = Person(row["enterprise_id"], row["team_id"], row["user_id"])
        desk = await self.desks.read(person, row["pages"])
        visit = Visit(row["visits"] == 1, row["note"])
        home = home_view(desk, visit, link_to_card(self.identity()))
        view = await self._publish(person, home.view)
        return await self._note(row, view, home.offered, desk)

    async def _publish(self, person: Person, view: Mapping[str, Any]) -> str | None:
        """Publish a view and return its id; None where Slack takes none."""
        try:
            answer = await self.client.views_publish(
                user_id=person.user, view=dict(view)
            )
        except SlackApiError as error:
            if wait := named_wait(error):
                raise RetryLater(wait) from error
            if error_code(error) in PASSING:
                raise SlackUnavailable from error
            log.warning(
                "Slack does not take App Home",
                action="home_refused",
                error=error_code(error),
            )
            return None
        except NO_ANSWER as error:
            raise SlackUnavailable from error
        data = cast("dict[str, Any]", answer.data)
        return str(data["view"]["id"])

    async def _note(
        self, row: Row, view: str | None, offered: Sequence[str], desk: Desk
    ) -> bool:
        given = {
            "view": view,
            "offered": list(offered),
            "watches": list(desk.watches),
            "pages": Jsonb(dict(desk.pages)),
        }
        async with transaction(self.pool) as connection:
            noted = await connection.execute(SQL["published_home"], {**row, **given})
            found = await noted.fetchone()
        return bool(found and found["more"])
