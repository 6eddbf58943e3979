"""Logins under way: pages that wait for a person, codes to be exchanged, devices that are being polled."""

import base64
import hashlib
from dataclasses import dataclass, field

from launcher.simulator.ids import Ids
from launcher.simulator.keys import Credential


@dataclass(frozen=True)
class Asked:
    """
    What a page asks a person for.

    Args:
        access: The way in that the login is for.
        challenge: S256 of the verifier that the exchange must bring; "" where none was given.
    """

    access: str
    client_id: str
    redirect_uri: str
    state: str
    scopes: frozenset[str]
    challenge: str = ""
    nonce: str = ""


@dataclass
class Code:
    """An authorization code. `refresh` is the refresh token that it was exchanged for."""

    asked: Asked
    credential: Credential
    scopes: frozenset[str]
    expires_at: float
    used: bool = False
    refresh: str = ""


@dataclass
class Device:
    """A login by device code. `decision` is "", "approve" or "deny"."""

    access: str
    client_id: str
    device_code: str
    user_code: str
    scopes: frozenset[str]
    expires_at: float
    interval_s: float
    challenge: str = ""
    verifier: str = ""
    decision: str = ""
    credential: Credential | None = None
    polled_at: float = 0.0
    done: bool = False


@dataclass
class Authorizations:
    """
    All logins under way.

    Args:
        code_life_s: How long a code can be exchanged.
        device_life_s: How long a device code can be typed.
        device_interval_s: Least seconds between two polls.
    """

    code_life_s: float = 600.0
    device_life_s: float = 900.0
    device_interval_s: float = 5.0
    pages: dict[str, Asked] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    devices: list[Device] = field(default_factory=list)

    def ask(self, ids: Ids, asked: Asked) -> str:
        """A page is shown; the ticket that its form sends back."""
        ticket = ids.make("ticket-", 32)
        self.pages[ticket] = asked
        return ticket

    def issue(
        self, ids: Ids, asked: Asked, credential: Credential, scopes: frozenset[str], now: float
    ) -> str:
        """A code for a person who said yes."""
        code = ids.make("ac_", 40)
        self.codes[code] = Code(asked, credential, scopes, now + self.code_life_s)
        return code

    def device(self, ids: Ids, now: float, **words: object) -> Device:
        """A device asks for a code to show."""
        mark = ids.make("", 8).upper()
        device = Device(
            device_code=ids.make("dc_", 40),
            user_code=f"{mark[:4]}-{mark[4:]}",
            expires_at=now + self.device_life_s,
            interval_s=self.device_interval_s,
            **words,  # type: ignore[arg-type]
        )
        self.devices.append(device)
        return device

    def by_user_code(self, user_code: str) -> Device | None:
        """The device that shows this code."""
        wanted = user_code.strip().upper()
        return next((it for it in self.devices if it.user_code == wanted), None)

    def by_device_code(self, device_code: str) -> Device | None:
        """The device that polls with this code."""
        return next((it for it in self.devices if it.device_code == device_code), None)


def challenge_of(verifier: str) -> str:
    """S256 of a verifier (RFC 7636, section 4.2)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
