"""Outgoing requests reach public addresses alone, and those that were looked up."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# All that is given out of IPv6; beside it stand old and local forms, which `is_global`
# takes for public: https://www.iana.org/assignments/ipv6-address-space
_GIVEN_OUT = ipaddress.ip_network("2000::/3")


class NotPublic(OSError):
    """The address lies in a private network."""


def is_public(text: str) -> bool:
    """Return whether an IP address is on the Internet, whatever form it hides in."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or _behind_nat(address)
        if inner is not None:
            return is_public(str(inner))
        if address.teredo is not None or address not in _GIVEN_OUT:
            return False
    return address.is_global and not address.is_multicast


def _behind_nat(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address not in _NAT64:
        return None
    return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)


def check_literal(url: str) -> None:
    """An address in a URL is never looked up. Raises NotPublic.

    It is read by what connects to it: that takes `127。0。0。1` for an address too.
    """
    host = URL(url).raw_host or ""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return
    if not is_public(host):
        raise NotPublic(host)


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
    """Post to an operator's address, follow no redirect, and return the status.

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
