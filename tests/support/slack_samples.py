"""Blocks and views of every kind, for the page to draw."""

from __future__ import annotations

from typing import Any

from tests.support.simulated import mrkdwn, plain

Block = dict[str, Any]


def options(*names: str) -> list[Block]:
    return [{"text": plain(name), "value": name.lower()} for name in names]


def button(text: str, action_id: str, **more: Any) -> Block:
    return {"type": "button", "text": plain(text), "action_id": action_id, **more}


CONFIRM = {
    "title": plain("Really?"),
    "text": mrkdwn("This *cannot* be undone."),
    "confirm": plain("Do it"),
    "deny": plain("Stop"),
    "style": "danger",
}
COLOURS = options("Red", "Green", "Blue")
RICH: list[Block] = [
    {
        "type": "rich_text_section",
        "elements": [
            {"type": "text", "text": "bold", "style": {"bold": True}},
            {"type": "text", "text": " and "},
            {"type": "text", "text": "struck", "style": {"strike": True}},
            {"type": "text", "text": " and "},
            {"type": "text", "text": "code", "style": {"code": True}},
            {"type": "text", "text": " by "},
            {"type": "user", "user_id": "U0MINA0000"},
            {"type": "text", "text": " "},
            {"type": "emoji", "name": "tada"},
        ],
    },
    {
        "type": "rich_text_list",
        "style": "ordered",
        "elements": [
            {
                "type": "rich_text_section",
                "elements": [{"type": "text", "text": "first item"}],
            },
            {
                "type": "rich_text_section",
                "elements": [{"type": "text", "text": "second item"}],
            },
        ],
    },
    {
        "type": "rich_text_quote",
        "elements": [{"type": "text", "text": "somebody's words"}],
    },
    {
        "type": "rich_text_preformatted",
        "elements": [{"type": "text", "text": "exact\n  text <b>&amp;</b>"}],
    },
]
MARKDOWN = """# A heading
Some **bold**, *slanted*, ~~struck~~ and `code` words, a [link](https://example.com).

- one
  - below one
- two

1. first
2. second

| name | size |
|:-----|-----:|
| q3.csv | 12 |
| q4.csv | 1,024 |

> quoted

```python
print("a | b")  # no table
```
"""
CARD: list[Block] = [
    {"type": "header", "text": plain("Every block :wave:")},
    {
        "type": "section",
        "text": mrkdwn("Section with *bold*, _slanted_ and `code`; see <#C0GENERAL0>."),
        "accessory": button("Details", "open_form"),
    },
    {
        "type": "section",
        "fields": [
            mrkdwn("*Who*\n<@U0RAVI0000>"),
            mrkdwn("*When*\n<!date^0^{date}|x>"),
        ],
    },
    {"type": "rich_text", "elements": RICH},
    {"type": "divider"},
    {
        "type": "image",
        "alt_text": "a red square",
        "title": plain("A picture"),
        "image_url": "https://example.com/red.png",
    },
    {
        "type": "actions",
        "block_id": "noted",
        "elements": [
            button("Plain", "plain", value="1"),
            button("Careful", "careful", style="danger", confirm=CONFIRM),
            {
                "type": "overflow",
                "action_id": "more",
                "options": options("Copy", "Archive"),
            },
            {
                "type": "static_select",
                "action_id": "colour",
                "placeholder": plain("A colour"),
                "options": COLOURS,
            },
            {"type": "datepicker", "action_id": "day", "initial_date": "2026-12-31"},
            {
                "type": "checkboxes",
                "action_id": "boxes",
                "options": options("Loud", "Fast"),
            },
            {"type": "radio_buttons", "action_id": "radio", "options": COLOURS},
        ],
    },
    {
        "type": "actions",
        "elements": [button("Whisper", "whisper"), button("Silent", "silent")],
    },
    {"type": "context", "elements": [mrkdwn("A note, `small`"), plain("at the end")]},
]


def field(block_id: str, label: str, kind: str, **more: Any) -> Block:
    """An input block; what belongs to the block is named `_…`."""
    outer = {name[1:]: more.pop(name) for name in list(more) if name.startswith("_")}
    element = {"type": kind, "action_id": "value", **more}
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain(label),
        "element": element,
        **outer,
    }


FORM: Block = {
    "type": "modal",
    "callback_id": "form",
    "notify_on_close": True,
    "title": plain("Every input"),
    "submit": plain("Save"),
    "close": plain("Cancel"),
    "blocks": [
        {
            "type": "section",
            "text": mrkdwn("Fill in *all* of it."),
            "accessory": button("Push", "push"),
        },
        field("title", "Title", "plain_text_input", _hint=plain("Short and clear")),
        field("text", "Text", "plain_text_input", multiline=True, _optional=True),
        field("count", "Count", "number_input", is_decimal_allowed=False),
        field("mail", "E-mail", "email_text_input", _optional=True),
        field("address", "Address", "url_text_input", _optional=True),
        field("colour", "Colour", "static_select", options=COLOURS),
        field("many", "Colours", "multi_static_select", options=COLOURS),
        field("person", "Person", "users_select"),
        field("place", "Channel", "channels_select"),
        field("talk", "Conversation", "conversations_select", _optional=True),
        field("day", "Day", "datepicker", initial_date="2026-12-31"),
        field("time", "Time", "timepicker", initial_time="14:05"),
        field("one", "One of", "radio_buttons", options=COLOURS),
        field("some", "Some of", "checkboxes", options=COLOURS, _optional=True),
    ],
}
SECOND: Block = {
    "type": "modal",
    "callback_id": "second",
    "title": plain("On top"),
    "submit": plain("Done"),
    "close": plain("Back"),
    "blocks": [{"type": "section", "text": mrkdwn("The second of the stack.")}],
}


def home(words: str) -> Block:
    """An App Home view."""
    return {
        "type": "home",
        "blocks": [
            {"type": "header", "text": plain("Your requests")},
            {"type": "section", "text": mrkdwn(words)},
            {"type": "actions", "elements": [button("Refresh", "refresh")]},
            {"type": "divider"},
            {"type": "context", "elements": [mrkdwn("Nothing waits for you.")]},
        ],
    }
