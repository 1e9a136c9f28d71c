"""A body as a person's word on a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.approvals.choice import Choice
from bot.approvals.model import Person, Request, Verdict
from bot.masks import mask_arguments
from bot.web.api.bodies import DecisionBody
from bot.web.api.parts import Look
from bot.web.api.problems import unreadable


@dataclass(frozen=True)
class Words:
    """`look` says what the arguments of a call name at the moment."""

    look: Look

    async def choice(
        self, found: Request, person: Person, body: DecisionBody, key: str
    ) -> Choice:
        """What the person says; who it is comes from the token alone.

        Raises:
            Problem: 422, an answer in words where words are what is asked for.
        """
        choice = Choice(
            request=found.token,
            person=person,
            verdict=body.verdict,
            via="api",
            reason=body.reason,
            click=f"api:{key}" if key else "",
            typed=body.typed,
        )
        if body.verdict is Verdict.ANSWER:
            return _answer(choice, found, body.answer)
        if body.arguments is None:
            return choice
        arguments = unmasked(found, body.arguments)
        seen = await self.look(found.tool, arguments)
        return replace(choice, arguments=arguments, seen=seen)


def _answer(choice: Choice, found: Request, answer: Any) -> Choice:
    if found.form is not None:
        return replace(choice, value=answer)
    if not isinstance(answer, str):
        raise unreadable("The body does not fit at answer: it must be a text here.")
    return replace(choice, reason=answer.strip())


def unmasked(request: Request, given: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments in which each one that came back as it is shown is what it was.

    Whoever edits one argument has seen the others with their secrets masked.
    """
    shown = mask_arguments(request.arguments, request.schema)
    kept = {
        name: value
        for name, value in request.arguments.items()
        if name in given and name in shown and given[name] == shown[name]
    }
    return {**given, **kept}
