"""The inputs of a modal, and what was put into them.

https://docs.slack.dev/reference/block-kit/blocks/input-block
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from bot.slack.cards.blocks import Block, plain

VALUE = "value"  # the `action_id` of each input; its `block_id` names it
INPUT_LIMIT = 3_000  # UTF-16 units that a text input takes
OPTION_TEXT = 75
OPTIONS = 100

Values = Mapping[str, Any]  # a view's `state.values`


def input_block(
    block_id: str, label: str, element: Block, *, hint: str = "", optional: bool = False
) -> Block:
    block: Block = {
        "type": "input",
        "block_id": block_id,
        "label": plain(label),
        "element": element,
        "optional": optional,
    }
    if hint:
        block["hint"] = plain(hint)
    return block


def text_input(
    initial: str = "", *, multiline: bool = False, most: int = INPUT_LIMIT
) -> Block:
    element: Block = {
        "type": "plain_text_input",
        "action_id": VALUE,
        "multiline": multiline,
        "max_length": most,
    }
    return _with_initial(element, initial)


def number_input(initial: str = "", *, decimal: bool) -> Block:
    """`initial` is a decimal without an exponent, or "" for none."""
    element: Block = {
        "type": "number_input",
        "action_id": VALUE,
        "is_decimal_allowed": decimal,
    }
    return _with_initial(element, initial)


def select(labels: Sequence[str], chosen: int | None) -> Block:
    """A menu; each option's value is its index."""
    options = [
        {"text": plain(label), "value": str(index)}
        for index, label in enumerate(labels)
    ]
    element: Block = {"type": "static_select", "action_id": VALUE, "options": options}
    if chosen is not None:
        element["initial_option"] = options[chosen]
    return element


def _with_initial(element: Block, initial: str) -> Block:
    return {**element, "initial_value": initial} if initial else element


def entered(values: Values, block_id: str) -> str | None:
    """What an input holds: text, an option's value, "" where it is empty.

    None where the view has no such input.
    https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload
    """
    block = values.get(block_id)
    held = cast("Mapping[str, Any]", block).get(VALUE) if block else None
    if not isinstance(held, Mapping):
        return None
    state = cast("Mapping[str, Any]", held)
    option = cast("Mapping[str, Any]", state.get("selected_option") or {})
    return str(state.get("value") or option.get("value") or "")


def fits_input(text: str) -> bool:
    """Whether a text input can hold it as it is."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2 <= INPUT_LIMIT
