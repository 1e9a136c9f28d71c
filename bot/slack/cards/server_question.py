"""A question of a tool's server in the middle of a call: its message and its form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from bot.approvals.json_schemas import is_schema
from bot.base.masks import mask
from bot.slack.cards.blocks import (
    Block,
    CardRef,
    Values,
    actions,
    button,
    modal,
    preformatted,
    rich_text,
    section,
    with_block_ids,
    words,
)
from bot.slack.cards.edit_form import Edited, block_id, field_input, read
from bot.slack.cards.fields import Kind, fields_from
from bot.slack.cards.view import ANSWER_SERVER, DECLINE_SERVER
from bot.texts import clicks
from bot.texts import forms as sentences
from bot.texts.formatting import visible

SERVER_FORM = "answer_server"  # the view's `callback_id`
_MOST_FIELDS = 20
_LARGEST = 20_000  # characters of a schema as JSON
_DRAWN = {Kind.TEXT, Kind.INTEGER, Kind.NUMBER, Kind.CHOICE}
Question = Mapping[str, Any]  # as it is stored


def can_show(schema: Mapping[str, Any]) -> bool:
    """Return whether a form asks for all that this schema wants, in plain inputs."""
    if len(json.dumps(schema)) > _LARGEST or not is_schema(dict(schema)):
        return False
    properties: Any = schema.get("properties")
    if not isinstance(properties, dict):
        return False
    values = list(cast("dict[str, Any]", properties).values())
    # `oneOf` is a menu with titles, which our menus do not have
    if not all(isinstance(each, dict) and "oneOf" not in each for each in values):
        return False
    fields = fields_from(schema)
    known = all(each.kind in _DRAWN for each in fields)
    return known and 0 < len(fields) <= _MOST_FIELDS


def question_blocks(delivery: str, question: Question) -> list[Block]:
    """The message: the server's words as data, and buttons while it waits."""
    asked = section([clicks.server_asks(question["server"])])
    said = rich_text(preformatted(mask(visible(question["message"]))))
    user = question["user_id"]
    if not question["stands"]:
        return [asked, said, section([clicks.question_ended(question["status"], user)])]
    until = datetime.fromisoformat(question["due_at"])
    aloud, other = sentences.ALOUD_ANSWER_SERVER, sentences.ALOUD_DECLINE_SERVER
    buttons = [
        button(sentences.ANSWER, ANSWER_SERVER, delivery, aloud),
        button(sentences.DECLINE, DECLINE_SERVER, delivery, other),
    ]
    return [
        asked,
        said,
        section([clicks.who_answers(user, until)]),
        actions(buttons),
    ]


def server_form(question: Question, card: CardRef) -> Block:
    """The form: an input for each value that the server wants."""
    shown = [
        rich_text([words(clicks.who_gets_it(visible(question["server"])))]),
        rich_text(preformatted(mask(visible(question["message"])))),
    ]
    inputs = [
        field_input(each, block_id(index))
        for index, each in enumerate(fields_from(question["schema"]))
    ]
    blocks = [*with_block_ids(shown, str(question["delivery_id"]), 0), *inputs]
    title, submit = sentences.ANSWER_TITLE, sentences.SEND_ANSWER
    return modal(SERVER_FORM, title, card, blocks, submit)


def server_answer(question: Question, values: Values) -> Edited:
    """Read a submitted form; what is wrong stands at its inputs."""
    return read(fields_from(question["schema"]), values)


def input_about(question: Question, complaint: str) -> str:
    """The `block_id` of the input that a complaint is about, else of the first."""
    for index, each in enumerate(fields_from(question["schema"])):
        named = complaint.startswith((f"{each.name}.", f"{each.name}:"))
        if named or repr(each.name) in complaint:
            return block_id(index)
    return block_id(0)
