"""The rules for the elements of blocks, and for the long-known blocks themselves."""

from __future__ import annotations

from bot.simulator.block_rules import (
    Fields,
    Rule,
    all_of,
    any_of_fields,
    boolean,
    in_order,
    integer,
    listing,
    matching,
    not_both,
    one_of,
    string,
    typed,
)
from bot.simulator.block_texts import (
    CHOICE,
    CONFIRM,
    ID,
    MENU_ITEM,
    OPTION,
    OPTION_GROUP,
    RICH_TEXT,
    RICH_TEXT_BLOCK,
    SLACK_FILE,
    URL,
    initial_is_offered,
    plain,
    text,
)

_MOST_TYPED = 3000
_COMMON: dict[str, Rule] = {"action_id": ID, "confirm": CONFIRM}
_FOCUS: dict[str, Rule] = {**_COMMON, "focus_on_load": boolean}
_SELECT: dict[str, Rule] = {**_FOCUS, "placeholder": plain(150)}
_MANY: dict[str, Rule] = {**_SELECT, "max_selected_items": integer(1, 100)}
_STYLE = one_of("primary", "danger")
_VISIBLE: dict[str, Rule] = {"visible_to_user_ids": listing(ID, 100)}
_LABEL: dict[str, Rule] = {"accessibility_label": string(75)}
BUTTON = Fields(
    {"text": plain(75)},
    {
        **_COMMON,
        **_LABEL,
        **_VISIBLE,
        "url": URL,
        "value": string(2000),
        "style": _STYLE,
        "agent_prompt": string(4000),
        "agent_prompt_display": string(4000),
    },
)
_TRIGGER = Fields(
    {"url": URL},
    {
        "customizable_input_parameters": listing(
            Fields({"name": ID, "value": string(2000)}), 100, 0
        )
    },
)
WORKFLOW_BUTTON = Fields(
    {"text": plain(75), "workflow": Fields({"trigger": _TRIGGER})},
    {"action_id": ID, "style": _STYLE, **_LABEL},
)
_FEEDBACK = Fields({"text": plain(75), "value": string(2000)}, _LABEL)
CONTEXT_ACTIONS: dict[str, Rule] = {
    "feedback_buttons": Fields(
        {"positive_button": _FEEDBACK, "negative_button": _FEEDBACK}, {"action_id": ID}
    ),
    "icon_button": Fields(
        {"icon": string(75), "text": plain(75)},
        {**_COMMON, **_LABEL, **_VISIBLE, "value": string(2000)},
    ),
}
IMAGE_ELEMENT = Fields(
    {"alt_text": string(2000)},
    {"image_url": URL, "slack_file": SLACK_FILE},
    all_of(
        any_of_fields("image_url", "slack_file"), not_both("image_url", "slack_file")
    ),
)
IMAGE: Rule = typed({"image": IMAGE_ELEMENT})
_OPTIONS = listing(OPTION, 100)


def _static(initial: str, rule: Rule, common: dict[str, Rule]) -> Fields:
    optional = {
        **common,
        "options": _OPTIONS,
        "option_groups": listing(OPTION_GROUP, 100),
        initial: rule,
    }
    return Fields(
        {},
        optional,
        all_of(
            any_of_fields("options", "option_groups"),
            not_both("options", "option_groups"),
            initial_is_offered,
        ),
    )


def _external(initial: str, rule: Rule, common: dict[str, Rule]) -> Fields:
    query: dict[str, Rule] = {"min_query_length": integer(0, 3000)}
    return Fields({}, {**common, **query, initial: rule})


_FILTER = Fields(
    {},
    {
        "include": listing(one_of("im", "mpim", "private", "public"), 4),
        "exclude_external_shared_channels": boolean,
        "exclude_bot_users": boolean,
    },
)


def _of(kind: str, *, many: bool = False) -> Fields:
    rules: dict[str, Rule] = dict(_MANY if many else _SELECT)
    rules[f"initial_{kind}s" if many else f"initial_{kind}"] = (
        listing(ID, 100) if many else ID
    )
    if kind != "user" and not many:
        rules["response_url_enabled"] = boolean
    if kind == "conversation":
        rules |= {"default_to_current_conversation": boolean, "filter": _FILTER}
    return Fields({}, rules)


SELECTS: dict[str, Rule] = {
    "static_select": _static("initial_option", OPTION, _SELECT),
    "multi_static_select": _static("initial_options", _OPTIONS, _MANY),
    "external_select": _external("initial_option", OPTION, _SELECT),
    "multi_external_select": _external("initial_options", _OPTIONS, _MANY),
    "users_select": _of("user"),
    "multi_users_select": _of("user", many=True),
    "channels_select": _of("channel"),
    "multi_channels_select": _of("channel", many=True),
    "conversations_select": _of("conversation"),
    "multi_conversations_select": _of("conversation", many=True),
}
_DATE = matching(r"\d{4}-\d{2}-\d{2}", "2026-12-31")
_TIME = matching(r"([01]\d|2[0-3]):[0-5]\d", "23:59")
_CHOICES = listing(CHOICE, 10)
PICKERS: dict[str, Rule] = {
    "datepicker": Fields({}, {**_SELECT, "initial_date": _DATE}),
    "timepicker": Fields({}, {**_SELECT, "initial_time": _TIME, "timezone": ID}),
    "checkboxes": Fields(
        {"options": _CHOICES},
        {**_FOCUS, "initial_options": _CHOICES},
        initial_is_offered,
    ),
    "radio_buttons": Fields(
        {"options": _CHOICES}, {**_FOCUS, "initial_option": CHOICE}, initial_is_offered
    ),
}
DATE_AND_TIME: dict[str, Rule] = {
    "datetimepicker": Fields(
        {}, {**_FOCUS, "initial_date_time": integer(10**9, 10**10 - 1)}
    ),
}
_TYPED_IN: dict[str, Rule] = {
    "action_id": ID,
    "placeholder": plain(150),
    "focus_on_load": boolean,
    "dispatch_action_config": Fields(
        {},
        {
            "trigger_actions_on": listing(
                one_of("on_enter_pressed", "on_character_entered"), 2
            )
        },
    ),
}
_WITH_INITIAL: dict[str, Rule] = {**_TYPED_IN, "initial_value": string(_MOST_TYPED, 0)}
_NUMBER = matching(r"-?\d+(\.\d+)?", "12.5")
INPUTS: dict[str, Rule] = {
    "plain_text_input": Fields(
        {},
        {
            **_WITH_INITIAL,
            "multiline": boolean,
            "min_length": integer(0, _MOST_TYPED),
            "max_length": integer(1, _MOST_TYPED),
        },
        in_order("min_length", "max_length"),
    ),
    "number_input": Fields(
        {"is_decimal_allowed": boolean},
        {
            **_TYPED_IN,
            "initial_value": _NUMBER,
            "min_value": _NUMBER,
            "max_value": _NUMBER,
        },
        in_order("min_value", "max_value"),
    ),
    "email_text_input": Fields({}, _WITH_INITIAL),
    "url_text_input": Fields({}, _WITH_INITIAL),
    "rich_text_input": Fields(
        {},
        {
            **_TYPED_IN,
            "initial_value": RICH_TEXT,
            "min_lines": integer(1, 100),
            "max_lines": integer(1, 100),
        },
        in_order("min_lines", "max_lines"),
    ),
    "file_input": Fields(
        {},
        {
            "action_id": ID,
            "filetypes": listing(string(100), 100),
            "max_files": integer(1, 10),
        },
    ),
}
OVERFLOW = Fields({"options": listing(MENU_ITEM, 5)}, _COMMON)
_ANYWHERE: dict[str, Rule] = {
    "button": BUTTON,
    "workflow_button": WORKFLOW_BUTTON,
    "overflow": OVERFLOW,
    **SELECTS,
    **PICKERS,
}
ACTIONS: dict[str, Rule] = {**_ANYWHERE, **DATE_AND_TIME}
ACCESSORIES: dict[str, Rule] = {**_ANYWHERE, "image": IMAGE_ELEMENT}
INPUT_ELEMENTS: dict[str, Rule] = {**SELECTS, **PICKERS, **DATE_AND_TIME, **INPUTS}
BLOCK_ID: dict[str, Rule] = {"block_id": ID}
BASIC_BLOCKS: dict[str, Rule] = {
    "header": Fields({"text": plain(150)}, BLOCK_ID),
    "section": Fields(
        {},
        {
            **BLOCK_ID,
            "text": text(3000),
            "fields": listing(text(2000), 10),
            "accessory": typed(ACCESSORIES),
            "expand": boolean,
        },
        any_of_fields("text", "fields"),
    ),
    "rich_text": RICH_TEXT_BLOCK,
    "actions": Fields({"elements": listing(typed(ACTIONS), 25)}, BLOCK_ID),
    "context": Fields(
        {
            "elements": listing(
                typed(
                    {
                        "plain_text": text(3000),
                        "mrkdwn": text(3000),
                        "image": IMAGE_ELEMENT,
                    }
                ),
                10,
            )
        },
        BLOCK_ID,
    ),
    "divider": Fields({}, BLOCK_ID),
    "image": Fields(
        {"alt_text": string(2000)},
        {**BLOCK_ID, "title": plain(2000), "image_url": URL, "slack_file": SLACK_FILE},
        all_of(
            any_of_fields("image_url", "slack_file"),
            not_both("image_url", "slack_file"),
        ),
    ),
    "input": Fields(
        {"label": plain(2000), "element": typed(INPUT_ELEMENTS)},
        {
            **BLOCK_ID,
            "hint": plain(2000),
            "optional": boolean,
            "dispatch_action": boolean,
        },
    ),
    "video": Fields(
        {
            "alt_text": string(2000),
            "title": plain(199),
            "thumbnail_url": URL,
            "video_url": URL,
        },
        {
            **BLOCK_ID,
            "title_url": URL,
            "description": plain(2000),
            "author_name": string(49),
            "provider_name": string(255),
            "provider_icon_url": URL,
        },
    ),
}
