"""Slack's limits of texts, options and confirm dialogs (docs: composition-objects)."""

from __future__ import annotations

from bot.simulator.block_rules import (
    Fields,
    Report,
    Rule,
    boolean,
    listing,
    number,
    one_of,
    string,
    typed,
)
from bot.simulator.shapes import Json, objects


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
URL = string(3000)
CONFIRM = Fields(
    {"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30)},
    {"style": one_of("primary", "danger")},
)
_VALUE: dict[str, Rule] = {"value": string(150)}
OPTION = Fields({"text": plain(75), **_VALUE}, {"description": plain(75)})
CHOICE = Fields({"text": text(75), **_VALUE}, {"description": text(75)})
MENU_ITEM = Fields(
    {"text": plain(75), **_VALUE}, {"description": plain(75), "url": URL}
)
OPTION_GROUP = Fields({"label": plain(75), "options": listing(OPTION, 100)})
SLACK_FILE = Fields({}, {"id": ID, "url": URL})


def initial_is_offered(value: Json, pointer: str, report: Report) -> None:
    """Refuse an initial option that is not exactly one of the options."""
    groups = [value, *objects(value.get("option_groups"))]
    offered = [option for group in groups for option in objects(group.get("options"))]
    one, many = value.get("initial_option"), value.get("initial_options")
    if one is not None and one not in offered:
        message = "must be exactly one of the options"
        report.add("invalid_value", message, f"{pointer}/initial_option")
    for index, each in enumerate(objects(many)):
        if each not in offered:
            message = "must be exactly one of the options"
            report.add("invalid_value", message, f"{pointer}/initial_options/{index}")


_STYLE = Fields(
    {},
    dict.fromkeys(("bold", "italic", "strike", "code", "underline", "unlink"), boolean),
)
_STYLED: dict[str, Rule] = {"style": _STYLE}
_LONG = string(40_000)
_RICH_TEXT_TEXT = Fields({"text": _LONG}, _STYLED)
_RICH_TEXT_LINK = Fields({"url": URL}, {"text": _LONG, "unsafe": boolean, **_STYLED})
_INLINE = typed(
    {
        "text": _RICH_TEXT_TEXT,
        "link": _RICH_TEXT_LINK,
        "user": Fields({"user_id": ID}, _STYLED),
        "usergroup": Fields({"usergroup_id": ID}, _STYLED),
        "team": Fields({"team_id": ID}, _STYLED),
        "channel": Fields({"channel_id": ID}, _STYLED),
        "broadcast": Fields({"range": one_of("here", "channel", "everyone")}, _STYLED),
        "emoji": Fields(
            {"name": ID},
            {"unicode": ID, "skin_tone": number, "url": URL, **_STYLED},
        ),
        "date": Fields(
            {"timestamp": number, "format": string(2000)},
            {"url": URL, "fallback": string(2000), **_STYLED},
        ),
        "color": Fields({"value": string(30)}, _STYLED),
    }
)
_LITERAL = typed({"text": _RICH_TEXT_TEXT, "link": _RICH_TEXT_LINK})
_INLINES = listing(_INLINE, 10_000, 0)
_SECTION = Fields({"elements": _INLINES})
_BORDER: dict[str, Rule] = {"border": number}
_RICH_TEXT_ELEMENTS: dict[str, Rule] = {
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
RICH_TEXT_BLOCK = Fields(
    {"elements": listing(typed(_RICH_TEXT_ELEMENTS), 10_000)}, {"block_id": ID}
)
RICH_TEXT: Rule = typed({"rich_text": RICH_TEXT_BLOCK})
