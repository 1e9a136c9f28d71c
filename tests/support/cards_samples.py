"""Requests and cards for the tests of what people read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from bot.approvals.model import Comment, Decision, Request, Status, Verdict
from bot.slack.cards.blocks import CardRef
from bot.slack.cards.view import CardView, RequestView
from tests.support.people import MINA, OMAR, person
from tests.support.request_builder import NOW, request
from tests.support.shown import ICONS

LATER = NOW + dt.timedelta(minutes=5)
CARD = CardRef("req-1", "C1", "1700000000.000100")


def comment(text: str, user: str = MINA) -> Comment:
    return Comment(user, text, NOW)


def decision(user=MINA, verdict=Verdict.APPROVE, stage=0, reason="", via="slack"):
    return Decision(person(user), verdict, stage, LATER, via, reason)


def closed(status: Status, **changes) -> Request:
    return request(status=status, decided_at=LATER, **changes)


def view(
    *requests: Request,
    can_decide=(MINA, OMAR),
    now=NOW,
    elsewhere=False,
    names: Mapping[str, str] = MappingProxyType({}),
):
    views = tuple(
        RequestView(each, now, tuple(can_decide), elsewhere, names)
        for each in requests or (request(),)
    )
    return CardView(views)


def objects(part) -> Iterator[dict]:
    """Every dict in a payload, however deep."""
    if isinstance(part, dict):
        yield part
        for value in part.values():
            yield from objects(value)
    elif isinstance(part, list):
        for value in part:
            yield from objects(value)


def texts(part) -> list[str]:
    """Every string that people can read in a payload."""
    keys = ("text", "accessibility_label")
    found = [each.get(key) for each in objects(part) for key in keys]
    return [text for text in found if isinstance(text, str)]


def of_type(part, kind: str) -> list[dict]:
    return [each for each in objects(part) if each.get("type") == kind]


def preformatted_text(part) -> str:
    return "".join(t for e in of_type(part, "rich_text_preformatted") for t in texts(e))


def buttons(part) -> dict[str, dict]:
    return {each["text"]["text"]: each for each in of_type(part, "button")}


def menu_values(part) -> dict[str, str]:
    """The options of the first menu in a payload: value by text."""
    menus = of_type(part, "overflow")
    options = menus[0]["options"] if menus else []
    return {each["text"]["text"]: each["value"] for each in options}


def section_text(blocks) -> str:
    return "\n".join(block["text"]["text"] for block in of_type(blocks, "section"))


def headlines(blocks) -> list[str]:
    """The headline of each request on a card, with its state, as one text."""
    firsts = [block["elements"][0] for block in of_type(blocks, "rich_text")]
    lines = ["".join(texts(first)) for first in firsts if "elements" in first]
    return [line for line in lines if line[:1] in ICONS]


def fields(blocks) -> list[tuple[str, str]]:
    """The labels of a card's arguments, each with the value that stands at it."""
    found: list[tuple[str, str]] = []
    for block in of_type(blocks, "rich_text"):
        for part in block["elements"]:
            if part["type"] == "rich_text_preformatted" and found:
                label, value = found.pop()
                found.append((label, value + "".join(texts(part))))
            elif part["type"] == "rich_text_section" and block is not blocks[0]:
                found += _lines(part["elements"])
    return found


def _lines(elements) -> list[tuple[str, str]]:
    lines: list[list[str]] = [[]]
    for each in elements:
        if each.get("text") == "\n":
            lines.append([])
        elif each.get("text") != "  " and "text" in each:
            lines[-1].append(each["text"])
    return [(line[0], "".join(line[1:])) for line in lines if line]


def grey_text(blocks) -> str:
    return " ".join(t for block in of_type(blocks, "context") for t in texts(block))
