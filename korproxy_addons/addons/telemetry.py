"""Crash reports of the gateway: what nobody expected is kept on this machine, and sent only where a person wants that."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from korproxy_addons.config.store import ConfigStore
from korproxy_addons.io.crash_desk import CrashDesk

log = logging.getLogger("korproxy.telemetry")


class Telemetry:
    """
    Hears of crashes by the log, in the log's own thread; last in the line, as the log's last lines are of interest too.

    Args:
        home: The KorProxy folder.
        store: Says whether reports are sent.
        own_process: The process is ours, so a thread that fails is our trouble.
    """

    def __init__(self, home: Path, store: ConfigStore, *, own_process: bool) -> None:
        self.desk = CrashDesk(home, "gateway", lambda: store.current.telemetry)
        self._own_process = own_process
        self._hook_before: Callable[[threading.ExceptHookArgs], object] | None = None

    def load(self, _loader: object) -> None:
        if self._own_process:
            self._hook_before, threading.excepthook = threading.excepthook, _thread_failed

    def done(self) -> None:
        if self._hook_before is not None:
            threading.excepthook, self._hook_before = self._hook_before, None
        self.desk.close()


def _thread_failed(failed: threading.ExceptHookArgs) -> None:
    """In place of a traceback on the terminal, which may quote anything."""
    if failed.exc_value is not None and not isinstance(failed.exc_value, SystemExit):
        log.error("thread failed", exc_info=failed.exc_value)
