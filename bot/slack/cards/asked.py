"""What a request asks about, as text: a call's arguments, or a graph's question."""

from __future__ import annotations

import json
from typing import Any

from bot.approvals.model import Kind, Request
from bot.masks import mask_arguments
from bot.slack.cards.blocks import Block, preformatted, words
from bot.slack.text import arguments_text, shown, visible

OWN_WORDS = 70  # characters of the labels around one question
BY_THE_GRAPH = "The agent's graph asks, in its own words:"


def asked_text(request: Request) -> str:
    """All that is decided on: shown in full, or Approve is not offered."""
    if request.kind is Kind.TOOL:
        return arguments_text(request.arguments, request.schema)
    return "\n\n".join(text for text in _parts(request) if text)


def question_elements(request: Request) -> list[Block]:
    """The parts of a `rich_text` that show a question: headline, table, answer."""
    headline, table, answer = _parts(request)
    parts = [words(BY_THE_GRAPH, bold=True)]
    parts += preformatted(headline) if headline else []
    parts += preformatted(table) if table else []
    if answer:
        parts += [words("Answer to be approved:", bold=True), *preformatted(answer)]
    return parts


def _parts(request: Request) -> tuple[str, str, str]:
    """Headline, table of the rest, and the answer that is to be approved."""
    arguments = mask_arguments(request.arguments, request.schema)
    headline = visible(str(arguments.get(request.headline, "")))
    rest = {k: v for k, v in arguments.items() if k != request.headline}
    rows = [f"{_value(name)}: {_value(value)}" for name, value in rest.items()]
    answer = shown(request.answer) if request.is_answered else ""
    return headline, "\n".join(rows), answer


def _value(value: Any) -> str:
    if isinstance(value, str) and "\n" not in value:
        return visible(value)
    return visible(json.dumps(value, ensure_ascii=False, sort_keys=True))
