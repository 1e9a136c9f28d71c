"""Slack's limits of text, buttons, inputs and rich text (docs: block-kit)."""

from __future__ import annotations

from bot.simulator.block_rules import (
    Fields,
    Rule,
    any_of_fields,
    boolean,
    listing,
    number,
    one_of,
    string,
    typed,
)


def plain(maximum: int) -> Rule:
    """Demand a plain_text object."""
    return typed({"plain_text": Fields({"text": string(maximum)}, {"emoji": boolean})})


def text(maximum: int) -> Rule:
    """Demand a plain_text or mrkdwn object."""
    return typed(
        {
            "plain_text": Fields({"text": string(maximum)}, {"emoji": boolean}),
            "mrkdwn": Fields({"text": string(maximum)}, {"verbatim": boolean}),
        }
    )


ID = string(255)
CONFIRM = Fields(
    {"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30)},
    {"style": one_of("primary", "danger")},
)
OPTION = Fields(
    {"text": text(75), "value": string(150)},
    {"description": text(75), "url": string(3000)},
)
OPTION_GROUP = Fields({"label": plain(75), "options": listing(OPTION, 100)})
_COMMON: dict[str, Rule] = {"action_id": ID, "confirm": CONFIRM}
_FOCUS: dict[str, Rule] = {**_COMMON, "focus_on_load": boolean}
_SELECT: dict[str, Rule] = {**_FOCUS, "placeholder": plain(150)}
_MANY: dict[str, Rule] = {**_SELECT, "max_selected_items": number}

BUTTON = Fields(
    {"text": plain(75)},
    {
        **_COMMON,
        "url": string(3000),
        "value": string(2000),
        "style": one_of("primary", "danger"),
        "accessibility_label": string(75),
        "visible_to_user_ids": listing(string(255), 100),
    },
)
IMAGE_ELEMENT = Fields(
    {"alt_text": string(2000)},
    {"image_url": string(3000), "slack_file": Fields({}, {"id": ID, "url": ID})},
    any_of_fields("image_url", "slack_file"),
)
_OPTIONS = listing(OPTION, 100)


def _choices(initial: str, rule: Rule, common: dict[str, Rule]) -> Fields:
    optional = {
        **common,
        "options": _OPTIONS,
        "option_groups": listing(OPTION_GROUP, 100),
        initial: rule,
    }
    return Fields({}, optional, any_of_fields("options", "option_groups"))


def _of(kind: str, *, many: bool = False) -> Fields:
    initial: Rule = listing(ID, 100) if many else ID
    common = _MANY if many else _SELECT
    name = f"initial_{kind}s" if many else f"initial_{kind}"
    more: dict[str, Rule] = {name: initial, "response_url_enabled": boolean}
    if kind == "conversation":
        more |= {"default_to_current_conversation": boolean}
    return Fields({}, {**common, **more})


SELECTS: dict[str, Rule] = {
    "static_select": _choices("initial_option", OPTION, _SELECT),
    "multi_static_select": _choices("initial_options", _OPTIONS, _MANY),
    "users_select": _of("user"),
    "multi_users_select": _of("user", many=True),
    "channels_select": _of("channel"),
    "multi_channels_select": _of("channel", many=True),
    "conversations_select": _of("conversation"),
    "multi_conversations_select": _of("conversation", many=True),
}
PICKERS: dict[str, Rule] = {
    "datepicker": Fields({}, {**_SELECT, "initial_date": string(10)}),
    "timepicker": Fields(
        {}, {**_SELECT, "initial_time": string(5), "timezone": string(100)}
    ),
    "datetimepicker": Fields({}, {**_FOCUS, "initial_date_time": number}),
    "checkboxes": Fields(
        {"options": listing(OPTION, 10)},
        {**_FOCUS, "initial_options": listing(OPTION, 10)},
    ),
    "radio_buttons": Fields(
        {"options": listing(OPTION, 10)}, {**_FOCUS, "initial_option": OPTION}
    ),
}
_TYPED_IN: dict[str, Rule] = {
    "action_id": ID,
    "placeholder": plain(150),
    "focus_on_load": boolean,
    "dispatch_action_config": Fields(
        {}, {"trigger_actions_on": listing(string(30), 2)}
    ),
}
INPUTS: dict[str, Rule] = {
    "plain_text_input": Fields(
        {},
        {
            **_TYPED_IN,
            "initial_value": string(3000, 0),
            "multiline": boolean,
            "min_length": number,
            "max_length": number,
        },
    ),
    "number_input": Fields(
        {"is_decimal_allowed": boolean},
        {
            **_TYPED_IN,
            "initial_value": string(3000, 0),
            "min_value": string(30),
            "max_value": string(30),
        },
    ),
    "email_text_input": Fields({}, {**_TYPED_IN, "initial_value": string(3000, 0)}),
    "url_text_input": Fields({}, {**_TYPED_IN, "initial_value": string(3000, 0)}),
}
OVERFLOW = Fields({"options": listing(OPTION, 5)}, _COMMON)
ACTIONS: dict[str, Rule] = {
    "button": BUTTON,
    "overflow": OVERFLOW,
    **SELECTS,
    **PICKERS,
}
ACCESSORIES: dict[str, Rule] = {**ACTIONS, "image": IMAGE_ELEMENT}
INPUT_ELEMENTS: dict[str, Rule] = {**SELECTS, **PICKERS, **INPUTS}

_STYLE = Fields(
    {},
    dict.fromkeys(("bold", "italic", "strike", "code", "underline", "unlink"), boolean),
)
_STYLED: dict[str, Rule] = {"style": _STYLE}
_LONG = string(40_000)
_RICH_TEXT_TEXT = Fields({"text": _LONG}, _STYLED)
_RICH_TEXT_LINK = Fields(
    {"url": string(3000)}, {"text": _LONG, "unsafe": boolean, **_STYLED}
)
_INLINE = typed(
    {
        "text": _RICH_TEXT_TEXT,
        "link": _RICH_TEXT_LINK,
        "user": Fields({"user_id": ID}, _STYLED),
        "usergroup": Fields({"usergroup_id": ID}, _STYLED),
        "channel": Fields({"channel_id": ID}, _STYLED),
        "broadcast": Fields({"range": one_of("here", "channel", "everyone")}, _STYLED),
        "emoji": Fields(
            {"name": ID}, {"unicode": ID, "skin_tone": number, "url": string(3000)}
        ),
        "date": Fields(
            {"timestamp": number, "format": string(2000)},
            {"url": string(3000), "fallback": string(2000), **_STYLED},
        ),
        "color": Fields({"value": string(30)}, _STYLED),
    }
)
_LITERAL = typed({"text": _RICH_TEXT_TEXT, "link": _RICH_TEXT_LINK})
_INLINES = listing(_INLINE, 10_000, 0)
_SECTION = Fields({"elements": _INLINES})
_BORDER: dict[str, Rule] = {"border": number}
RICH_TEXT: dict[str, Rule] = {
    "rich_text_section": _SECTION,
    "rich_text_preformatted": Fields(
        {"elements": listing(_LITERAL, 10_000, 0)}, {**_BORDER, "language": string(50)}
    ),
    "rich_text_quote": Fields({"elements": _INLINES}, _BORDER),
    "rich_text_list": Fields(
        {
            "style": one_of("bullet", "ordered"),
            "elements": listing(typed({"rich_text_section": _SECTION}), 10_000, 0),
        },
        {"indent": number, "offset": number, **_BORDER},
    ),
}
