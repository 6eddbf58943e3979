"""Whether a tool's base URL leads to KorProxy, and if not, where it leads."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import SplitResult, urlsplit

from korproxy_addons.presets.base import Form
from launcher.gateway_look import Address, Look, Who
from launcher.tools.told import Told, shown_url

OLD_PORTS = {8317: "the port of KorProxy's earlier desktop app", 1337: "KorProxy's usual port"}
"""Ports that guides have named."""

type LookAt = Callable[[int], Look]


class Leads(StrEnum):
    """Where a base URL leads. ELSEWHERE: to another service, as may be meant."""

    HERE = "here"
    WRONG = "wrong"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """
    What is to be said of one base URL.

    Attributes:
        told: The URL, and where it stands.
        leads: Where it leads.
        detail: A sentence.
        expected: What it should be.
    """

    told: Told
    leads: Leads
    detail: str
    expected: str


def judged(told: Told, address: Address, look_at: LookAt) -> Judgement:
    """
    Where a base URL leads.

    Args:
        told: The URL.
        address: KorProxy's.
        look_at: Says who is at a port of this machine.
    """
    url = told.value.strip()
    expected = told.setting.form.url(address.root)
    shown = shown_url(url)
    says = f"{told.where} is {shown}"

    def found(leads: Leads, detail: str) -> Judgement:
        return Judgement(told=told, leads=leads, detail=detail, expected=expected)

    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return found(Leads.WRONG, f"{told.where} is no URL.")
    if not host or parts.scheme not in ("http", "https"):
        return found(Leads.WRONG, f"{told.where} is no URL that begins with http://.")
    if not is_this_machine(host):
        return found(Leads.ELSEWHERE, f"{says}, which is not KorProxy on this machine.")
    port = port or (443 if parts.scheme == "https" else 80)
    if port == address.port:
        return _at_our_port(found, says, parts, told.setting.form)
    if port == address.admin_port:
        page = f"{says}, which is KorProxy's own page; tools are served at port {address.port}."
        return found(Leads.WRONG, page)
    return _at_another_port(found, says, port, address, look_at(port))


def is_this_machine(host: str) -> bool:
    """Whether a host's name or address is this machine's own."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return False
    return found.is_loopback or found.is_unspecified


def _at_our_port(
    found: Callable[[Leads, str], Judgement], says: str, parts: SplitResult, form: Form
) -> Judgement:
    if parts.scheme == "https":
        return found(Leads.WRONG, f"{says}, but KorProxy speaks http:// on this machine.")
    path = parts.path.rstrip("/")
    if path.startswith("/p/"):
        path = "/" + "/".join(path.split("/")[3:]) if path.count("/") > 2 else ""
    known = ("", "/v1", "/v1beta", "/openai", "/v1/openai", "/v1beta/openai")
    ends = ("/chat/completions", "/responses", "/messages")
    if path not in known and not path.endswith(ends):
        return found(Leads.WRONG, f"{says}, and KorProxy serves nothing below {path}.")
    usual = form.url("")
    plain = path in known and path != usual and not parts.path.startswith("/p/")
    note = f" ({usual or 'no path'} is usual; KorProxy takes this, too)" if plain else ""
    return found(Leads.HERE, f"{says}{note}.")


def _at_another_port(
    found: Callable[[Leads, str], Judgement], says: str, port: int, address: Address, look: Look
) -> Judgement:
    here = f"KorProxy listens on port {address.port}"
    old = f" ({OLD_PORTS[port]})" if port in OLD_PORTS else ""
    if look.who is Who.NOBODY:
        return found(Leads.WRONG, f"{says}{old}, where nothing listens; {here}.")
    if look.who is Who.OTHER_FOLDER:
        return found(Leads.WRONG, f"{says}, which is another KorProxy; this one's {here[9:]}.")
    name = look.name or "another program"
    if port in OLD_PORTS:
        return found(Leads.WRONG, f"{says}{old}, where {name} listens; {here}.")
    return found(Leads.ELSEWHERE, f"{says}, where {name} listens, not KorProxy.")
