import asyncio
import datetime as dt
import ssl
from pathlib import Path

import pytest
import trustme

from korproxy_addons.errors import catalogue
from korproxy_addons.io.trust import Trust
from support.raw_upstream import FakeResolver, Visit, always_ok, raw_upstream
from support.upstream_calls import ask, failure, post, upstream_client


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    """A company's root certificate, in a file."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def serving(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    return context


def test_a_certificate_of_the_given_authority_is_trusted(
    authority: trustme.CA, ca_file: str
) -> None:
    async def run() -> None:
        tls = serving(authority.issue_cert("api.example"))
        names = FakeResolver(api_example=["127.0.0.1"])
        async with raw_upstream(always_ok, tls) as server:
            local = [("api.example", server.port)]
            async with upstream_client(local=local, resolver=names) as client:
                url = f"https://api.example:{server.port}/"
                for reused in (False, True):
                    reply = await client.send(post(url, ca_file=ca_file))
                    await reply.read_all(10)
                    assert reply.link.tls_version == "TLSv1.3"
                    assert reply.link.tls_cipher
                    assert reply.link.reused is reused
                # Without the file it is another matter, pooled connection or not.
                await failure(client.send(post(url)), catalogue.TLS_FAILED)

    asyncio.run(run())


def tls_failure(certificate: trustme.LeafCert, ca_file: str | None) -> str:
    async def run() -> str:
        names = FakeResolver(api_example=["127.0.0.1"])
        async with raw_upstream(always_ok, serving(certificate)) as server:
            local = [("api.example", server.port)]
            async with upstream_client(local=local, resolver=names) as client:
                url = f"https://api.example:{server.port}/"
                detail = await failure(
                    client.send(post(url, ca_file=ca_file)), catalogue.TLS_FAILED
                )
                assert server.requests == []
                return detail

    return asyncio.run(run())


def test_a_certificate_nobody_vouches_for(authority: trustme.CA) -> None:
    assert "certificate" in tls_failure(authority.issue_cert("api.example"), None)


def test_a_certificate_for_another_name(authority: trustme.CA, ca_file: str) -> None:
    detail = tls_failure(authority.issue_cert("other.example"), ca_file)
    assert "Hostname mismatch" in detail


def test_an_expired_certificate(authority: trustme.CA, ca_file: str) -> None:
    past = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    expired = authority.issue_cert(
        "api.example", not_before=past, not_after=past.replace(year=2021)
    )
    assert "expired" in tls_failure(expired, ca_file)


def test_a_server_that_does_not_speak_tls() -> None:
    async def script(visit: Visit) -> None:
        await visit.reader.read(10)
        await visit.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await visit.until_closed()

    async def run() -> None:
        async with raw_upstream(script) as server, upstream_client(server.port) as client:
            call = post(f"https://127.0.0.1:{server.port}/")
            detail = await failure(client.send(call), catalogue.TLS_FAILED)
            assert detail == "127.0.0.1: the TLS handshake failed"

    asyncio.run(run())


@pytest.mark.parametrize("content", [None, "no certificate at all"])
def test_a_ca_file_that_cannot_be_used(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)

    async def run() -> None:
        async with upstream_client(443) as client:
            call = post("https://127.0.0.1/", ca_file=str(path))
            detail = await failure(client.send(call), catalogue.TLS_FAILED)
            assert detail.startswith(f"ca_file {path}: ")

    asyncio.run(run())


def test_a_ca_file_is_read_anew_with_the_configuration(
    authority: trustme.CA, tmp_path: Path
) -> None:
    path = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(path))

    async def run() -> None:
        tls = serving(authority.issue_cert("127.0.0.1"))
        async with raw_upstream(always_ok, tls) as server, upstream_client(server.port) as client:
            call = post(f"https://127.0.0.1:{server.port}/", ca_file=str(path))
            await failure(client.send(call), catalogue.TLS_FAILED)
            authority.cert_pem.write_to_path(str(path))
            client.configure([], [("127.0.0.1", server.port)])
            assert (await ask(client, call)).status == 200

    asyncio.run(run())


def test_a_context_is_made_once_so_that_connections_can_be_shared(ca_file: str) -> None:
    trust = Trust()
    assert trust.context() is trust.context(None)
    assert trust.context(ca_file) is trust.context(ca_file)
    assert trust.context(ca_file) is not trust.context()


def test_files_are_forgotten_and_the_system_s_roots_are_not(ca_file: str) -> None:
    trust = Trust()
    system, own = trust.context(), trust.context(ca_file)
    trust.forget_files()
    assert trust.context() is system
    assert trust.context(ca_file) is not own


def test_nothing_less_than_a_checked_certificate_will_do() -> None:
    context = Trust().context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
