"""The table of clicks, against one running bot: by buttons, and by forms."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.click_table import TABLE, Row
from tests.support.deciding import (
    SANDBOX,
    View,
    asked,
    filled_in,
    inputs,
    offered,
    request_of,
)
from tests.support.demo import PEOPLE, RAVI
from tests.support.playing import Board
from tests.support.shown import Message, buttons
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
STAGE = SANDBOX


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
@pytest.mark.parametrize("way", ["buttons", "forms"])
async def test_what_people_do_comes_to_what_the_table_says(
    shared: Stage, row: Row, way: str
):
    card, _ = await asked(shared, row.says)
    player = Player(shared, card, by_forms=way == "forms")
    await player.keep_forms_open(row)

    came: list[tuple[str, str, str, str]] = []
    for who, does, *_ in row.steps:
        await player.act(who, does)
        came.append((who, does, player.came_of(who), player.stands()))

    assert came == list(row.steps)
    if player.is_open:
        await shared.simulator.click(
            RAVI, card["channel"], card["ts"], "reject", player.token
        )


class Player(Board):
    """Plays one row on its card."""

    def __init__(self, stage: Stage, card: Message, *, by_forms: bool) -> None:
        super().__init__(stage, request_of(card))
        self.by_forms = by_forms
        self.first = self.seen = card
        self.kept: dict[str, View] = {}  # forms that were opened before the first step
        self.menus: dict[str, Any] = {}  # clicks on a menu that closes with the card

    async def keep_forms_open(self, row: Row) -> None:
        """Let those who will come too late with an Approve open its form in time."""
        place, option = (self.first["channel"], self.first["ts"]), offered(self.first)
        for user in {PEOPLE[who] for who, *_ in row.steps}:
            click = self.stage.simulator.click_payload
            self.menus[user] = click(user, *place, "more", option["history"])
        late = {
            who
            for who, does, came, _ in row.steps
            if does.endswith("approve") and came in ("late", "superseded")
        }
        for who in sorted(late if self.by_forms else ()):
            view = await self._menu(PEOPLE[who], self.first, "view")
            assert view is not None
            self.kept[PEOPLE[who]] = view

    async def act(self, who: str, does: str) -> None:
        """Do one thing, on the card as it is now or as it was at first."""
        user, is_old = PEOPLE[who], does.startswith("old ")
        verb, _, words = does.removeprefix("old ").partition(" ")
        card = self.first if is_old else await self._up_to_date()
        if verb == "approve":
            await self._approve(user, card, is_old=is_old)
        elif verb == "reject" and not self.by_forms:
            await self.stage.click(user, "reject", card)
        elif view := await self._menu(user, card, verb):
            await filled_in(self.stage, user, view, **self._values(view, verb, words))

    async def _approve(self, user: str, card: Message, *, is_old: bool) -> None:
        if not self.by_forms:
            action = buttons(card)[0][0]
            await self.stage.click(user, action, card)
            view = self._open(user)
        elif user in self.kept and (is_old or not self.is_open):
            view = self.kept.pop(user)
        else:
            view = await self._menu(user, card, "view")
        if view is not None:
            values = self._values(view, "approve", "")
            await filled_in(self.stage, user, view, **values)

    def _values(self, view: View, verb: str, words: str) -> dict[str, object]:
        values: dict[str, object] = {}
        if verb == "edit":
            name, _, value = words.partition("=")
            values[name] = value
        elif verb == "answer":
            values["your"] = words
        elif verb == "reject":
            values["reason"] = "No."
        if "to" in inputs(view) and verb == "approve":
            label = inputs(view)["to"]["label"]["text"]
            values["to"] = self.arguments[label.rpartition(" ")[2]]
        return values

    async def _menu(self, user: str, card: Message, word: str) -> View | None:
        """Choose in the menu, be it what the card does not offer; the form, if any."""
        simulator = self.stage.simulator
        place = (card["channel"], card["ts"])
        # The card may be drawn anew: what it carried before is sent all the same.
        option = offered(self.stage.message(*place)).get("history")
        payload = self.menus[user]
        if option:
            payload = simulator.click_payload(user, *place, "more", option)
        chosen = payload["actions"][0]["selected_option"]
        chosen["value"] = f"{word}:{offered(card)['history'].partition(':')[2]}"
        for view in simulator.open_views(user):
            await simulator.close_view(user, view["id"])
        assert (await simulator.send_payload(payload)).acked
        return self._open(user)

    def _open(self, user: str) -> View | None:
        views = self.stage.simulator.open_views(user)
        return views[-1] if views and views[-1].get("submit") else None

    async def _up_to_date(self) -> Message:
        """The card as whoever looks at it sees it, or saw it last with its buttons."""

        def drawn() -> bool:
            now = self.stage.message(self.first["channel"], self.first["ts"])
            if buttons(now):
                self.seen = now
            return not self.is_open or buttons(self.seen)[0][1] == self.token

        await self.stage.simulator.wait_for(drawn)
        return self.seen
