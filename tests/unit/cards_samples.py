"""Requests and cards for the tests of what people read."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator

from bot.approvals.model import (
    Comment,
    Decision,
    Person,
    Request,
    Stage,
    Status,
    Verdict,
)
from bot.slack.cards.view import CardView, RequestView

NOW = dt.datetime(2026, 11, 23, 9, 30, tzinfo=dt.UTC)
RAVI, MINA, OMAR, DANA = "U0RAVI", "U0MINA", "U0OMAR", "U0DANA"


def request(**changes) -> Request:
    plain = Request(
        id="req-1",
        code="K7QP",
        team="T1",
        conversation="c-1",
        interrupt="i-1",
        tool_call="call-1",
        tool="delete_file",
        arguments={"path": "reports/q3.csv"},
        call_digest="c" * 64,
        grant_digest="0123456789abcdef" * 4,
        requester=Person("", "T1", RAVI),
        participants=(RAVI,),
        rules=("deleting",),
        why=("Deleted files cannot be restored.",),
        policy_version="1",
        stages=(Stage("managers", (MINA, OMAR), opened_at=NOW),),
        status=Status.PENDING,
        raised_at=NOW,
        expires_at=NOW + dt.timedelta(hours=24),
    )
    made = dataclasses.replace(plain, **changes)
    return made if made.token else dataclasses.replace(made, token=made.id)


def comment(text: str, user: str = MINA) -> Comment:
    return Comment(user, text, NOW)


def decision(user=MINA, verdict=Verdict.APPROVE, stage=0, reason="", via="slack"):
    at = NOW + dt.timedelta(minutes=5)
    return Decision(Person("", "T1", user), verdict, stage, at, via, reason)


def closed(status: Status, **changes) -> Request:
    return request(status=status, decided_at=NOW + dt.timedelta(minutes=5), **changes)


def view(
    *requests: Request,
    first_post=False,
    can_decide=(MINA, OMAR),
    now=NOW,
    elsewhere=False,
):
    views = tuple(
        RequestView(each, now, tuple(can_decide), elsewhere)
        for each in requests or (request(),)
    )
    return CardView(views, first_post)


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
