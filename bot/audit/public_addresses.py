"""Outgoing connections to public addresses only, whatever a name resolves to."""

from __future__ import annotations

import socket

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver

from bot.variables import is_public


def public_connector() -> aiohttp.TCPConnector:
    """A connector that connects where a name resolved to, and to no private place.

    Nothing is cached, and the address that was judged is the one that is used: a name
    that changes its mind gains nothing.
    """
    return aiohttp.TCPConnector(resolver=_PublicOnly(), use_dns_cache=False)


class _PublicOnly(AbstractResolver):
    def __init__(self) -> None:
        self._resolver = DefaultResolver()

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        public = [each for each in found if is_public(each["host"])]
        if not public:
            raise OSError(f"{host} has no public address")
        return public

    async def close(self) -> None:
        await self._resolver.close()
