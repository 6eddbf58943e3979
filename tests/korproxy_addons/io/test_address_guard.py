import asyncio
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.io.address_guard import (
    AddressGuard,
    BlockedAddressError,
    GuardedResolver,
    OwnAddressError,
    is_public,
)
from support.raw_upstream import FakeResolver

PUBLIC = [
    "1.1.1.1",
    "160.79.104.10",
    "2606:4700::1111",
    "::ffff:1.1.1.1",
    "2002:0101:0101::1",
    "64:ff9b::1.1.1.1",
]
PRIVATE = [
    "0.0.0.0",
    "0.1.2.3",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::127.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2001:db8::1",
    "2001::1",
    "100::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "4000::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_public_however_it_is_wrapped(address: str) -> None:
    assert is_public(address)
    AddressGuard([1337]).check(("api.example", 443), address)


@pytest.mark.parametrize("address", PRIVATE)
def test_every_other_address_is_blocked(address: str) -> None:
    assert not is_public(address)
    with pytest.raises(BlockedAddressError):
        AddressGuard().check(("api.example", 443), address)


@given(st.ip_addresses(v=4))
def test_a_wrapped_address_is_what_is_inside(inner: ipaddress.IPv4Address) -> None:
    mapped = ipaddress.IPv6Address(0xFFFF00000000 | int(inner))
    sixtofour = ipaddress.IPv6Address(0x2002 << 112 | int(inner) << 80)
    nat64 = ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) | int(inner))
    assert {is_public(str(it)) for it in (inner, mapped, sixtofour, nat64)} == {
        is_public(str(inner))
    }


def test_a_local_provider_may_be_where_the_user_says_and_nowhere_else() -> None:
    guard = AddressGuard()
    guard.configure([1337], [("LocalHost", 11434)])
    guard.check(("localhost", 11434), "127.0.0.1")
    guard.check(("LOCALHOST", 11434), "::1")
    for origin in (("localhost", 11435), ("ollama", 11434)):
        with pytest.raises(BlockedAddressError):
            guard.check(origin, "127.0.0.1")


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::", "::ffff:127.0.0.1"]
)
def test_our_own_port_is_a_loop_even_for_a_local_provider(address: str) -> None:
    guard = AddressGuard()
    guard.configure([1337, 1338], [("localhost", 1337)])
    with pytest.raises(OwnAddressError, match="localhost:1337 is this gateway"):
        guard.check(("localhost", 1337), address)


def test_our_port_number_elsewhere_is_no_loop() -> None:
    guard = AddressGuard([1337])
    guard.check(("api.example", 1337), "1.1.1.1")


def test_a_new_configuration_takes_back_what_the_old_one_allowed() -> None:
    guard = AddressGuard()
    guard.configure([], [("nas", 8080)])
    guard.vouch(("proxy", 3128))
    guard.check(("nas", 8080), "192.168.1.2")
    guard.check(("proxy", 3128), "10.0.0.1")
    guard.configure([], [])
    for origin in (("nas", 8080), ("proxy", 3128)):
        with pytest.raises(BlockedAddressError):
            guard.check(origin, "192.168.1.2")


def test_a_resolver_lets_public_addresses_through() -> None:
    resolver = GuardedResolver(
        AddressGuard(), FakeResolver(api_example=["1.1.1.1", "2606:4700::1"])
    )
    found = asyncio.run(resolver.resolve("api.example", 443))
    assert [it["host"] for it in found] == ["1.1.1.1", "2606:4700::1"]


def test_a_name_that_mixes_addresses_is_not_trusted_at_all() -> None:
    resolver = GuardedResolver(AddressGuard(), FakeResolver(evil_example=["1.1.1.1", "127.0.0.1"]))
    with pytest.raises(BlockedAddressError, match=r"evil\.example resolves to 127\.0\.0\.1"):
        asyncio.run(resolver.resolve("evil.example", 443))


def test_each_answer_of_a_name_server_is_checked() -> None:
    """Rebinding: public at first, this machine later."""
    names = FakeResolver(evil_example=["1.1.1.1"])
    resolver = GuardedResolver(AddressGuard(), names)
    assert asyncio.run(resolver.resolve("evil.example", 443))
    names.addresses["evil.example"] = ["127.0.0.1"]
    with pytest.raises(BlockedAddressError):
        asyncio.run(resolver.resolve("evil.example", 443))


def test_without_another_the_system_s_resolver_is_asked() -> None:
    async def resolve() -> set[str]:
        guard = AddressGuard()
        guard.configure([], [("localhost", 80)])
        found = await GuardedResolver(guard).resolve("localhost", 80)
        return {it["host"] for it in found}

    found = asyncio.run(resolve())
    assert found
    assert found <= {"127.0.0.1", "::1"}
