import pytest

from korproxy_addons.control.guard import allowed_hosts, check_head, is_navigation
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError

HOSTS = allowed_hosts(1337)
GOOD = (b"Host", b"localhost:1337")


def refusal(*fields: tuple[bytes, bytes], max_count: int = 100) -> KorProxyError | None:
    try:
        check_head(fields, HOSTS, max_count=max_count)
    except KorProxyError as error:
        return error
    return None


@pytest.mark.parametrize(
    "host",
    [b"localhost:1337", b"127.0.0.1:1337", b"[::1]:1337", b"LocalHost:1337", b" 127.0.0.1:1337"],
)
def test_our_own_names_come_in(host: bytes) -> None:
    assert refusal((b"hOsT", host)) is None


@pytest.mark.parametrize(
    "host",
    [
        b"127.evil.com:1337",
        b"127.0.0.1.evil.com:1337",
        b"evil.com",
        b"evil.com:1337",
        b"localhost.evil.com:1337",
        b"localhost.:1337",
        b"localhost",
        b"localhost:1338",
        b"localhost:01337",
        b"127.0.0.2:1337",
        b"127.1:1337",
        b"2130706433:1337",
        b"0.0.0.0:1337",
        b"[::]:1337",
        b"::1:1337",
        b"[::ffff:127.0.0.1]:1337",
        b"user@localhost:1337",
        b"localhost:1337, evil.com",
        b"localhost:1337\x00",
        "löcalhost:1337".encode(),
        b"",
    ],
)
def test_any_other_name_is_refused(host: bytes) -> None:
    """Also those that resolve to us: a rebound name of an attacker does that too."""
    error = refusal((b"host", host))
    assert error is not None
    assert error.spec is catalogue.HOST_REFUSED
    assert error.status == 421


def test_no_host_and_two_hosts_are_refused() -> None:
    for fields in ([], [GOOD, GOOD], [GOOD, (b"host", b"evil.com")]):
        error = refusal(*fields)
        assert error is not None
        assert error.spec is catalogue.HOST_REFUSED


def test_the_port_may_be_left_out_only_where_it_is_the_scheme_s_own() -> None:
    assert "localhost" in allowed_hosts(80)
    assert "[::1]" in allowed_hosts(443)
    assert "localhost" not in allowed_hosts(8080)


def test_further_names_come_in_where_they_are_given() -> None:
    assert "192.168.1.5:1337" in allowed_hosts(1337, ("192.168.1.5",))


@pytest.mark.parametrize(
    "origin",
    [
        b"http://localhost:1337",
        b"http://127.0.0.1:1337",
        b"https://[::1]:1337",
        b"HTTP://LOCALHOST:1337",
    ],
)
def test_our_own_origin_comes_in(origin: bytes) -> None:
    assert refusal(GOOD, (b"Origin", origin)) is None


@pytest.mark.parametrize(
    "origin",
    [
        b"null",
        b"",
        b"https://evil.com",
        b"http://localhost:3000",
        b"http://localhost",
        b"http://localhost:1337.evil.com",
        b"http://localhost:1337/",
        b"file://",
        b"chrome-extension://abcdef",
        b"ftp://localhost:1337",
        b"localhost:1337",
    ],
)
def test_a_foreign_origin_is_refused(origin: bytes) -> None:
    error = refusal(GOOD, (b"ORIGIN", origin))
    assert error is not None
    assert error.spec is catalogue.ORIGIN_REFUSED


def test_every_origin_counts() -> None:
    fields = (GOOD, (b"origin", b"http://localhost:1337"), (b"origin", b"https://evil.com"))
    assert refusal(*fields) is not None


@pytest.mark.parametrize("site", [b"cross-site", b"same-site", b"", b"unheard-of"])
def test_a_request_from_another_site_is_refused(site: bytes) -> None:
    error = refusal(GOOD, (b"Sec-Fetch-Site", site))
    assert error is not None
    assert error.spec is catalogue.ORIGIN_REFUSED


@pytest.mark.parametrize("site", [b"none", b"same-origin", b"Same-Origin"])
def test_a_request_from_us_or_from_nowhere_comes_in(site: bytes) -> None:
    assert refusal(GOOD, (b"sec-fetch-site", site)) is None


def test_the_fetch_of_node_comes_in() -> None:
    """It sends this one header of the family, and no origin; every tool written in JavaScript does."""
    fields = (GOOD, (b"sec-fetch-mode", b"cors"), (b"accept", b"*/*"))
    assert refusal(*fields) is None
    assert not is_navigation(fields)


def test_too_many_fields_are_refused_before_anything_else() -> None:
    fields = [(b"x", b"y")] * 10
    error = refusal(*fields, max_count=9)
    assert error is not None
    assert error.spec is catalogue.HEADERS_TOO_LARGE
    assert error.status == 431
    assert refusal(GOOD, *fields, max_count=11) is None


def test_what_is_shown_of_a_host_is_short_and_printable() -> None:
    error = refusal((b"host", b"\x1b[31m" + b"a" * 500))
    assert error is not None
    assert "\x1b" not in error.detail
    assert len(error.detail) < 120


@pytest.mark.parametrize(
    "field",
    [
        (b"Sec-Fetch-Mode", b"navigate"),
        (b"sec-fetch-mode", b"Nested-Navigate"),
        (b"sec-fetch-dest", b"document"),
        (b"Sec-Fetch-Dest", b"iframe"),
        (b"sec-fetch-dest", b"script"),
        (b"sec-fetch-dest", b"image"),
    ],
)
def test_what_a_browser_would_show_is_a_navigation(field: tuple[bytes, bytes]) -> None:
    assert is_navigation((GOOD, field))


@pytest.mark.parametrize(
    "field",
    [
        (b"sec-fetch-mode", b"cors"),
        (b"sec-fetch-mode", b"no-cors"),
        (b"sec-fetch-dest", b"empty"),
        (b"referer", b"navigate"),
    ],
)
def test_what_a_script_asks_for_is_no_navigation(field: tuple[bytes, bytes]) -> None:
    assert not is_navigation((GOOD, field))
