import asyncio
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.errors import catalogue
from korproxy_addons.io.address_guard import (
    AddressGuard,
    BlockedAddressError,
    GuardedResolver,
    OwnAddressError,
    is_public,
)
from support.raw_upstream import FakeResolver, Visit, raw_upstream
from support.upstream_calls import failure, post, upstream_client

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


# By way of the client: however it is written, and whatever name stands for it

BLOCKED = [
    "http://127.0.0.1/",
    "http://127.0.0.1:1338/",
    "http://127.1/",
    "http://127.0.1/",
    "http://0/",
    "http://0.0.0.0/",
    "http://2130706433/",
    "http://017700000001/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0177.0.0.1/",
    "http://127.000.000.001/",
    "http://10.0.0.1/",
    "http://10.1/",
    "http://172.16.0.1/",
    "http://192.168.0.1/",
    "http://3232235521/",
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/",
    "http://100.100.100.200/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://[::]/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25lo]/",
    "http://[fc00::1]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://user:password@127.0.0.1/",
    "https://127.0.0.1/",
    "http://localhost/",
    "http://LOCALHOST:8080/",
    "http://evil.example/",
    "http://six.example/",
]


@pytest.mark.parametrize("url", BLOCKED)
def test_an_address_that_is_not_public_is_not_reached(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it is written, and whatever name stands for it; not a single connection is tried."""
    names = FakeResolver(
        localhost=["127.0.0.1"], evil_example=["1.1.1.1", "127.0.0.1"], six_example=["::1"]
    )
    names.addresses |= {it: ["127.0.0.1"] for it in ("0x7f000001", "0x7f.0.0.1")}
    tried: list[object] = []

    async def connect(*arguments: object, **_: object) -> None:
        tried.append(arguments)
        raise OSError("no connection is made in this test")

    monkeypatch.setattr("aiohappyeyeballs.start_connection", connect)

    async def run() -> None:
        async with upstream_client(resolver=names) as client:
            await failure(client.send(post(url)), catalogue.ADDRESS_BLOCKED)

    asyncio.run(run())
    assert tried == []


def test_a_name_that_is_rebound_is_noticed_when_the_pool_connects() -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")

    async def run() -> None:
        names = FakeResolver(api_example=["127.0.0.1"])
        async with raw_upstream(script) as server:
            local = [("api.example", server.port)]
            url = f"http://api.example:{server.port}/"
            async with upstream_client(local=local, resolver=names) as client:
                reply = await client.send(post(url))
                await reply.read_all(10)
                client.configure([], [])
                await failure(client.send(post(url)), catalogue.ADDRESS_BLOCKED)
                assert server.visits == 1

    asyncio.run(run())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_our_own_port_is_a_loop(host: str) -> None:
    async def run() -> None:
        names = FakeResolver(localhost=["127.0.0.1"])
        local = [(it, 1337) for it in ("127.0.0.1", "localhost", "::1")]
        async with upstream_client(local=local, own_ports=[1337], resolver=names) as client:
            detail = await failure(client.send(post(f"http://{host}:1337/v1")), catalogue.LOOP)
            assert detail.endswith(":1337 is this gateway")

    asyncio.run(run())
