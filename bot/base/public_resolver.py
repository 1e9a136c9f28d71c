"""Reach public addresses only with aiohttp: a name is looked up once, and judged."""

from __future__ import annotations

import socket
from collections.abc import Mapping

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from bot.base.network import NotPublic, check_literal, is_public


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


async def post(
    url: str,
    content: bytes,
    headers: Mapping[str, str],
    timeout: aiohttp.ClientTimeout,
    *,
    allow_private: bool,
) -> int:
    """Post to an operator's address, follow nothing, and return the answer's status.

    Raises:
        NotPublic: the address itself is private; behind a name it is the cause of an
            `aiohttp.ClientError`.
        aiohttp.ClientError, TimeoutError, OSError, ValueError: nobody answered.
    """
    if not allow_private:
        check_literal(url)
    connector = aiohttp.TCPConnector(
        force_close=True,
        use_dns_cache=False,
        resolver=None if allow_private else PublicResolver(),
    )
    async with (
        aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
        session.post(
            url, data=content, headers=headers, allow_redirects=False
        ) as answer,
    ):
        return answer.status
