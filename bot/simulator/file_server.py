"""The content of files: taken at the upload address, given to who has the token."""

from __future__ import annotations

import hmac

from aiohttp import web

from bot.simulator.page_guard import calling
from bot.simulator.web_api import Tokens
from bot.simulator.web_api.files import LARGEST_FILE
from bot.simulator.workspace import Workspace


class FileServer:
    """Handlers of the addresses that files.getUploadURLExternal and files name."""

    def __init__(self, workspace: Workspace, tokens: Tokens) -> None:
        """Take the parts in."""
        self._workspace, self._tokens = workspace, tokens

    def routes(self, prefix: str) -> list[web.RouteDef]:
        """Return the routes below a prefix."""
        return [
            web.post(f"{prefix}/upload/{{file}}", calling(self._take)),
            web.get(f"{prefix}/files/{{file}}/{{name}}", calling(self._give)),
        ]

    async def _take(self, request: web.Request) -> web.Response:
        file = self._workspace.files.get(request.match_info["file"])
        if file is None or file.content is not None:
            return web.Response(status=404, text="not_found")
        content = await _content(request)
        if not content or len(content) > LARGEST_FILE:
            return web.Response(status=400, text="bad_file_size")
        file.content = content
        return web.Response(text=f"OK - {len(content)}")

    async def _give(self, request: web.Request) -> web.Response:
        file = self._workspace.files.get(request.match_info["file"])
        given = request.headers.get("Authorization", "").partition(" ")[2]
        if not hmac.compare_digest(given.encode(), self._tokens.bot.encode()):
            return web.Response(status=403, text="not_authed")
        if file is None or file.content is None:
            return web.Response(status=404, text="not_found")
        headers = {"Content-Disposition": "attachment"}
        return web.Response(
            body=file.content, content_type=file.mimetype, headers=headers
        )


async def _body(request: web.Request) -> bytes:
    """Return the body, whatever the server's limit for others, up to a file's."""
    body = b""
    while len(body) <= LARGEST_FILE and not request.content.at_eof():
        body += await request.content.read(LARGEST_FILE + 1 - len(body))
    return body


async def _content(request: web.Request) -> bytes:
    """Return the body, or the first file of a form."""
    if request.content_type != "multipart/form-data":
        return await _body(request)
    form = await request.post()
    uploads = [each for each in form.values() if isinstance(each, web.FileField)]
    return uploads[0].file.read() if uploads else b""
