"""Turns the process's log on and off with the master that carries the gateway."""

import logging
from collections.abc import Callable
from pathlib import Path

from korproxy_addons.config.store import ConfigStore
from korproxy_addons.io.logs import Logs
from korproxy_addons.recording.redact import Redactor


class Journal:
    """First to load; `closing`, last in the line, ends it, so that no line of another addon is lost."""

    def __init__(
        self,
        home: Path,
        store: ConfigStore,
        redactor: Redactor,
        *,
        own_process: bool,
        terminal: bool,
        crashed: Callable[[logging.LogRecord], None] | None = None,
    ) -> None:
        self.redactor = redactor
        self._store = store
        self._own_process = own_process
        self._logs = Logs(home, redactor, terminal=terminal, crashed=crashed)
        self.closing = JournalEnd(self._logs)

    def load(self, _loader: object) -> None:
        self._logs.start(self._store.current.logging, adopt=self._own_process)

    def apply_config(self) -> None:
        """Take over the levels of a new config, and how long lines are kept."""
        self._logs.configure(self._store.current.logging)


class JournalEnd:
    """Writes what is waiting when the master ends."""

    def __init__(self, logs: Logs) -> None:
        self._logs = logs

    def done(self) -> None:
        self._logs.stop()
