"""Problem answers of the API: a status, a word, one sentence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from typing_extensions import TypedDict

from bot.texts.api import SEND_JSON

HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class ProblemBody(TypedDict):
    """A problem as it is sent."""

    error: str
    message: str


class Problem(Exception):
    """An answer that is no success."""

    def __init__(
        self,
        status: int,
        word: str,
        sentence: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.word = word
        self.sentence = sentence
        self.headers = dict(headers or {})

    def response(self) -> web.Response:
        """The answer as JSON."""
        body = ProblemBody(error=self.word, message=self.sentence)
        return answered(self.status, body, self.headers)


def answered(
    status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> web.Response:
    """JSON that nobody keeps."""
    return with_text(status, json.dumps(body, ensure_ascii=False), headers)


def with_text(
    status: int, text: str, headers: Mapping[str, str] | None = None
) -> web.Response:
    """The same of JSON that is written already."""
    return web.Response(
        status=status,
        text=text,
        content_type="application/json",
        headers={**HEADERS, **(headers or {})},
    )


def not_json() -> Problem:
    return Problem(415, "unsupported_media_type", SEND_JSON)


def unreadable(what: str) -> Problem:
    """The request cannot be understood; `what` is a sentence."""
    return Problem(422, "unreadable", what)
