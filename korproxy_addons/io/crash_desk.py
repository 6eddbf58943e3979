"""Where crashes are brought: kept on this machine, and sent only if a person wants that and has not been sent the same just now."""

import contextlib
import logging
import platform
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from korproxy_addons import __version__
from korproxy_addons.config.problems import ConfigProblems
from korproxy_addons.config.store import FILE_NAME, ConfigStore
from korproxy_addons.config.telemetry import TelemetrySettings
from korproxy_addons.errors.catalogue import INTERNAL
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.crash_reports import CrashReports
from korproxy_addons.io.sentry import SentrySender
from korproxy_addons.recording.crash import CrashReport, Machine, crash_report, sentry_event

log = logging.getLogger("korproxy.telemetry")

SAME_S = 3600.0
"""The same mistake again within this time is neither written nor sent once more."""
MOST_REPORTS = 50
"""Different mistakes within that time that are looked at; whoever makes more makes the same."""
CLOSE_S = 2.0


def this_machine() -> Machine:
    """What this process runs on."""
    return Machine(
        release=__version__,
        python=platform.python_version(),
        system=platform.system(),
        system_version=platform.release(),
    )


class CrashDesk:
    """
    Takes in exceptions that nobody expected. Safe from any thread; never raises.

    Args:
        home: The KorProxy folder.
        process: `gateway`, `launcher` or `command`.
        settings: Whether, and where, reports are sent; asked at each crash.
        clock: Unix seconds.
    """

    def __init__(
        self,
        home: Path,
        process: str,
        settings: Callable[[], TelemetrySettings],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._reports = CrashReports(home)
        self._process = process
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: dict[object, float] = {}
        self._sender: SentrySender | None = None

    def crashed(self, record: logging.LogRecord) -> None:
        """Take in what was logged of an exception; an error of ours that was foreseen is no crash."""
        error = record.exc_info[1] if record.exc_info else None
        if error is None or (isinstance(error, KorProxyError) and error.spec is not INTERNAL):
            return
        fields = getattr(record, "fields", None)
        fields = fields if isinstance(fields, dict) else {}
        where = str(fields.get("where") or record.name)
        self.take(error, where=where, request_id=str(fields.get("request_id", "")))

    def take(
        self, error: BaseException, *, where: str = "", request_id: str = ""
    ) -> CrashReport | None:
        """
        Keep the report of an exception, and send it if that is wanted.

        Returns:
            The report as it is kept; None if it is not, as the same one was a moment ago, or the disk is full.
        """
        try:
            report = crash_report(
                error,
                this_machine(),
                report_id=uuid.uuid4().hex,
                at=self._clock(),
                process=self._process,
                where=where,
                request_id=request_id,
            )
            with self._lock:
                if not self._is_news(report):
                    return None
                kept = self._keep(report)
                self._send(report)
            return kept
        except Exception as mistake:  # noqa: BLE001 - a crash report must never be the next crash
            fields = {"exception": type(mistake).__name__}
            log.warning("crash report failed", extra={"fields": fields})
            return None

    def close(self, wait_s: float = CLOSE_S) -> None:
        """Wait until what is to be sent is, but not for long."""
        with self._lock:
            sender, self._sender = self._sender, None
        # Not under the lock: the sender's thread notes what it sent.
        if sender is not None:
            sender.close(wait_s)

    def _is_news(self, report: CrashReport) -> bool:
        now = self._clock()
        seen_at = self._seen.get(report.same)
        if seen_at is not None and 0 <= now - seen_at < SAME_S:
            return False
        if len(self._seen) >= MOST_REPORTS:
            self._seen = {it: at for it, at in self._seen.items() if 0 <= now - at < SAME_S}
            if len(self._seen) >= MOST_REPORTS:
                return False
        self._seen[report.same] = now
        return True

    def _keep(self, report: CrashReport) -> CrashReport | None:
        try:
            return self._reports.save(report)
        except OSError as error:
            log.warning("crash report not kept", extra={"fields": {"why": error.strerror}})
            return None

    def _send(self, report: CrashReport) -> None:
        settings = self._settings()
        if not settings.crash_reports or settings.dsn is None:
            return
        if self._sender is None or self._sender.dsn != settings.dsn:
            if self._sender is not None:
                self._sender.close(0)
            self._sender = SentrySender(settings.dsn, self._told)
        self._sender.send(sentry_event(report))

    def _told(self, report_id: str, went_wrong: str) -> None:
        if went_wrong:
            log.warning("crash report not sent", extra={"fields": {"why": went_wrong}})
            return
        with contextlib.suppress(OSError):
            self._reports.mark_sent(report_id, self._clock())
        log.info("crash report sent", extra={"fields": {"report": report_id}})


def report_and_wait(home: Path, process: str, error: BaseException) -> CrashReport | None:
    """
    Keep, and send if that is wanted, the report of what ends this process; waits a moment for it to go out.

    Args:
        home: The KorProxy folder; settings that cannot be read there send nothing.
        process: `gateway`, `launcher` or `command`.
        error: What nobody expected.
    Returns:
        The report; None if it could not be kept.
    """
    desk = CrashDesk(home, process, lambda: telemetry_settings(home))
    report = desk.take(error)
    desk.close()
    return report


def telemetry_settings(home: Path) -> TelemetrySettings:
    """What the settings of a folder say about crash reports; nothing is sent where they cannot be read."""
    if not (home / FILE_NAME).exists():  # it would be written
        return TelemetrySettings()
    try:
        return ConfigStore(home).load().telemetry
    except (ConfigProblems, OSError):
        return TelemetrySettings()
