"""Modals that are sent or closed, and what the bot's answer does to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bot.simulator.blocks import view_errors
from bot.simulator.forms import complaints
from bot.simulator.interactions import ClickResult, Interactions
from bot.simulator.messages import every_block
from bot.simulator.payloads import view_payload
from bot.simulator.response_urls import ResponseUrls
from bot.simulator.shapes import Json, as_object, objects
from bot.simulator.slack_error import SlackError
from bot.simulator.views import Views
from bot.simulator.workspace import Workspace

_CONVERSATIONS = ("selected_channel", "selected_conversation")


class Submissions:
    """What people do to modals as a whole."""

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
            raise LookupError(f"view {view_id} is no modal and cannot be sent")
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
        raise SlackError(f"errors under blocks that are no inputs: {names}")
    return {block_id: str(complaint) for block_id, complaint in errors.items()}


def _checked(body: Json) -> Json:
    view = as_object(body.get("view")) or {}
    for each in view_errors(view):
        where = f"[json-pointer:/view{each['pointer']}]"
        raise SlackError(f"{each['message']} {where}")
    if view["type"] != "modal":
        raise SlackError("only a modal can answer a modal")
    return view
