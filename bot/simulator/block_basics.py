"""Slack's limits of the blocks that stand on every surface (docs: blocks)."""

from __future__ import annotations

from bot.simulator.block_elements import (
    ACCESSORIES,
    ACTIONS,
    IMAGE_ELEMENT,
    INPUT_ELEMENTS,
)
from bot.simulator.block_rules import (
    Fields,
    Rule,
    all_of,
    any_of_fields,
    boolean,
    listing,
    not_both,
    string,
    typed,
)
from bot.simulator.block_texts import ID, RICH_TEXT_BLOCK, SLACK_FILE, URL, plain, text

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
