"""Proxies, clock, names, hosts and certificates: what was found on the way to the providers, as checks."""

import statistics
import urllib.request
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from korproxy_addons.io.proxies import read_proxy
from korproxy_addons.providers.registry import REGISTRY
from launcher.actions.checks import Check
from launcher.actions.self_test_probe import Probed, is_fake

NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
TOLERATED_S = 60.0
"""So far a clock may be off; some hosts answer from a cache."""
TOO_FAR_S = 240.0
"""From here on tokens are renewed too late: that happens five minutes before they end."""
OFFLINE = "not asked: --offline"
NOBODY = "no account names a host to ask"


def check_proxies(environ: Mapping[str, str]) -> Check:
    """Which proxies are set, by their variables' names, and whether tools can still reach this machine's own ports."""
    name = "proxies"
    # The address may hold a password, and a company's names.
    seen = tuple(it for it in (*NAMES, *(it.lower() for it in NAMES)) if environ.get(it))
    given = {it.lower(): environ[it] for it in sorted(seen)}
    unusable = [
        it.upper()
        for it in ("http_proxy", "https_proxy", "all_proxy")
        if it in given and read_proxy(given[it]) is None
    ]
    if unusable:
        return Check(
            name=name,
            result="warn",
            detail=f"{', '.join(unusable)}: no HTTP proxy with a port; KorProxy goes without it",
            remedy=("Give an address such as http://proxy.example:8080; SOCKS is not spoken.",),
            seen=seen,
        )
    catches_http = "http_proxy" in given or "all_proxy" in given
    if catches_http and not _passes_by(given.get("no_proxy", "")):
        return Check(
            name=name,
            result="warn",
            detail="tools that obey HTTP_PROXY send their requests to localhost to that proxy, too",
            remedy=("Set NO_PROXY=localhost,127.0.0.1 where the tools are started.",),
            seen=seen,
        )
    if seen:
        return Check(name=name, result="ok", detail=f"set: {', '.join(seen)}", seen=seen)
    if urllib.request.getproxies():
        return Check(name=name, result="ok", detail="as the system's settings say")
    return Check(name=name, result="ok", detail="none")


def check_clock(now: float, probed: Iterable[Probed] | None) -> Check:
    """
    Whether the machine's clock is right.

    Args:
        now: Unix seconds.
        probed: The hosts that were asked; None: none was to be.
    """
    name = "clock"
    remedy = ("Set the clock, or let the system keep it (NTP).",)
    today = datetime.fromtimestamp(now, UTC).date()
    if today < REGISTRY.checked:
        detail = f"it says {today.isoformat()}, which is before this version was made"
        return Check(name=name, result="fail", detail=detail, remedy=remedy)
    if probed is None:
        detail = "plausible; not compared with anybody's: --offline"
        return Check(name=name, result="ok", detail=detail)
    told = [it for it in probed if it.ahead_s is not None]
    if not told:
        detail = "plausible; nobody told the time"
        return Check(name=name, result="ok", detail=detail)
    ahead_s = statistics.median(it.ahead_s or 0.0 for it in told)
    seen = tuple(f"{it.target.host}: {it.ahead_s:+.0f} s" for it in told)
    if abs(ahead_s) <= TOLERATED_S:
        return Check(name=name, result="ok", detail="right", seen=seen)
    detail = f"{_length(abs(ahead_s))} {'ahead of' if ahead_s > 0 else 'behind'} the providers'"
    if abs(ahead_s) > TOO_FAR_S:
        detail += ": logins are renewed at the wrong time, and resets seem wrong"
        return Check(name=name, result="fail", detail=detail, remedy=remedy, seen=seen)
    return Check(name=name, result="warn", detail=detail, remedy=remedy, seen=seen)


def check_names(probed: tuple[Probed, ...] | None) -> Check:
    """Whether the providers' names resolve, and to addresses that KorProxy connects to."""
    name = "DNS"
    if not probed:
        return Check(name=name, result="skip", detail=OFFLINE if probed is None else NOBODY)
    asked = [it for it in probed if it.target.proxy is None]
    if not asked:
        return Check(name=name, result="ok", detail="left to the proxy")
    seen = tuple(f"{it.target.host}: {it.detail or 'resolves'}" for it in asked)
    lost = [it for it in asked if it.problem == "dns"]
    blocked = [it for it in asked if it.problem == "address"]
    if lost:
        remedy = ["Is this machine online? If so, look at its DNS server or VPN."]
        if len(lost) < len(asked):
            remedy = ["Look for a typo in that address (base_url), or at what filters your DNS."]
        return Check(
            name=name,
            result="fail",
            detail=f"{_hosts(lost)} {_does(lost)} not resolve",
            remedy=tuple(remedy),
            seen=seen,
        )
    if blocked:
        fake = any(is_fake(it.detail.rpartition(" ")[2]) for it in blocked)
        told = "; ".join(f"{it.target.host} {it.detail}" for it in blocked)
        remedy = ["If the provider is on this machine or network: local: true at that provider."]
        if fake:
            remedy = [
                "A VPN or proxy program answers in place of your DNS (fake-ip): exclude these names there,",
                "or give its HTTP address as proxy at the provider.",
            ]
        detail = f"{told}, where KorProxy does not send credentials"
        return Check(name=name, result="fail", detail=detail, remedy=tuple(remedy), seen=seen)
    return Check(name=name, result="ok", detail=f"{_count(len(asked))} resolved", seen=seen)


def check_reach(probed: tuple[Probed, ...] | None) -> Check:
    """Whether the providers' hosts answer."""
    name = "providers' hosts"
    if not probed:
        return Check(name=name, result="skip", detail=OFFLINE if probed is None else NOBODY)
    tried = [it for it in probed if it.problem not in ("dns", "address", "unasked")]
    if not tried:
        unasked = next((it.detail for it in probed if it.problem == "unasked"), "see DNS")
        return Check(name=name, result="skip", detail=f"none could be asked: {unasked}")
    seen = tuple(_seen(it) for it in tried)
    lost = [it for it in tried if it.problem in ("connect", "proxy", "late")]
    if not lost:
        verb = "answers" if len(tried) == 1 else "answer"
        return Check(name=name, result="ok", detail=f"{_count(len(tried))} {verb}", seen=seen)
    local = [it for it in lost if it.target.local]
    if any(it.problem == "proxy" for it in lost):
        remedy = ("The proxy refused: look at its user and password in HTTPS_PROXY.",)
    elif local:
        remedy = (f"Start what serves {_hosts(local)} on this machine or network.",)
    elif len(lost) == len(tried):
        remedy = ("Is this machine online? If so, a firewall stands in the way.",)
    else:
        remedy = ("Try again in a few minutes; if it stays, look at the provider's status page.",)
    told = "; ".join(f"{it.target.host}: {it.detail}" for it in lost)
    return Check(
        name=name,
        result="fail" if len(lost) == len(tried) else "warn",
        detail=told,
        remedy=remedy,
        seen=seen,
    )


def check_certificates(probed: tuple[Probed, ...] | None) -> Check:
    """Who signed the hosts' certificates: a public authority, somebody of this machine, or nobody who is trusted."""
    name = "TLS certificates"
    if not probed:
        return Check(name=name, result="skip", detail=OFFLINE if probed is None else NOBODY)
    asked = [it for it in probed if it.target.secure and (it.issuer or it.problem == "tls")]
    if not asked:
        return Check(name=name, result="skip", detail="no host showed one")
    seen = tuple(f"{it.target.host}: signed by {it.issuer or 'nobody known'}" for it in asked)
    broken = [it for it in asked if it.problem == "tls"]
    if broken:
        first = broken[0]
        signer = f" (signed by {first.issuer})" if first.issuer else ""
        return Check(
            name=name,
            result="fail",
            detail=f"{_hosts(broken)}: {first.detail}{signer}",
            remedy=(
                "If your company inspects TLS: name its PEM file as ca_file at the provider, or in SSL_CERT_FILE.",
                "If not, somebody else stands between you and the provider: do not use this network.",
            ),
            seen=seen,
        )
    resigned = [it for it in asked if it.company and it.target.ca_file is None]
    if resigned:
        signers = ", ".join(dict.fromkeys(it.issuer for it in resigned))
        return Check(
            name=name,
            result="warn",
            detail=f"re-signed by {signers}: a proxy on the way can read what passes to {_hosts(resigned)}",
            remedy=(
                "If this is your company's inspection, all is as it wants it; prompts and keys pass it in the clear.",
                "If you know of none, find out which program added that certificate to the system.",
            ),
            seen=seen,
        )
    detail = "signed by public authorities"
    if any(it.company for it in asked):
        detail += ", or by the ca_file of the provider"
    return Check(name=name, result="ok", detail=detail, seen=seen)


def _passes_by(no_proxy: str) -> bool:
    """Whether requests to this machine go by the proxy."""
    rules = {it.strip().lower() for it in no_proxy.split(",")}
    return "*" in rules or {"localhost", "127.0.0.1"} <= rules


def _seen(it: Probed) -> str:
    return f"{it.target.host}: {it.detail or f'answered after {it.took_ms:.0f} ms'}"


def _hosts(found: list[Probed]) -> str:
    return ", ".join(it.target.host for it in found)


def _does(found: list[Probed]) -> str:
    return "does" if len(found) == 1 else "do"


def _count(number: int) -> str:
    return f"{number} host{'' if number == 1 else 's'}"


def _length(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
