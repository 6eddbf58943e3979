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
    folder: str = ""
    """`folder_mark` of the KorProxy folder it serves."""


def folder_mark(home: PurePath) -> str:
    """What tells gateways of different folders apart, without telling the folder."""
    return hashlib.sha256(str(home).encode("utf-8", "surrogateescape")).hexdigest()[:16]
