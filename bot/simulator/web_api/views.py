"""The methods views.*: modals and the App Home."""

from __future__ import annotations

from bot.simulator.blocks import is_too_large, view_errors
from bot.simulator.shapes import Json, as_object, copied
from bot.simulator.slack_error import SlackError, invalid_arguments
from bot.simulator.web_api.methods import Call, method


@method("views.open")
def open_view(call: Call) -> Json:
    """Open a modal."""
    view = call.views.open(_trigger(call), _checked_view(call, "modal"))
    return {"view": copied(view)}


@method("views.push")
def push_view(call: Call) -> Json:
    """Lay a modal over the one that is open."""
    view = call.views.push(_trigger(call), _checked_view(call, "modal"))
    return {"view": copied(view)}


@method("views.update")
def update_view(call: Call) -> Json:
    """Put another view in the place of an open one."""
    view = call.views.update(
        _checked_view(call),
        view_id=call.args.text("view_id"),
        external_id=call.args.text("external_id"),
        hash_=call.args.text("hash"),
    )
    return {"view": copied(view)}


@method("views.publish")
def publish_view(call: Call) -> Json:
    """Show a view as a person's App Home."""
    if not call.app.home_tab:
        raise SlackError("not_enabled")
    user = call.user("user_id")
    view = _checked_view(call, "home")
    return {"view": copied(call.views.publish(user.id, view, call.args.text("hash")))}


def _trigger(call: Call) -> str:
    return call.args.text("trigger_id") or call.args.required("interactivity_pointer")


def _checked_view(call: Call, kind: str = "") -> Json:
    view = as_object(call.args.json("view"))
    if view is None:
        raise invalid_arguments("missing required field: view")
    complaints = [
        f"{each['message']} [json-pointer:/view{each['pointer']}]"
        for each in view_errors(view)
    ]
    if kind and view.get("type") != kind:
        complaints.append(f"must be {kind} [json-pointer:/view/type]")
    if complaints:
        raise invalid_arguments(*complaints)
    if is_too_large(view):
        raise SlackError("view_too_large")
    return view
