"""What was found on the way to the providers, as sentences."""

from collections.abc import Callable

import pytest
from yarl import URL

from korproxy_addons.io.proxies import Proxy
from launcher.actions.checks import Check
from launcher.actions.self_test_network import (
    check_certificates,
    check_clock,
    check_names,
    check_proxies,
    check_reach,
)
from launcher.actions.self_test_probe import Probed, Target

AT = 1_800_000_000.0
A, B = Target("a.example", 443), Target("b.example", 443)
BEHIND = Target("c.example", 443, proxy=Proxy(URL("http://proxy.example:80")))
LOCAL = Target("10.0.0.5", 8000, secure=False, local=True)
GOOD = Probed(A, issuer="Public CA", ahead_s=1.0)


def told(check: Check) -> tuple[str, str]:
    return check.result, check.detail


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"HTTPS_PROXY": "http://u:canary@p.example:80"}, ("ok", "set: HTTPS_PROXY")),
        (
            {"http_proxy": "http://p.example:80", "NO_PROXY": "localhost, 127.0.0.1"},
            ("ok", "set: NO_PROXY, http_proxy"),
        ),
        ({"ALL_PROXY": "http://p.example:80", "no_proxy": "*"}, ("ok", "set: ALL_PROXY, no_proxy")),
        (
            {"HTTP_PROXY": "http://p.example:80", "NO_PROXY": ".corp"},
            (
                "warn",
                "tools that obey HTTP_PROXY send their requests to localhost to that proxy, too",
            ),
        ),
        (
            {"HTTPS_PROXY": "socks5://canary.example:1080"},
            ("warn", "HTTPS_PROXY: no HTTP proxy with a port; KorProxy goes without it"),
        ),
    ],
)
def test_proxies_are_named_by_their_variables_alone(
    environ: dict[str, str], expected: tuple[str, str]
) -> None:
    found = check_proxies(environ)
    assert told(found) == expected
    assert "canary" not in str(found)


def test_no_proxy_and_the_systems_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("urllib.request.getproxies", dict)
    assert check_proxies({}).detail == "none"
    monkeypatch.setattr("urllib.request.getproxies", lambda: {"http": "http://p"})
    assert check_proxies({}).detail == "as the system's settings say"


@pytest.mark.parametrize(
    ("ahead_s", "result", "said"),
    [
        (0.4, "ok", "right"),
        (-59.0, "ok", "right"),
        (90.0, "warn", "90 s ahead of the providers'"),
        (-600.0, "fail", "10 min behind the providers': logins are renewed at the wrong time, and resets seem wrong"),
        (9 * 3600.0, "fail", "9 h ahead of the providers': logins are renewed at the wrong time, and resets seem wrong"),
    ],
)  # fmt: skip
def test_the_clock_is_compared_with_the_hosts(ahead_s: float, result: str, said: str) -> None:
    found = check_clock(AT, (Probed(A, ahead_s=ahead_s), Probed(B)))
    assert told(found) == (result, said)


def test_one_host_with_a_wrong_clock_is_outvoted() -> None:
    hosts = (Probed(A, ahead_s=0.0), Probed(B, ahead_s=9999.0), Probed(LOCAL, ahead_s=1.0))
    assert check_clock(AT, hosts).result == "ok"


def test_a_clock_before_this_version_was_made_is_wrong_whoever_is_asked() -> None:
    found = check_clock(1_000_000.0, None)
    assert told(found) == ("fail", "it says 1970-01-12, which is before this version was made")
    assert found.remedy


def test_a_clock_that_was_not_compared_says_so() -> None:
    assert check_clock(AT, None).detail == "plausible; not compared with anybody's: --offline"
    assert check_clock(AT, (Probed(A),)).detail == "plausible; nobody told the time"


@pytest.mark.parametrize("check", [check_names, check_reach, check_certificates])
def test_what_was_not_asked_is_skipped_and_says_why(
    check: Callable[[tuple[Probed, ...] | None], Check],
) -> None:
    assert told(check(None)) == ("skip", "not asked: --offline")
    assert told(check(())) == ("skip", "no account names a host to ask")


def test_names_that_resolve() -> None:
    assert told(check_names((GOOD, Probed(BEHIND)))) == ("ok", "1 host resolved")
    assert told(check_names((Probed(BEHIND),))) == ("ok", "left to the proxy")


def test_names_that_do_not_resolve() -> None:
    lost = Probed(A, "dns", "unknown")
    found = check_names((lost, GOOD))
    assert told(found) == ("fail", "a.example does not resolve")
    assert "typo" in found.remedy[0]
    everything = check_names((lost, Probed(B, "dns", "unknown")))
    assert everything.detail == "a.example, b.example do not resolve"
    assert "online" in everything.remedy[0]


@pytest.mark.parametrize(
    ("address", "word"), [("198.18.0.1", "fake-ip"), ("10.1.1.1", "local: true")]
)
def test_names_with_an_address_that_is_refused(address: str, word: str) -> None:
    found = check_names((Probed(A, "address", f"resolves to {address}"),))
    assert told(found) == (
        "fail", f"a.example resolves to {address}, where KorProxy does not send credentials",
    )  # fmt: skip
    assert word in found.remedy[0]


def test_hosts_that_answer() -> None:
    assert told(check_reach((GOOD,))) == ("ok", "1 host answers")
    assert told(check_reach((Probed(A, "dns", "x"),))) == ("skip", "none could be asked: see DNS")
    unasked = Probed(BEHIND, "unasked", "behind a proxy")
    assert check_reach((unasked,)).detail == "none could be asked: behind a proxy"
    assert check_certificates((unasked,)).result == "skip"


@pytest.mark.parametrize(
    ("probed", "result", "word"),
    [
        ((Probed(A, "connect", "refused"),), "fail", "firewall"),
        ((Probed(A, "late", "no answer"), GOOD), "warn", "status page"),
        ((Probed(LOCAL, "connect", "refused"), GOOD), "warn", "Start what serves 10.0.0.5"),
        ((Probed(BEHIND, "proxy", "407"),), "fail", "HTTPS_PROXY"),
    ],
)
def test_hosts_that_do_not(probed: tuple[Probed, ...], result: str, word: str) -> None:
    found = check_reach(probed)
    assert found.result == result
    assert word in found.remedy[0]
    assert probed[0].target.host in found.detail


def test_certificates_of_public_authorities() -> None:
    assert told(check_certificates((GOOD,))) == ("ok", "signed by public authorities")
    own = Probed(Target("x.example", 443, ca_file="ca.pem"), issuer="Own", company=True)
    assert check_certificates((own,)).detail == (
        "signed by public authorities, or by the ca_file of the provider"
    )
    assert told(check_certificates((Probed(LOCAL),))) == ("skip", "no host showed one")


def test_a_company_that_re_signs_is_named() -> None:
    found = check_certificates((Probed(A, issuer="Acme Inspection", company=True), GOOD))
    assert told(found) == (
        "warn", "re-signed by Acme Inspection: a proxy on the way can read what passes to a.example",
    )  # fmt: skip
    assert found.seen[0] == "a.example: signed by Acme Inspection"


def test_a_certificate_that_is_not_trusted_fails_with_its_signer() -> None:
    found = check_certificates((Probed(A, "tls", "self-signed certificate", issuer="Acme"), GOOD))
    assert told(found) == ("fail", "a.example: self-signed certificate (signed by Acme)")
    assert "ca_file" in found.remedy[0]
    assert check_certificates((Probed(A, "tls", "bad"),)).detail == "a.example: bad"
