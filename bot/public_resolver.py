"""Connect aiohttp to public addresses only: a name is looked up once, and judged."""

from __future__ import annotations

import socket
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from bot.network import NotPublic, is_public


class PublicResolver(AbstractResolver):
    """Looks a name up once, for the connection that follows: nothing can be swapped.

    One private address among a name's refuses the name.
    """

    def __init__(self, inner: AbstractResolver | None = None) -> None:
        self._inner = inner or ThreadedResolver()

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,
    ) -> list[ResolveResult]:
        """Raises NotPublic."""
        found = await self._inner.resolve(host, port, family)
        if not found or not all(is_public(each["host"]) for each in found):
            raise NotPublic(host)
        return found

    async def close(self) -> None:
        """Let go of what was opened for it."""
        await self._inner.close()


def connector_options(*, allow_private: bool) -> dict[str, Any]:
    """Return options of a connector that caches no name and keeps no connection."""
    options: dict[str, Any] = {"force_close": True, "use_dns_cache": False}
    if not allow_private:
        options["resolver"] = PublicResolver()
    return options
