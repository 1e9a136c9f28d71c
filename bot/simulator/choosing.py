"""What a person chose or typed, as Slack's payloads say it."""

from __future__ import annotations

from typing import Any

from bot.simulator.shapes import Json, as_list, as_object

_ONE = ("overflow", "static_select", "external_select", "radio_buttons")
_MANY = ("checkboxes", "multi_static_select", "multi_external_select")
_PICKED = {"datepicker": "date", "timepicker": "time", "datetimepicker": "date_time"}
_STATELESS = (
    *("button", "workflow_button", "overflow", "image"),
    *("feedback_buttons", "icon_button"),
)
_SHOWN = ("text", "style", "value", "url", "placeholder", "confirm")


def has_state(element: Json) -> bool:
    """Tell whether an element holds a value that payloads carry along."""
    return element["type"] not in _STATELESS


def action(element: Json, block_id: str, action_ts: str, value: object) -> Json:
    """Return the entry of `actions` for an element that was acted on.

    `value` stands for the button's own value or names the chosen option.
    """
    entry: dict[str, Any] = {
        "action_id": element["action_id"],
        "block_id": block_id,
        "type": element["type"],
        "action_ts": action_ts,
    }
    for name in _SHOWN:
        if name in element:
            entry[name] = element[name]
    if element["type"] == "feedback_buttons":
        return entry | _feedback(element, value)
    if element["type"] == "overflow" and _option(element, value) is None:
        raise LookupError(f"{element['action_id']} has no option {value}")
    if has_state(element) or element["type"] == "overflow":
        return entry | chosen(element, value)
    return entry if value is None else entry | {"value": value}


def _feedback(element: Json, value: object) -> Json:
    for name in ("positive_button", "negative_button"):
        if element[name]["value"] == value:
            return {"value": value, "text": element[name]["text"]}
    raise LookupError(f"{element['action_id']} has no button {value}")


def chosen(element: Json, value: object) -> Json:
    """Return the value fields of an input element, as state and actions have them."""
    kind = str(element["type"])
    if kind in _ONE:
        return {"selected_option": _option(element, value)}
    if kind in _MANY:
        values = as_list(value) or []
        return {"selected_options": [_option(element, each) for each in values]}
    if kind in _PICKED:
        return {f"selected_{_PICKED[kind]}": value or None}
    if kind.startswith("multi_"):
        noun = kind.removeprefix("multi_").removesuffix("_select")
        return {f"selected_{noun}": as_list(value) or []}
    if kind.endswith("_select"):
        return {f"selected_{kind.removesuffix('s_select')}": value or None}
    if kind == "rich_text_input":
        return {"rich_text_value": as_object(value)}
    if kind == "file_input":
        return {"files": as_list(value) or []}
    return {"value": None if value in (None, "") else str(value)}


def _option(element: Json, value: object) -> Json | None:
    groups = [element, *element.get("option_groups", [])]
    options = [option for group in groups for option in group.get("options", [])]
    return next((option for option in options if option["value"] == value), None)
