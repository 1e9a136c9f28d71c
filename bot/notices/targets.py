"""Where an outgoing request may go: public addresses alone, and to those looked up."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class NotPublic(OSError):
    """The address lies in a private network."""


def is_public(text: str) -> bool:
    """Whether an IP address is one of the Internet, whatever form it hides in."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or _behind_nat(address)
        if inner is not None:
            return is_public(str(inner))
        if address.teredo is not None:
            return False
    return address.is_global and not address.is_multicast


def _behind_nat(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address not in _NAT64:
        return None
    return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)


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


def check_literal(host: str) -> None:
    """An address in a URL is never looked up. Raises NotPublic."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return
    if not is_public(host.strip("[]")):
        raise NotPublic(host)


def connector_options(*, allow_private: bool) -> dict[str, Any]:
    """How aiohttp connects: no cache of names, no connection kept for another one."""
    options: dict[str, Any] = {"force_close": True, "use_dns_cache": False}
    if not allow_private:
        options["resolver"] = PublicResolver()
    return options
