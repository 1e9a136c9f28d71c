"""Triggers (three seconds, once) and each person's stack of modals."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from bot.simulator.changes import Change
from bot.simulator.message import new_id, with_ids
from bot.simulator.shapes import Json, SlackError, objects
from bot.simulator.workspace import Workspace

TRIGGER_SECONDS = 3.0
_MOST_VIEWS = 3
_KEPT_TRIGGERS = 1000
_FIELDS: Json = {
    "private_metadata": "",
    "callback_id": "",
    "external_id": "",
    "submit": None,
    "close": None,
    "clear_on_close": False,
    "notify_on_close": False,
}


@dataclass
class _Trigger:
    user_id: str
    expires: float
    used: bool = False


class Views:
    """Each person's open modals and App Home."""

    def __init__(self, workspace: Workspace) -> None:
        """Start with nothing open."""
        self._workspace = workspace
        self._triggers: dict[str, _Trigger] = {}
        self._stacks: dict[str, list[Json]] = {}
        self._homes: dict[str, Json] = {}

    def issue_trigger(self, user_id: str) -> str:
        """Return a trigger_id for a person's interaction."""
        number = 10**10 + secrets.randbelow(10**10)
        trigger_id = f"{number}.{number // 7}.{secrets.token_hex(16)}"
        expires = self._workspace.clock() + TRIGGER_SECONDS
        self._triggers[trigger_id] = _Trigger(user_id, expires)
        if len(self._triggers) > _KEPT_TRIGGERS:
            del self._triggers[next(iter(self._triggers))]
        return trigger_id

    def _use(self, trigger_id: str) -> str:
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if self._workspace.clock() > trigger.expires:
            raise SlackError("expired_trigger_id")
        trigger.used = True
        return trigger.user_id

    def stack(self, user_id: str) -> list[Json]:
        """Return the person's open views, the one on top last."""
        return list(self._stacks.get(user_id, []))

    def open(self, trigger_id: str, view: Json) -> Json:
        """Open a view in front of the person whose trigger it is."""
        user_id = self._use(trigger_id)
        return self._put(user_id, [], view)

    def push(self, trigger_id: str, view: Json) -> Json:
        """Lay a view over the one that is open."""
        user_id = self._use(trigger_id)
        return self.lay_over(user_id, view)

    def lay_over(self, user_id: str, view: Json) -> Json:
        """Lay a view over the person's stack; at most three."""
        below = self.stack(user_id)
        if len(below) >= _MOST_VIEWS:
            raise SlackError("push_limit_reached")
        return self._put(user_id, below, view)

    def update(
        self, view: Json, *, view_id: str = "", external_id: str = "", hash_: str = ""
    ) -> Json:
        """Put another view in the place of an open one, or of an App Home."""
        for user_id, old in self._all():
            if old["id"] == view_id or (external_id == old["external_id"] != ""):
                if old["type"] != view["type"]:
                    raise SlackError("view_type_mismatch")
                return self._replace(user_id, old, view, hash_)
        raise SlackError("not_found")

    def _all(self) -> list[tuple[str, Json]]:
        stacks = [(user, view) for user, each in self._stacks.items() for view in each]
        return [*stacks, *self._homes.items()]

    def _replace(self, user_id: str, old: Json, view: Json, hash_: str) -> Json:
        if hash_ and hash_ != old["hash"]:
            raise SlackError("hash_conflict")
        kept = ("id", "root_view_id", "previous_view_id")
        new = self._filled(view, old["id"]) | {key: old[key] for key in kept}
        if old["type"] == "home":
            self._homes[user_id] = new
        else:
            stack = self._stacks[user_id]
            stack[[each["id"] for each in stack].index(old["id"])] = new
        self._publish(user_id, new)
        return new

    def publish(self, user_id: str, view: Json, hash_: str = "") -> Json:
        """Show a view as a person's App Home."""
        old = self._homes.get(user_id)
        if old is not None:
            return self._replace(user_id, old, view, hash_)
        new = self._filled(view) | {"previous_view_id": None}
        self._homes[user_id] = new | {"root_view_id": new["id"]}
        self._publish(user_id, new)
        return self._homes[user_id]

    def home(self, user_id: str) -> Json | None:
        """Return a person's App Home, or None if nothing was published."""
        return self._homes.get(user_id)

    def find(self, user_id: str, view_id: str) -> Json:
        """Return an open view or the App Home; raises LookupError if there is none."""
        home = self._homes.get(user_id)
        for view in [*self.stack(user_id), *([home] if home else [])]:
            if view["id"] == view_id:
                return view
        raise LookupError(f"{user_id} has no open view {view_id}")

    def close(self, user_id: str, view_id: str) -> None:
        """Take a view away."""
        stack = self.stack(user_id)
        self._stacks[user_id] = [view for view in stack if view["id"] != view_id]
        self._workspace.changes.publish(Change("view", user=user_id))

    def clear(self, user_id: str) -> None:
        """Take all of a person's views away."""
        self._stacks.pop(user_id, None)
        self._workspace.changes.publish(Change("view", user=user_id))

    def _put(self, user_id: str, below: list[Json], view: Json) -> Json:
        new = self._filled(view)
        new["root_view_id"] = below[0]["id"] if below else new["id"]
        new["previous_view_id"] = below[-1]["id"] if below else None
        self._stacks[user_id] = [*below, new]
        self._publish(user_id, new)
        return new

    def _filled(self, view: Json, replaced: str = "") -> Json:
        """Return the view with Slack's own fields; its external_id must be free."""
        workspace, external_id = self._workspace, view.get("external_id")
        taken = [
            old["id"] for _, old in self._all() if old["external_id"] == external_id
        ]
        if external_id and set(taken) - {replaced}:
            raise SlackError("duplicate_external_id")
        return {
            **_FIELDS,
            **view,
            "id": f"V0{new_id(8).upper()}",
            "blocks": with_ids(objects(view["blocks"])),
            "team_id": workspace.team_id,
            "app_id": workspace.app_id,
            "app_installed_team_id": workspace.team_id,
            "bot_id": workspace.bot_id,
            "hash": f"{int(workspace.clock())}.{new_id(8)}",
            "state": {"values": {}},
        }

    def _publish(self, user_id: str, view: Json) -> None:
        kind = "home" if view["type"] == "home" else "view"
        self._workspace.changes.publish(Change(kind, user=user_id))
