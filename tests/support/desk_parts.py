"""App Home on a real database: what is published, and clicks as Slack sends them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

from bot.approvals.delegations import Delegations
from bot.approvals.pause import Operators
from bot.approvals.policy.model import Delegation, Policy
from bot.slack.home.desk import Desks
from bot.slack.home.viewers import HomePages, Viewers
from bot.slack.listeners import home
from tests.support.cards_samples import of_type
from tests.support.clicks import click_of, deps_of
from tests.support.house import POLICY, House
from tests.support.people import APP, CHANNEL, FAY, MINA, OMAR, TEAM, US, person

VIEW = "V0HOME"
LEASE = dt.timedelta(seconds=25)


@dataclass
class HomeSlack:
    """Takes views as Slack does, and keeps the last one of each person."""

    views: dict[str, dict[str, Any]] = field(default_factory=dict)
    opened: list[dict[str, Any]] = field(default_factory=list)
    published: int = 0
    trouble: list[Exception] = field(default_factory=list)

    async def views_publish(self, *, user_id: str, view: dict[str, Any]) -> Any:
        if self.trouble:
            raise self.trouble.pop(0)
        self.published += 1
        self.views[user_id] = view
        return SimpleNamespace(data={"view": {"id": f"{VIEW}-{user_id}"}})

    async def views_open(self, *, trigger_id: str, view: dict[str, Any]) -> Any:
        self.opened.append(view)
        return SimpleNamespace(data={"view": {"id": "V1", "hash": "h"}})


@dataclass(frozen=True)
class Giving:
    """The policy of a house, which people's delegations are put into."""

    house: House

    @property
    def current(self) -> Policy:
        return self.house.policies.current

    def give(self, delegations: Sequence[Delegation]) -> None:
        policies = self.house.policies
        policies.current = replace(policies.current, delegations=tuple(delegations))


def delegating(house: House, *more: str) -> str:
    """Let managers name Fay or one of these as their deputy; return the policy."""
    managers = f"managers: {{users: [{MINA}, {OMAR}]}}"
    deputies = f"deputies: {{users: [{', '.join([FAY, *more])}]}}"
    delegable = managers.replace("]}", "], delegable_to: deputies}")
    assert managers in POLICY
    house.policies.change(managers, f"{delegable}\n  {deputies}")
    return POLICY.replace(managers, f"{delegable}\n  {deputies}")


@dataclass
class HomeDesk:
    """The parts of App Home over a house, and people who look at it and click."""

    house: House
    slack: HomeSlack = field(default_factory=HomeSlack)
    answers: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        house = self.house
        self.viewers = Viewers(house.pool)
        self.desks = Desks(house.pool, house.people, house.policies)
        client: Any = self.slack
        common: Any = (house.pool, house.people, Giving(house), lambda: TEAM)
        self.pages = HomePages(house.pool, self.desks, client, lambda: US)
        self._listeners: list[tuple[Any, Any]] = []
        listen = lambda name: lambda do: self._listeners.append((name, do))  # noqa: E731
        self.deps = deps_of(
            house,
            viewers=self.viewers,
            delegations=Delegations(*common),
            operators=Operators(house.pool, house.queue, common[1], house.policies),
            desks=self.desks,
            client=client,
        )
        app: Any = SimpleNamespace(action=listen, event=listen, command=listen)
        home.register(app, self.deps)

    async def publish(self) -> int:
        """Publish all that is due; how many pages that were."""
        before = self.slack.published
        await self.house.rows("UPDATE home_viewers SET due_at = now()")
        for row in await self.house.rows("SELECT team_id, user_id FROM home_viewers"):
            await self.send(f"{row['team_id']} {row['user_id']}")
        return self.slack.published - before

    async def send(self, key: str) -> None:
        """Publish one page, as a courier does."""
        async with self.house.pool.connection() as connection:
            found = await connection.execute(
                self.pages.statements["take"], {"key": key, "lease": LEASE}
            )
            row = await found.fetchone()
        if row:
            await self.pages.bring(row)

    async def open(self, user: str = MINA) -> dict[str, Any]:
        """Open App Home as a person; the view that they then see."""
        event = {"type": "app_home_opened", "user": user, "tab": "home"}
        await self._listener("app_home_opened")(body={"event": event})
        await self.publish()
        return self.slack.views[user]

    async def click(
        self, action: str, value: str, user: str = MINA, **changes: Any
    ) -> None:
        """Click a button of App Home, and have the page published anew."""
        body = self.body(action, value, user) | changes
        await self._listener(action)(ack=self._ack, body=body)
        await self.publish()

    async def _ack(self) -> None:
        pass

    def body(self, action: str, value: str, user: str = MINA) -> dict[str, Any]:
        """The payload of a click in App Home."""
        view = {"id": f"{VIEW}-{user}", "type": "home", "app_id": APP, "team_id": TEAM}
        body = click_of(
            user={"id": user, "username": "x", "name": "x", "team_id": TEAM},
            container={"type": "view", "view_id": view["id"]},
            view=view,
            actions=[{"action_id": action, "value": value, "action_ts": f"1.{value}"}],
        )
        del body["channel"], body["message"]
        return body

    def _listener(self, wanted: str) -> Any:
        fits = [do for name, do in self._listeners if re.fullmatch(name, wanted)]
        assert len(fits) == 1
        return fits[0]

    async def command(self, text: str, user: str = MINA) -> None:
        """Type `/approvals` with these words; the answer is kept."""
        body = {"user_id": user, "team_id": TEAM, "channel_id": CHANNEL, "text": text}

        async def ack(**answer: Any) -> None:
            self.answers.append(answer)

        await self._listener("/approvals")(ack=ack, body=body)

    async def click_listed(self, action: str, value: str, user: str = MINA) -> None:
        """Click a button of the private answer to `/approvals`."""
        body = self.body(action, value, user)
        place = {"message_ts": "9.9", "channel_id": CHANNEL, "is_ephemeral": True}
        body["container"] = {"type": "message", **place}
        del body["view"]
        await self._listener(action)(ack=self._ack, body=body)

    async def shown(self, user: str = MINA) -> list[str]:
        """The codes of the requests that wait for a person."""
        desk = await self.desks.read(person(user))
        return [each.code for each in desk.waiting]


def buttons_of(view: dict[str, Any]) -> list[tuple[str, str]]:
    """Action and value of each button of a view, without those that open a link."""
    found = of_type(view, "button")
    return [(b["action_id"], b.get("value", "")) for b in found if "url" not in b]


def values_of(view: dict[str, Any]) -> set[str]:
    return {value for _, value in buttons_of(view) if value}
