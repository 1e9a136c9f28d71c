"""The state of a form's inputs: what is chosen, typed in, and wrong with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from bot.simulator.message import every_block, own_elements
from bot.simulator.shapes import Json, as_list, as_object, objects

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


EMPTY = "Please complete this required field."
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_URL = re.compile(r"https?://\S+")
_DECIMAL = re.compile(r"-?\d+(\.\d+)?")


def _as_it_is(element: Json, value: object) -> tuple[Json, object]:
    return element, value


def state_of(
    blocks: object,
    values: Mapping[str, object],
    prepared: Callable[[Json, object], tuple[Json, object]] = _as_it_is,
) -> Json:
    """Return `state.values`; each element with state is there, null if empty.

    `values` are by block_id, by action_id, or by block_id and then action_id.
    `prepared` may put another element and value in their places before.
    """
    state: Json = {}
    for _, block in every_block(objects(blocks)):
        for element in filter(has_state, own_elements(block)):
            block_id, action_id = str(block.get("block_id")), element["action_id"]
            known, value = prepared(element, _given(element, block_id, values))
            filled = {"type": element["type"], **chosen(known, value)}
            state.setdefault(block_id, {})[action_id] = filled
    return state


def _given(element: Json, block_id: str, values: Mapping[str, object]) -> object:
    action_id = str(element["action_id"])
    in_block = values.get(block_id)
    nested = as_object(in_block) or {}
    if action_id in nested:
        return nested[action_id]
    if block_id in values and not (nested and "type" not in nested):
        return in_block
    return values.get(action_id, _initial(element))


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


def complaints(view: Json) -> dict[str, str]:
    """Return what keeps a form from being sent, by block_id, as Slack says it."""
    found: dict[str, str] = {}
    for _, block in every_block(objects(view["blocks"])):
        if block["type"] != "input":
            continue
        element = block["element"]
        state = view["state"]["values"][block["block_id"]][element["action_id"]]
        given = [value for name, value in state.items() if name != "type"]
        if not any(given):
            complaint = "" if block.get("optional") else EMPTY
        else:
            complaint = _typed(element, given[0])
        if complaint:
            found[block["block_id"]] = complaint
    return found


def _typed(element: Json, value: object) -> str:
    check = _CHECKS.get(str(element["type"]))
    return check(element, str(value)) if check else ""


def _text(element: Json, value: str) -> str:
    least, most = element.get("min_length", 0), element.get("max_length", 3000)
    if len(value) < least:
        return f"This entry must be at least {least} characters."
    return f"Please enter no more than {most} characters." if len(value) > most else ""


def _number(element: Json, value: str) -> str:
    if _DECIMAL.fullmatch(value) is None:
        return "Please enter a number."
    if "." in value and not element["is_decimal_allowed"]:
        return "Please enter a whole number."
    least, most = element.get("min_value"), element.get("max_value")
    if least is not None and float(value) < float(least):
        return f"Please enter a number of at least {least}."
    if most is not None and float(value) > float(most):
        return f"Please enter a number of at most {most}."
    return ""


def _email(_: Json, value: str) -> str:
    fits = _EMAIL.fullmatch(value)
    return "" if fits else "Please enter a valid email address."


def _url(_: Json, value: str) -> str:
    return "" if _URL.fullmatch(value) else "Please enter a valid URL."


_CHECKS = {
    "plain_text_input": _text,
    "number_input": _number,
    "email_text_input": _email,
    "url_text_input": _url,
}
