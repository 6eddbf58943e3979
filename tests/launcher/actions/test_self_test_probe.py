"""Hosts, asked as the gateway would reach them: real connections on loopback."""

import socket
import ssl
import threading
from pathlib import Path

import pytest
import trustme
from yarl import URL

from korproxy_addons.config.parse import parse_config
from korproxy_addons.io.proxies import Proxy, SystemProxies
from korproxy_addons.providers.resolve import resolve_accounts
from launcher.actions.self_test_probe import Target, is_fake, probe, probe_all, targets_of
from support.gateway import free_port
from support.hosts import Host

AT = 1_790_000_000.0
NAME = "api.provider.example"


@pytest.fixture(scope="module")
def company() -> trustme.CA:
    return trustme.CA(organization_name="Acme Inspection")


@pytest.fixture
def ca_file(company: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    company.cert_pem.write_to_path(str(path))
    return str(path)


def signed(by: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    by.issue_cert(name).configure_cert(context)
    return context


def here(host: Host, **words: object) -> Target:
    fields: dict[str, object] = {"secure": False, "local": True, **words}
    return Target("127.0.0.1", host.port, **fields)  # type: ignore[arg-type]


def test_a_host_is_asked_for_nothing_but_its_head_and_shown_no_key() -> None:
    with Host(date=AT - 30) as host:
        found = probe(here(host), lambda: AT)
    assert (found.problem, found.ahead_s) == ("", 30.0)
    assert found.took_ms > 0
    ((line, headers),) = host.seen
    assert line == "HEAD /"
    assert {it.lower() for it in headers} == {"host", "accept-encoding", "user-agent"}


def test_a_host_without_a_clock_tells_no_time() -> None:
    with Host(date=None) as host:
        assert probe(here(host), lambda: AT).ahead_s is None


def test_a_certificate_of_the_providers_own_file_is_trusted_and_its_signer_told(
    company: trustme.CA, ca_file: str
) -> None:
    with Host(signed(company), date=AT) as host:
        found = probe(here(host, secure=True, ca_file=ca_file), lambda: AT)
    assert (found.problem, found.company, found.issuer) == ("", True, "Acme Inspection")


def test_one_that_nobody_here_trusts_is_told_with_its_signer(company: trustme.CA) -> None:
    with Host(signed(company), date=AT) as host:
        found = probe(here(host, secure=True), lambda: AT)
    assert (found.problem, found.issuer) == ("tls", "Acme Inspection")
    assert "certificate" in found.detail
    assert host.seen == [], "nothing is asked over a connection that is not trusted"


def test_a_file_that_is_not_there_is_told(company: trustme.CA, tmp_path: Path) -> None:
    with Host(signed(company), date=AT) as host:
        found = probe(here(host, secure=True, ca_file=str(tmp_path / "no.pem")), lambda: AT)
    assert found.problem == "tls"
    assert "no.pem" in found.detail


def test_a_company_that_re_signs_is_told_where_the_machine_trusts_it(
    company: trustme.CA, ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a company's root in the system's store: the connection works, and somebody reads it."""
    monkeypatch.setenv("SSL_CERT_FILE", ca_file)
    with Host(inside=signed(company, NAME), date=AT) as proxy:
        way = Proxy(URL(f"http://127.0.0.1:{proxy.port}"), (("Proxy-Authorization", "Basic eA=="),))
        found = probe(Target(NAME, 443, proxy=way), lambda: AT)
    assert (found.problem, found.company, found.issuer) == ("", True, "Acme Inspection")
    line, headers = proxy.seen[-2]
    assert line == f"CONNECT {NAME}:443"
    assert headers["Proxy-Authorization"] == "Basic eA=="
    assert proxy.seen[-1][0] == "HEAD /"


def test_a_proxy_that_refuses_is_told_as_such() -> None:
    with Host(connect=407) as proxy:
        way = Proxy(URL(f"http://127.0.0.1:{proxy.port}"))
        found = probe(Target(NAME, 443, proxy=way), lambda: AT)
    assert found.problem == "proxy"
    assert "407" in found.detail


def test_a_proxy_reads_plain_requests_itself() -> None:
    with Host(date=AT) as proxy:
        way = Proxy(URL(f"http://127.0.0.1:{proxy.port}"))
        found = probe(Target(NAME, 80, secure=False, proxy=way), lambda: AT)
    assert found.problem == ""
    assert proxy.seen[0][0] == f"HEAD http://{NAME}:80/"


def test_a_proxy_that_speaks_tls_itself_is_not_asked_and_says_so() -> None:
    way = Proxy(URL("https://proxy.example:443"))
    assert probe(Target(NAME, 443, proxy=way), lambda: AT).problem == "unasked"


def test_where_nobody_listens_the_connection_fails() -> None:
    target = Target("127.0.0.1", free_port(), secure=False, local=True)
    found = probe(target, lambda: AT)
    assert (found.problem, found.detail) == ("connect", "Connection refused")


def test_what_speaks_no_tls_is_told() -> None:
    with Host() as host:
        found = probe(here(host, secure=True), lambda: AT)
    assert found.problem == "tls"
    assert "handshake failed" in found.detail


def test_one_that_says_nothing_is_told() -> None:
    with Host(silent=True) as host:
        found = probe(here(host), lambda: AT)
    assert found.problem == "connect"


def test_a_name_that_does_not_resolve() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(8, f"no {host}:{port}")

    found = probe(Target(NAME, 443), lambda: AT, resolve=unknown)
    assert (found.problem, found.detail) == ("dns", f"no {NAME}:443")


@pytest.mark.parametrize("address", ["198.18.0.7", "10.0.0.1", "127.0.0.1", "::1"])
def test_an_address_that_no_provider_has_is_not_connected_to(address: str) -> None:
    found = probe(Target(NAME, 443), lambda: AT, resolve=lambda *_: [address])
    assert (found.problem, found.detail) == ("address", f"resolves to {address}")


def test_addresses_of_vpn_programs_are_known() -> None:
    assert is_fake("198.18.0.7")
    assert not is_fake("10.0.0.1")
    assert not is_fake("none")


def test_who_is_late_is_told_the_others_are_not_kept_waiting() -> None:
    never = threading.Event()

    def slow(host: str, port: int) -> list[str]:
        del port
        if host == NAME:
            never.wait(30.0)
        return ["10.0.0.1"]

    asked = (Target(NAME, 443), Target("other.example", 443))
    try:
        found = probe_all(asked, lambda: AT, limit_s=3.0, resolve=slow)
    finally:
        never.set()
    assert [it.problem for it in found] == ["late", "address"]
    assert found[0].detail == "no answer within 3 s"


def test_only_hosts_of_the_users_own_accounts_are_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:8080")
    config = parse_config(
        b"""
        version: 1
        providers:
          mine: {dialect: openai-chat, base_url: "http://10.0.0.5:8000/v1", local: true, models: [m]}
          own: {dialect: openai-chat, base_url: "https://own.example/v1", proxy: "http://10.0.0.1:3128", models: [m]}
        accounts:
          - {id: a, provider: claude, access: api-key, secret: env:A}
          - {id: b, provider: claude, access: api-key, secret: env:B}
          - {id: c, provider: gemini, access: api-key, secret: env:C, disabled: true}
          - {id: d, provider: mine, secret: env:D}
          - {id: e, provider: own, secret: env:E}
        """,
        "config.yaml",
    )
    found = targets_of(resolve_accounts(config), SystemProxies())
    assert [(it.host, it.port, it.secure, it.local) for it in found] == [
        ("api.anthropic.com", 443, True, False),
        ("10.0.0.5", 8000, False, True),
        ("own.example", 443, True, False),
    ]
    assert [it.proxy and it.proxy.origin for it in found] == [
        ("proxy.example", 8080), None, ("10.0.0.1", 3128),
    ]  # fmt: skip
