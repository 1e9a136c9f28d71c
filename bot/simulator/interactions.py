"""Clicks and forms: from what a person sees to the payload that the bot gets."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.simulator.delivery import Ack, Delivery
from bot.simulator.messages import Message, find_element
from bot.simulator.payloads import action, block_actions, chosen, view_payload
from bot.simulator.people import User
from bot.simulator.shapes import Json, as_object, objects
from bot.simulator.slack_error import SlackError
from bot.simulator.views import Views
from bot.simulator.workspace import Workspace

RESPONSE_URL_USES = 5
RESPONSE_URL_SECONDS = 30 * 60
_KEPT_URLS = 1000


@dataclass(frozen=True)
class ClickResult:
    """What came of a click or a form: the ack, and the payload that was sent.

    `errors` are the complaints under a form's inputs, by block_id.
    """

    acked: bool
    status: int | None
    body: Json | None
    payload: Json
    seconds: float
    errors: Mapping[str, str]


@dataclass
class ResponseUrl:
    """What a response_url still leads to."""

    user_id: str
    channel_id: str
    message_ts: str
    expires: float
    uses: int = 0


class Interactions:
    """What people do to messages and modals."""

    def __init__(
        self,
        workspace: Workspace,
        views: Views,
        delivery: Delivery,
        response_base: Callable[[], str],
    ) -> None:
        """Take the parts in; `response_base` is where response_urls begin."""
        self._workspace, self._views, self._delivery = workspace, views, delivery
        self._response_base = response_base
        self.response_urls: dict[str, ResponseUrl] = {}

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
    ) -> Json:
        """Return the payload of a click on a message's element.

        With `stale` the element may stand in an earlier version of the message, as
        for a person whose screen is not yet up to date. Raises LookupError with a
        sentence if there is no such person, message or element.
        """
        workspace = self._workspace
        user = _user(workspace, user_id)
        message = self._message(user_id, channel_id, message_ts)
        shown, (found_block, element) = _element(
            message, action_id, block_id, str(value) if value else None, stale=stale
        )
        action_ts = action_ts or workspace.next_ts()
        entry = action(element, found_block, action_ts, value)
        return block_actions(
            workspace,
            user,
            workspace.channels[channel_id],
            shown,
            entry,
            trigger_id=self._views.issue_trigger(user_id),
            response_url=self._new_response_url(user_id, message),
        )

    def _message(self, user_id: str, channel_id: str, ts: str) -> Message:
        workspace = self._workspace
        message = workspace.message(channel_id, ts)
        message = message or workspace.ephemeral(user_id, channel_id, ts)
        if message is None:
            raise LookupError(f"{user_id} sees no message {ts} in {channel_id}")
        return message

    def _new_response_url(self, user_id: str, message: Message) -> str:
        word = secrets.token_urlsafe(18)
        expires = self._workspace.clock() + RESPONSE_URL_SECONDS
        self.response_urls[word] = ResponseUrl(
            user_id, message.channel, message.ts, expires
        )
        if len(self.response_urls) > _KEPT_URLS:
            del self.response_urls[next(iter(self.response_urls))]
        return f"{self._response_base()}/{word}"

    async def send(self, payload: Json) -> ClickResult:
        """Send any interaction payload, as it is."""
        started = time.monotonic()
        ack = await self._delivery.interaction(payload)
        seconds = time.monotonic() - started
        return ClickResult(ack.acked, ack.status, ack.body, payload, seconds, {})

    async def submit_view(
        self, user_id: str, view_id: str, values: Mapping[str, object]
    ) -> ClickResult:
        """Submit a modal; `values` are by action_id or block_id of the inputs.

        As in Slack a required input that is empty keeps the form from being sent.
        """
        view = self._views.find(user_id, view_id)
        view["state"] = {"values": _state(view, values)}
        payload = view_payload(
            self._workspace,
            _user(self._workspace, user_id),
            "view_submission",
            view,
            trigger_id=self._views.issue_trigger(user_id),
            response_urls=[],
        )
        if empty := _empty(view):
            return ClickResult(False, None, None, payload, 0.0, empty)
        started = time.monotonic()
        ack = await self._delivery.interaction(payload)
        seconds = time.monotonic() - started
        errors = self._respond(user_id, view_id, ack)
        return ClickResult(ack.acked, ack.status, ack.body, payload, seconds, errors)

    def _respond(self, user_id: str, view_id: str, ack: Ack) -> Mapping[str, str]:
        """Do what the `response_action` says; without one the view closes."""
        if not ack.acked:
            return {}
        body = ack.body or {}
        answer = str(body.get("response_action", ""))
        view = as_object(body.get("view")) or {}
        if answer == "errors":
            errors = as_object(body.get("errors")) or {}
            return {block_id: str(complaint) for block_id, complaint in errors.items()}
        if answer == "clear":
            self._views.clear(user_id)
        elif answer == "update":
            self._views.update(view, view_id=view_id)
        elif answer == "push":
            self._views.lay_over(user_id, view)
        else:
            self._views.close(user_id, view_id)
        return {}

    async def close_view(self, user_id: str, view_id: str) -> ClickResult | None:
        """Close a modal; the bot is told if the view asked for it."""
        view = self._views.find(user_id, view_id)
        self._views.close(user_id, view_id)
        if not view["notify_on_close"]:
            return None
        user = _user(self._workspace, user_id)
        payload = view_payload(
            self._workspace, user, "view_closed", view, is_cleared=False
        )
        return await self.send(payload)

    def use_response_url(self, word: str) -> ResponseUrl:
        """Count one use of a response_url; it serves five times in 30 minutes."""
        found = self.response_urls.get(word)
        if found is None:
            raise SlackError("no_such_response_url")
        if self._workspace.clock() > found.expires:
            raise SlackError("expired_url")
        if found.uses >= RESPONSE_URL_USES:
            raise SlackError("used_url")
        found.uses += 1
        return found


def _user(workspace: Workspace, user_id: str) -> User:
    user = workspace.users.get(user_id)
    if user is None:
        raise LookupError(f"there is no person {user_id}")
    return user


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


def _inputs(view: Json) -> list[tuple[Json, Json]]:
    blocks = [b for b in objects(view["blocks"]) if b["type"] == "input"]
    return [(block, block["element"]) for block in blocks]


def _state(view: Json, values: Mapping[str, object]) -> Json:
    state: Json = {}
    for block, element in _inputs(view):
        block_id, action_id = block["block_id"], element["action_id"]
        value = values.get(action_id, values.get(block_id, _initial(element)))
        filled = {"type": element["type"], **chosen(element, value)}
        state[block_id] = {action_id: filled}
    return state


def _initial(element: Json) -> object:
    """Return what an untouched input holds, as `values` would name it."""
    for name, initial in element.items():
        if name == "initial_option":
            return initial["value"]
        if name == "initial_options":
            return [option["value"] for option in objects(initial)]
        if name.startswith("initial_"):
            return initial
    return None


def _empty(view: Json) -> dict[str, str]:
    found: dict[str, str] = {}
    for block, element in _inputs(view):
        state = view["state"]["values"][block["block_id"]][element["action_id"]]
        given = [value for name, value in state.items() if name != "type"]
        if not any(given) and not block.get("optional"):
            found[block["block_id"]] = "Please complete this required field."
    return found
