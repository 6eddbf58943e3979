"""The launcher's own log: how the gateway stood, and what failed in the launcher itself; beside the gateway's, in the same form."""

import logging
from pathlib import Path

from korproxy_addons.config.logs import Logging
from korproxy_addons.config.problems import ConfigProblems
from korproxy_addons.config.store import FILE_NAME, ConfigStore
from korproxy_addons.io.crash_desk import CrashDesk, telemetry_settings
from korproxy_addons.io.logs import LAUNCHER_FILE_NAME, Logs
from korproxy_addons.recording.redact import Redactor
from launcher.supervisor.states import State, Status

log = logging.getLogger("korproxy.launcher")

_BAD = (State.DEGRADED, State.UNREACHABLE, State.FAILED)


class Journal:
    """
    Logs while the launcher keeps a gateway.

    Args:
        home: The KorProxy folder.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._desk = CrashDesk(home, "launcher", lambda: telemetry_settings(home))
        self._logs = Logs(
            home,
            Redactor(),
            terminal=False,
            file_name=LAUNCHER_FILE_NAME,
            crashed=self._desk.crashed,
        )
        self._in_force = Logging()
        self._told: tuple[object, ...] = ()

    def begin(self) -> None:
        """Log from now on."""
        self._in_force = self._settings() or Logging()
        self._logs.start(self._in_force, adopt=True)

    def reload(self) -> None:
        """Take over the settings of a file that has changed; one that cannot be used changes nothing."""
        settings = self._settings()
        if settings is not None and settings != self._in_force:
            self._in_force = settings
            self._logs.configure(settings)
            log.info("log settings read", extra={"fields": settings.model_dump()})

    def changed(self, status: Status) -> None:
        """Log a new state; that only a number is another one is no news."""
        told = (status.state, status.phase, status.reason, status.detail, status.pid)
        if told == self._told:
            return
        self._told = told
        fields = {
            "state": str(status.state),
            "phase": str(status.phase),
            "reason": str(status.reason),
            "detail": status.detail,
            "pid": status.pid,
            "port": status.port,
            "restarts": status.restarts or None,
        }
        level = logging.WARNING if status.state in _BAD else logging.INFO
        log.log(level, "gateway state", extra={"fields": fields})

    def close(self) -> None:
        """Write what is waiting, and end."""
        self._logs.stop()
        self._desk.close()

    def _settings(self) -> Logging | None:
        if not (
            self._home / FILE_NAME
        ).exists():  # it would be written, maybe under an editor's hands
            return None
        try:
            return ConfigStore(self._home).load().logging
        except ConfigProblems:
            return None
