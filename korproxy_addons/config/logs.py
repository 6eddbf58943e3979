"""What is logged, and for how long."""

from typing import Literal

from pydantic import Field

from korproxy_addons.config.fields import FrozenMap, Settings

type Level = Literal["debug", "info", "warning", "error"]


class Logging(Settings):
    """What is logged, and for how long."""

    level: Level = "info"
    """For everything that components does not name."""
    components: FrozenMap[Level] = Field(default_factory=dict, validate_default=True)
    """Level per component, such as upstream: debug."""
    keep_hours: float = Field(default=24.0, ge=1, le=24 * 90, allow_inf_nan=False)
    """Hours for which a line is kept."""
    keep_bytes: int = Field(default=25 * 1024 * 1024, ge=1024 * 1024, le=2**31)
    """Most that the log of a process takes on the disk; what is older goes first."""


COMPONENTS = {
    "access": "local keys: who may use the gateway",
    "attempt": "one try at a provider: what broke inside KorProxy meanwhile",
    "background": "work that is done beside the requests, and went wrong",
    "broker": "sign-ins: tokens renewed, or not",
    "caretaker": "quotas that are looked up while nobody asks",
    "control": "the configuration read anew; the gateway's end",
    "course": "each try that failed: whose, with what, and what comes next",
    "database": "usage and accounts' health on the disk",
    "dispatch": "whether any provider can be reached at all",
    "estimating": "how many tokens a request will have",
    "exchange": "each finished request, in one line",
    "fastpath": "shortcuts through mitmproxy",
    "hook": "exceptions inside the gateway",
    "launcher": "who keeps the gateway: its states, starts and ends",
    "leg": "the way of a request upstream",
    "limits": "limits of your own, and what they stopped",
    "logs": "lines that could not be written",
    "models": "model lists of the providers",
    "money": "what was held back as it would cost more than the plan",
    "recorder": "recordings that were begun, ended or could not be kept",
    "registry": "the list of providers and their states",
    "replies": "errors that the gateway itself answers with",
    "steering": "what the launcher asked of the gateway",
    "stream": "replies that were cut or could not be read",
    "telemetry": "crash reports: kept, sent or not",
    "tray": "the icon",
    "vigil": "streams that are kept alive while an account is looked for",
    "workspace": "which project a request came from",
}
"""Every component that logs, and what it logs."""
