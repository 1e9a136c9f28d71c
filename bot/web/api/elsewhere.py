"""What the API says at an address, or to a method, that it does not have."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.web.api.problems import Problem

NO_ADDRESS = "There is no such address; /api/openapi.json lists those that there are."


@web.middleware
async def in_a_sentence(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Programs read every no of the API as JSON, this one too."""
    try:
        return await handler(request)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as error:
        if not request.path.startswith("/api/"):
            raise
        return _problem(error).response()


def _problem(error: web.HTTPNotFound | web.HTTPMethodNotAllowed) -> Problem:
    if isinstance(error, web.HTTPNotFound):
        return Problem(404, "no_such_address", NO_ADDRESS)
    allowed = ", ".join(sorted(error.allowed_methods))
    said = f"This address does not take {error.method}; it takes {allowed}."
    return Problem(405, "method_not_allowed", said, {"Allow": allowed})
