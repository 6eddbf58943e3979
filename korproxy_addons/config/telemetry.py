"""Whether crash reports leave this machine; they do not unless a person says so."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from korproxy_addons.config.fields import Settings, split_url

_KEY = re.compile(r"[A-Za-z0-9_]{1,100}\Z")
_PATH = re.compile(r"(/[A-Za-z0-9._-]+)*/[0-9]{1,20}\Z")


def _dsn(value: str) -> str:
    scheme, _, rest = value.partition("://")
    key, found, server = rest.partition("@")
    expected = "a DSN such as https://KEY@HOST/PROJECT"
    try:
        parts = split_url(f"{scheme}://{server}")
    except ValueError as error:
        raise ValueError(expected) from error
    if not found or not _KEY.match(key) or not _PATH.match(parts.path):
        raise ValueError(expected)
    return value


Dsn = Annotated[str, Field(max_length=400), AfterValidator(_dsn)]
"""Where Sentry's clients send to. The key in it is a public one: it lets nobody read."""


class TelemetrySettings(Settings):
    """Crash reports: off until you turn them on."""

    crash_reports: bool = False
    """Send what `korproxy telemetry show` shows when KorProxy fails inside; never words, names or addresses of yours."""
    dsn: Dsn | None = None
    """Where they go: the DSN of a project at Sentry, or at a server of one's own that speaks its protocol."""
