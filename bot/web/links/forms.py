"""What the form of a link's page says, as a choice of the link's own person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from aiohttp import web

from bot.approvals.choice import Choice
from bot.approvals.model import Person, Request, Verdict
from bot.links.tokens import Link, hash_of
from bot.web.links.page import takes

LARGEST = 30_000  # bytes of a form


def choice_of(
    token: str, link: Link, found: Request, form: Mapping[str, str], via: str
) -> Choice | None:
    """The link's own person says it: nothing in the form says who."""
    word = form.get("decision", "")
    if word not in takes(found):
        return None
    choice = Choice(
        request=found.token,
        person=Person("", link.team, link.user),
        verdict=Verdict(word),
        via=via,
        reason=form.get("reason", "").strip(),
        click=f"link:{hash_of(token)[:32]}",
        typed=form.get("typed", ""),
    )
    if choice.verdict is Verdict.ANSWER:
        return replace(choice, reason=form.get("answer", "").strip())
    return choice if choice.verdict is Verdict.REJECT else replace(choice, reason="")


async def fields_of(request: web.Request) -> Mapping[str, str]:
    """The fields of a form; empty for what no page of ours sends."""
    plain = request.content_type == "application/x-www-form-urlencoded"
    if not plain or (request.content_length or LARGEST + 1) > LARGEST:
        return {}
    try:
        fields = await request.post()
    except (ValueError, LookupError):  # bytes or a charset that nobody can read
        return {}
    return {
        name: value.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")
        for name, value in fields.items()
        if isinstance(value, str)
    }
