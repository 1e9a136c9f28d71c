"""Clicks on messages, in modals and in the App Home, and menus that load options."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from bot.simulator.choosing import action
from bot.simulator.delivery import Delivery
from bot.simulator.forms import state_of
from bot.simulator.messages import Message, find_element
from bot.simulator.payloads import block_actions, block_suggestion, view_actions
from bot.simulator.people import User
from bot.simulator.response_urls import ResponseUrls
from bot.simulator.shapes import Json, as_list, copied, objects
from bot.simulator.views import Views
from bot.simulator.workspace import Workspace

_NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True)
class ClickResult:
    """What came of a click, a form or a command: the ack, and what was sent.

    `errors` are the complaints under a form's inputs, by block_id. `refusal` is
    what Slack holds against the bot's answer, for which it does not take effect.
    """

    acked: bool
    status: int | None
    body: Json | None
    payload: Json
    seconds: float
    errors: Mapping[str, str] = field(default_factory=dict[str, str])
    refusal: str = ""


class Interactions:
    """What people do to messages, modals and the App Home."""

    def __init__(
        self,
        workspace: Workspace,
        views: Views,
        delivery: Delivery,
        response_urls: ResponseUrls,
        base: Callable[[], str],
    ) -> None:
        """Take the parts in; `base` is where the simulator's addresses begin."""
        self._workspace, self._views, self._delivery = workspace, views, delivery
        self._response_urls, self._base = response_urls, base
        self._offered: dict[tuple[str, str], list[Json]] = {}

    def click_payload(
        self,
        user_id: str,
        channel_id: str,
        message_ts: str,
        action_id: str,
        value: object = None,
        *,
        block_id: str | None = None,
        action_ts: str | None = None,
        stale: bool = True,
        values: Mapping[str, object] = _NOTHING,
    ) -> Json:
        """Return the payload of a click on a message's element.

        With `stale` the element may stand in an earlier version of the message, as
        for a person whose screen is not yet up to date. `values` are what the
        message's other menus and inputs hold. Raises LookupError with a sentence if
        there is no such person, message or element.
        """
        workspace = self._workspace
        user = self.user(user_id)
        message = self._message(user_id, channel_id, message_ts)
        wanted = str(value) if value else None
        shown, found = _element(message, action_id, block_id, wanted, stale=stale)
        entry = self._entry(user_id, *found, value, action_ts)
        state = self.state(user_id, shown.data.get("blocks"), values, entry)
        return block_actions(
            workspace,
            user,
            workspace.channels[channel_id],
            shown,
            entry,
            state=state,
            trigger_id=self._views.issue_trigger(user_id),
            response_url=self._response_urls.issue(user_id, channel_id, message.ts),
        )

    def user(self, user_id: str) -> User:
        """Return a person; raises LookupError with a sentence if there is none."""
        user = self._workspace.users.get(user_id)
        if user is None:
            raise LookupError(f"there is no person {user_id}")
        return user

    def _message(self, user_id: str, channel_id: str, ts: str) -> Message:
        workspace = self._workspace
        message = workspace.message(channel_id, ts)
        message = message or workspace.ephemeral(user_id, channel_id, ts)
        if message is None:
            raise LookupError(f"{user_id} sees no message {ts} in {channel_id}")
        return message

    def _entry(
        self,
        user_id: str,
        block_id: str,
        element: Json,
        value: object,
        action_ts: str | None = None,
    ) -> Json:
        known, value = self.prepare(user_id, element, value)
        action_ts = action_ts or self._workspace.next_ts()
        return copied(action(known, block_id, action_ts, value))

    def prepare(
        self, user_id: str, element: Json, value: object
    ) -> tuple[Json, object]:
        """Fill in what only the workspace knows: loaded options, uploaded files."""
        if str(element["type"]).endswith("external_select"):
            offered = self._offered.get((user_id, str(element["action_id"])), [])
            initial = [element.get("initial_option"), *_initials(element)]
            options = [*offered, *(each for each in initial if each)]
            return {**element, "options": options}, value
        if element["type"] == "file_input":
            files = [self._workspace.files.get(str(each)) for each in _listed(value)]
            where = (self._base(), self._workspace.team_id)
            return element, [each.as_slack(*where) for each in files if each]
        return element, value

    def state(
        self,
        user_id: str,
        blocks: object,
        values: Mapping[str, object],
        entry: Json | None = None,
    ) -> Json:
        """Return `state.values`, with what was just chosen in its place."""

        def prepared(element: Json, value: object) -> tuple[Json, object]:
            return self.prepare(user_id, element, value)

        state = state_of(blocks, values, prepared)
        if entry is not None:
            held = state.get(entry["block_id"], {}).get(entry["action_id"], {})
            held |= {name: entry[name] for name in held if name in entry}
        return state

    async def click_view(
        self,
        user_id: str,
        view_id: str,
        action_id: str,
        value: object = None,
        *,
        block_id: str | None = None,
        values: Mapping[str, object] = _NOTHING,
    ) -> ClickResult:
        """Click an element of an open modal or of the App Home.

        `values` are what its inputs hold, as for `submit_view`.
        """
        user, view = self.user(user_id), self._views.find(user_id, view_id)
        wanted = str(value) if value else None
        found = find_element(view["blocks"], action_id, block_id, wanted)
        if found is None:
            raise LookupError(f"view {view_id} has no element {action_id}")
        entry = self._entry(user_id, *found, value)
        state = self.state(user_id, view["blocks"], values, entry)
        shown = {**view, "state": {"values": state}}
        trigger_id = self._views.issue_trigger(user_id)
        return await self.send(
            view_actions(self._workspace, user, shown, entry, trigger_id)
        )

    async def options(
        self,
        user_id: str,
        action_id: str,
        text: str,
        *,
        view_id: str | None = None,
        channel_id: str = "",
        message_ts: str = "",
        block_id: str | None = None,
    ) -> Json:
        """Ask the bot for the options of an external menu, for what was typed."""
        if view_id is not None:
            where: Json = {"view": copied(self._views.find(user_id, view_id))}
            blocks: object = where["view"]["blocks"]
            where["container"] = {"type": "view", "view_id": view_id}
        else:
            data = self._message(user_id, channel_id, message_ts).data
            blocks, where = data.get("blocks"), {"message": copied(data)}
        found = find_element(blocks, action_id, block_id, None)
        if found is None:
            raise LookupError(f"there is no menu {action_id}")
        payload = block_suggestion(
            self._workspace, self.user(user_id), found[1], found[0], text
        )
        answer = (await self.send(payload | where)).body or {}
        groups = [answer, *objects(answer.get("option_groups"))]
        options = [each for group in groups for each in objects(group.get("options"))]
        self._offered[(user_id, action_id)] = options
        return {k: v for k, v in answer.items() if k in ("options", "option_groups")}

    async def send(self, payload: Json) -> ClickResult:
        """Send any interaction payload, as it is."""
        started = time.monotonic()
        ack = await self._delivery.interaction(payload)
        seconds = time.monotonic() - started
        return ClickResult(ack.acked, ack.status, ack.body, payload, seconds)


def _element(
    message: Message,
    action_id: str,
    block_id: str | None,
    value: str | None,
    *,
    stale: bool,
) -> tuple[Message, tuple[str, Json]]:
    earlier = reversed(message.earlier) if stale else ()
    for version in (message.data, *earlier):
        found = find_element(version.get("blocks"), action_id, block_id, value)
        if found is not None:
            return Message(message.channel, version), found
    raise LookupError(f"message {message.ts} has no element {action_id}")


def _initials(element: Json) -> list[Json]:
    return objects(element.get("initial_options"))


def _listed(value: object) -> list[object]:
    return as_list(value) or []
