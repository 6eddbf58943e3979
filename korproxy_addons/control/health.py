"""What `/_korproxy/health` says; the launcher reads it, so does any supervisor."""

import hashlib
from pathlib import PurePath

from pydantic import BaseModel, ConfigDict


class AccountHealth(BaseModel):
    """One account's state for one model, or for all (`*`)."""

    model_config = ConfigDict(frozen=True)

    account: str
    model: str
    state: str
    until: float | None
    code: str
    reason: str = ""


class RecordingHealth(BaseModel):
    """Exchanges are being recorded: until when (Unix seconds), of which tool ("": of all), and whether without content."""

    model_config = ConfigDict(frozen=True)

    until_at: float
    tool: str = ""
    shapes: bool = False


class Health(BaseModel):
    """
    The gateway's own state.

    An upstream that fails is shown in `accounts` and never makes the gateway unhealthy: a restart would not help.
    """

    model_config = ConfigDict(frozen=True)

    status: str
    version: str
    instance: str
    started_at: float
    uptime_s: float
    in_flight: int
    draining: bool
    accounts_configured: int
    config_problems: tuple[str, ...]
    accounts: tuple[AccountHealth, ...]
    vault: str = ""
    """`open`, `none` (nothing was stored yet), `opening`, or why it is not: `locked`, `key-missing`, `damaged`, `unusable`."""
    offline: bool = False
    """No provider can be reached at all; no sign of trouble with the gateway."""
    recording: RecordingHealth | None = None
    """What is said passes, and is kept: everybody who uses the gateway may know."""
    folder: str = ""
    """`folder_mark` of the KorProxy folder it serves."""


def folder_mark(home: PurePath) -> str:
    """What tells gateways of different folders apart, without telling the folder."""
    return hashlib.sha256(str(home).encode("utf-8", "surrogateescape")).hexdigest()[:16]
