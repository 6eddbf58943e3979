"""An error that nobody foresaw: people are told where to look, the traceback goes to a file."""

import os
import sys
import time
import traceback
from pathlib import Path

from korproxy_addons.errors.catalogue import INTERNAL
from korproxy_addons.errors.exceptions import KorProxyError

LOG_NAME = "launcher-errors.log"
_MOST_BYTES = 256 * 1024


def unexpected(error: Exception) -> KorProxyError:
    """
    What a person is told of `error`; its traceback is in the folder's log, without secrets.

    Args:
        error: Raised by a command, and caught by nobody.
    """
    from korproxy_addons.config.store import default_home

    what = f"{type(error).__name__} in `{Path(sys.argv[0]).stem}`"
    log = default_home() / "logs" / LOG_NAME
    try:
        _write(log, error)
    except OSError:
        return KorProxyError(INTERNAL, f"{what}; {log} could not be written")
    return KorProxyError(INTERNAL, f"{what}; {log} has the rest")


def _write(log: Path, error: Exception) -> None:
    from korproxy_addons.recording.redact import Redactor

    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Frames and the message only: local values may hold anything.
    text = Redactor().text("".join(traceback.format_exception(error)))
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    if log.exists() and log.stat().st_size > _MOST_BYTES:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    with os.fdopen(os.open(log, flags, 0o600), "a", encoding="utf-8") as file:
        file.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')}\n{text}\n")
