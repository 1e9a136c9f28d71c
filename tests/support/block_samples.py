"""Each block and input element of Slack, filled as Slack takes it."""

from __future__ import annotations

from typing import Any

from bot.simulator.block_check import errors
from tests.support.simulated import actions, button, mrkdwn, plain

URL = "https://example.com/a.png"
OPTION = {"text": plain("One"), "value": "1"}
SECTION = {"type": "section", "text": mrkdwn("x")}
TWO = {"text": plain("Two"), "value": "2"}
RICH = {
    "type": "rich_text",
    "elements": [
        {"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}
    ],
}
IMAGE = {"type": "image", "alt_text": "a chart", "image_url": URL}
RAW = {"type": "raw_text", "text": "x"}
NUMBER = {"type": "raw_number", "value": 1, "text": "1"}
TASK = {"type": "task_card", "task_id": "t", "title": "Do it", "status": "complete"}
CARD = {"type": "card", "title": plain("A card"), "actions": [button()]}
DATA_TABLE = {"type": "data_table", "caption": "c", "rows": [[RAW], [NUMBER]]}
FEEDBACK = {
    "type": "feedback_buttons",
    "action_id": "f",
    "positive_button": {"text": plain("Good"), "value": "+"},
    "negative_button": {"text": plain("Bad"), "value": "-"},
}
VIDEO = {
    "type": "video",
    "alt_text": "v",
    "title": plain("V"),
    "thumbnail_url": URL,
    "video_url": URL,
}
GOOD: dict[str, dict[str, Any]] = {
    "table": {
        "type": "table",
        "rows": [[RAW, NUMBER], [RICH, RAW]],
        "column_settings": [{"align": "right", "is_wrapped": True}, None],
    },
    "data_table": {**DATA_TABLE, "page_size": 5, "row_header_column_index": 0},
    "data_visualization": {
        "type": "data_visualization",
        "title": "Sales",
        "chart": {"type": "pie", "segments": [{"label": "a", "value": 1}]},
    },
    "task_card": {
        **TASK,
        "details": RICH,
        "output": RICH,
        "sources": [{"type": "url", "url": URL, "text": "here"}],
    },
    "plan": {
        "type": "plan",
        "title": "Plan",
        "tasks": [{**TASK, "status": "pending"}],
    },
    "card": {**CARD, "hero_image": IMAGE, "subtitle": mrkdwn("s"), "body": plain("b")},
    "carousel": {"type": "carousel", "elements": [CARD, CARD]},
    "container": {
        "type": "container",
        "title": plain("Box"),
        "child_blocks": [{"type": "divider"}, actions(button())],
        "width": "wide",
        "is_collapsible": True,
        "default_collapsed": True,
    },
    "context_actions": {
        "type": "context_actions",
        "elements": [
            FEEDBACK,
            {"type": "icon_button", "icon": "trash", "text": plain("Delete")},
        ],
    },
    "markdown": {"type": "markdown", "text": "# Title\n---\n- [ ] task"},
    "video": {**VIDEO, "description": plain("d"), "author_name": "Ada"},
    "file": {"type": "file", "external_id": "f1", "source": "remote"},
    "call": {"type": "call", "call_id": "R1"},
    "auth_provider": {
        "type": "auth_provider",
        "value": "v",
        "name": plain("N"),
        "is_connected": False,
    },
    "workflow_button": actions(
        {
            "type": "workflow_button",
            "text": plain("Run"),
            "workflow": {"trigger": {"url": URL}},
        }
    ),
    "button with all": actions(
        button(
            url=URL,
            agent_prompt="p",
            visible_to_user_ids=["U1"],
            accessibility_label="l",
        )
    ),
    "team and styled emoji": {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_section",
                "elements": [
                    {"type": "team", "team_id": "T1"},
                    {"type": "emoji", "name": "wave", "style": {"bold": True}},
                ],
            }
        ],
    },
}
ELEMENTS: dict[str, dict[str, Any]] = {
    "plain_text_input": {"min_length": 1, "max_length": 5, "multiline": True},
    "number_input": {"is_decimal_allowed": True, "min_value": "1", "max_value": "2.5"},
    "email_text_input": {"placeholder": plain("you@example.com")},
    "url_text_input": {"initial_value": URL},
    "rich_text_input": {"initial_value": RICH, "min_lines": 1, "max_lines": 3},
    "file_input": {"filetypes": ["csv"], "max_files": 3},
    "datepicker": {"initial_date": "2026-12-31"},
    "timepicker": {"initial_time": "14:05", "timezone": "Europe/Berlin"},
    "datetimepicker": {"initial_date_time": 1700000000},
    "checkboxes": {"options": [OPTION, TWO], "initial_options": [TWO]},
    "radio_buttons": {"options": [OPTION], "initial_option": OPTION},
    "static_select": {"option_groups": [{"label": plain("G"), "options": [OPTION]}]},
    "multi_static_select": {"options": [OPTION], "max_selected_items": 1},
    "external_select": {"min_query_length": 2, "initial_option": OPTION},
    "multi_external_select": {"initial_options": [OPTION]},
    "users_select": {"initial_user": "U1"},
    "multi_users_select": {"initial_users": ["U1"]},
    "channels_select": {"response_url_enabled": True},
    "multi_channels_select": {"initial_channels": ["C1"]},
    "conversations_select": {
        "default_to_current_conversation": True,
        "filter": {"include": ["im", "public"], "exclude_bot_users": True},
    },
    "multi_conversations_select": {"filter": {"include": ["private"]}},
}


def refusals(blocks: list[Any]) -> list[tuple[str, str]]:
    """Code and place of each complaint that Slack has of blocks."""
    return [(each["code"], each["pointer"]) for each in errors(blocks)]
