"""Targets of outgoing requests: no private address in any form, no swapped name."""

from __future__ import annotations

import socket

import pytest
from aiohttp.abc import AbstractResolver

from bot.base.network import NotPublic, PublicResolver, check_literal, is_public
from bot.notices.webhook import Hook, hand_over


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *("0.0.0.0", "100.64.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.1"),
        *("::1", "::", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1"),
        *("::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1"),
        *("2001:0:4136:e378:8000:63bf:3fff:fdd2", "no address", ""),
        *("::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b:1::7f00:1", "fec0::1"),
    ],
)
def test_threat_44_what_is_not_public_is_refused_in_every_form(address: str):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"]
)
def test_public_addresses_are_public(address: str):
    assert is_public(address)


class Names(AbstractResolver):
    """Answers each look-up with the next of some addresses."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    async def resolve(self, host, port=0, family=socket.AF_INET):
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": family,
                "proto": 0,
                "flags": 0,
            }
            for address in self.answers.pop(0)
        ]

    async def close(self) -> None:
        pass


@pytest.mark.parametrize("answer", [["127.0.0.1"], ["93.184.216.34", "10.0.0.1"], []])
async def test_threat_44_one_private_address_refuses_the_name(answer: list[str]):
    with pytest.raises(NotPublic):
        await PublicResolver(Names(answer)).resolve("hooks.example", 443)


async def test_threat_44_the_address_that_was_checked_is_connected_to():
    names = Names(["93.184.216.34"], ["127.0.0.1"])
    found = await PublicResolver(names).resolve("hooks.example", 443)
    assert [each["host"] for each in found] == ["93.184.216.34"]
    assert len(names.answers) == 1, "the name was looked up once"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "169.254.169.254", "①27。0.0.1"]
)
def test_an_address_in_the_url_is_checked_too(host: str):
    with pytest.raises(NotPublic):
        check_literal(f"https://{host}:8443/in")
    check_literal("https://hooks.example/in")


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "[::ffff:127.0.0.1]", "0x7f.1", "127。0。0。1"]
)
async def test_threat_44_nothing_is_sent_to_this_machine(host: str):
    hook = Hook(f"https://{host}:9/events", "secret")
    assert await hand_over(hook, 1, "{}") == "private address"


def test_the_secret_is_not_shown():
    assert "CANARY" not in repr(Hook("https://hooks.example", "CANARY"))
