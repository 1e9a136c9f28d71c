"""Clicks on blocks and submitted views, sent to the app as Slack sends them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from bot.simulator.app_delivery import Delivery, ResponseUrls
from bot.simulator.block_check import view_errors
from bot.simulator.form_state import action, complaints, state_of
from bot.simulator.message import Message, every_block, find_element
from bot.simulator.payloads import (
    block_actions,
    block_suggestion,
    view_actions,
    view_payload,
)
from bot.simulator.people import User
from bot.simulator.shapes import Json, SlackError, as_list, as_object, copied, objects
from bot.simulator.views import Views
from bot.simulator.workspace import Workspace

_NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True)
class ClickResult:
    """The result of a click, a form or a command: the ack, and what was sent.

    `errors` are the complaints under a form's inputs, by block_id. `refusal` is
    Slack's objection to the bot's answer, which then has no effect.
    """

    acked: bool
    status: int | None
    body: Json | None
    payload: Json
    seconds: float
    errors: Mapping[str, str] = field(default_factory=dict[str, str])
    refusal: str = ""


class Interactions:
    """People's interactions with messages, modals and the App Home."""

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


_CONVERSATIONS = ("selected_channel", "selected_conversation")


class Submissions:
    """The acts on a whole modal: to submit it, to close it."""

    def __init__(
        self,
        workspace: Workspace,
        views: Views,
        interactions: Interactions,
        response_urls: ResponseUrls,
    ) -> None:
        """Take the parts in."""
        self._workspace, self._views = workspace, views
        self._interactions, self._response_urls = interactions, response_urls

    async def submit_view(
        self, user_id: str, view_id: str, values: Mapping[str, object]
    ) -> ClickResult:
        """Submit a modal; `values` are by block_id or action_id of the inputs.

        As in Slack an input that is empty, too long or no number keeps the form
        from being sent.
        """
        view = self._views.find(user_id, view_id)
        if view["type"] != "modal":
            raise LookupError(f"view {view_id} isn't a modal and can't be sent")
        state = self._interactions.state(user_id, view["blocks"], values)
        view["state"] = {"values": state}
        payload = view_payload(
            self._workspace,
            self._interactions.user(user_id),
            "view_submission",
            view,
            trigger_id=self._views.issue_trigger(user_id),
            response_urls=self._new_response_urls(user_id, view),
        )
        if found := complaints(view):
            return ClickResult(False, None, None, payload, 0.0, found)
        result = await self._interactions.send(payload)
        return self._respond(user_id, view, result) if result.acked else result

    def _new_response_urls(self, user_id: str, view: Json) -> list[Json]:
        """Return an address for each conversation of inputs that ask for one."""
        found: list[Json] = []
        for _, block in every_block(objects(view["blocks"])):
            element = as_object(block.get("element")) or {}
            if not element.get("response_url_enabled"):
                continue
            block_id, action_id = block["block_id"], element["action_id"]
            state = view["state"]["values"][block_id][action_id]
            chosen = next((state[name] for name in _CONVERSATIONS if name in state), "")
            if chosen:
                url = self._response_urls.issue(user_id, chosen)
                ids = {"block_id": block_id, "action_id": action_id}
                found.append({**ids, "channel_id": chosen, "response_url": url})
        return found

    def _respond(self, user_id: str, view: Json, result: ClickResult) -> ClickResult:
        """Do what the `response_action` says; without one the view closes."""
        body = result.body or {}
        try:
            if body.get("response_action") == "errors":
                return replace(result, errors=_errors(view, body))
            self._change(user_id, view, body)
        except SlackError as error:
            return replace(result, refusal=error.error)
        return result

    def _change(self, user_id: str, view: Json, body: Json) -> None:
        answer = body.get("response_action")
        if answer == "clear":
            self._views.clear(user_id)
        elif answer == "update":
            self._views.update(_checked(body), view_id=view["id"])
        elif answer == "push":
            self._views.lay_over(user_id, _checked(body))
        elif answer is None:
            self._views.close(user_id, view["id"])
        else:
            raise SlackError(f"unknown response_action: {answer}")

    async def close_view(
        self, user_id: str, view_id: str, *, clear: bool = False
    ) -> ClickResult | None:
        """Close a modal, or with `clear` all that are open.

        The bot is told of each that asked for it; returns what came of the first.
        """
        view = self._views.find(user_id, view_id)
        clear = clear or view["clear_on_close"]
        gone = list(reversed(self._views.stack(user_id))) if clear else [view]
        for each in gone:
            self._views.close(user_id, each["id"])
        told = [
            await self._tell(user_id, each, is_cleared=clear)
            for each in gone
            if each["notify_on_close"]
        ]
        return told[0] if told else None

    async def _tell(self, user_id: str, view: Json, *, is_cleared: bool) -> ClickResult:
        user = self._interactions.user(user_id)
        payload = view_payload(
            self._workspace, user, "view_closed", view, is_cleared=is_cleared
        )
        return await self._interactions.send(payload)


def _errors(view: Json, body: Json) -> dict[str, str]:
    """Return the complaints; they may stand under inputs only."""
    errors = as_object(body.get("errors")) or {}
    inputs = [b["block_id"] for b in objects(view["blocks"]) if b["type"] == "input"]
    unknown = sorted(errors.keys() - set(inputs))
    if unknown or not errors:
        names = ", ".join(unknown) or "none"
        raise SlackError(f"errors under blocks that aren't inputs: {names}")
    return {block_id: str(complaint) for block_id, complaint in errors.items()}


def _checked(body: Json) -> Json:
    view = as_object(body.get("view")) or {}
    for each in view_errors(view):
        where = f"[json-pointer:/view{each['pointer']}]"
        raise SlackError(f"{each['message']} {where}")
    if view["type"] != "modal":
        raise SlackError("only a modal can answer a modal")
    return view
