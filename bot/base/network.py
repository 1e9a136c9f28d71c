"""Outgoing requests reach public addresses alone, and those that were looked up."""

from __future__ import annotations

import ipaddress

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
    # Every command reads the settings, and few settings hold such a URL.
    from yarl import URL

    host = URL(url).raw_host or ""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return
    if not is_public(host):
        raise NotPublic(host)
