import socket

import pytest
from mitmproxy.proxy.mode_specs import ProxyMode, ReverseMode

from korproxy_addons.addons import modes
from korproxy_addons.addons.modes import gateway_modes, settled
from korproxy_addons.config.schema import Listen


def test_mitmproxy_reads_each_address_as_it_is_meant() -> None:
    found = [ProxyMode.parse(it) for it in gateway_modes(Listen(port=1337))]
    assert [(it.custom_listen_host, it.custom_listen_port) for it in found] == [
        ("127.0.0.1", 1337),
        ("::1", 1337),
    ]
    for it in found:
        assert isinstance(it, ReverseMode)
        # A name that cannot exist (RFC 6761): what slipped past the gateway would find no way out.
        assert it.address[0].endswith(".invalid")


def test_a_given_port_stays() -> None:
    assert settled(Listen(port=1337, hosts=("127.0.0.1",))) == Listen(
        port=1337, hosts=("127.0.0.1",)
    )


def test_a_free_port_is_the_same_for_all_addresses() -> None:
    found = settled(Listen(port=0, hosts=("127.0.0.1", "127.0.0.2")))
    assert found.port > 0
    with (
        socket.create_server(("127.0.0.1", found.port)),
        socket.create_server(("127.0.0.2", found.port)),
    ):
        pass


def test_a_loopback_that_the_machine_lacks_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    real = modes._bound

    def bound(host: str, port: int) -> socket.socket:
        if ":" in host:
            raise OSError("no such address here")
        return real(host, port)

    monkeypatch.setattr(modes, "_bound", bound)
    assert settled(Listen(port=1337)).hosts == ("127.0.0.1",)
    assert settled(Listen(port=0)).hosts == ("127.0.0.1",)
    # Nothing else is there: mitmproxy then says what is wrong.
    assert settled(Listen(port=1337, hosts=("::1",))).hosts == ("::1",)


def test_an_address_that_only_the_user_knows_is_not_doubted() -> None:
    assert settled(Listen(port=1337, hosts=("192.0.2.7",))).hosts == ("192.0.2.7",)


def test_no_port_at_all_is_said() -> None:
    with pytest.raises(OSError, match="no port is free"):
        settled(Listen(port=0, hosts=("192.0.2.7",)))
