"""Turns the process's log on and off with the master that carries the gateway."""

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
    ) -> None:
        self.redactor = redactor
        self._store = store
        self._own_process = own_process
        self._logs = Logs(home, redactor, terminal=terminal)
        self.closing = JournalEnd(self._logs)

    def load(self, _loader: object) -> None:
        settings = self._store.current.logging
        self._logs.start(settings.level, settings.components, adopt=self._own_process)

    def apply_config(self) -> None:
        """Take over the levels of a new config."""
        settings = self._store.current.logging
        self._logs.configure(settings.level, settings.components)


class JournalEnd:
    """Writes what is waiting when the master ends."""

    def __init__(self, logs: Logs) -> None:
        self._logs = logs

    def done(self) -> None:
        self._logs.stop()
