"""Crash reports: those that are kept here, whether they are sent, and exactly what would be."""

import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from korproxy_addons.config.document import Document
from korproxy_addons.config.edit import edit_config
from korproxy_addons.config.store import ConfigStore
from korproxy_addons.config.telemetry import TelemetrySettings
from korproxy_addons.errors.catalogue import CONFIG_MISSING_FIELD, TELEMETRY_NOT_SENT
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.crash_desk import this_machine
from korproxy_addons.io.crash_reports import CrashReports
from korproxy_addons.io.sentry import SentrySender
from korproxy_addons.recording.crash import CrashReport, crash_report, sentry_event
from launcher.actions.readable_config import readable_config

SEND_S = 10.0


class TelemetryTest(Exception):
    """What a test report tells of: nothing has failed."""


@dataclass(frozen=True, slots=True)
class KeptReport:
    """
    A crash report that lies in the folder.

    Attributes:
        at: Unix seconds of the last time.
        times: How often it was seen.
        process: `gateway`, `launcher` or `command`.
        code: KP code.
        title: Type and place.
        request_id: Correlation id of the request that met it, or "".
        sent_at: Unix seconds at which it was sent; None: it was not.
        file: Where it lies.
    """

    at: float
    times: int
    process: str
    code: str
    title: str
    request_id: str
    sent_at: float | None
    file: str


@dataclass(frozen=True, slots=True)
class TelemetryView:
    """
    How things stand.

    Attributes:
        on: Reports are sent, to `host`.
        host: Where they go, or would; None: no address is set.
        kept: The last reports, newest first.
    """

    on: bool
    host: str | None
    kept: tuple[KeptReport, ...]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """
    What is, or would be, sent.

    Attributes:
        on: It is sent.
        host: Where to; None: no address is set.
        example: There is no report yet: this is what a made-up one would be.
        events: Whole events of Sentry's protocol, newest first; nothing else goes out.
    """

    on: bool
    host: str | None
    example: bool
    events: tuple[dict[str, Any], ...]


def telemetry(home: Path) -> TelemetryView:
    """How things stand."""
    return _view(home, readable_config(home).telemetry)


def turn_on(home: Path, dsn: str | None = None) -> TelemetryView:
    """
    Send crash reports from now on; what is kept from before stays here.

    Args:
        home: The KorProxy folder.
        dsn: Where to; None: as the configuration says.
    Raises:
        KorProxyError: CONFIG_MISSING_FIELD: there is no address; what `edit_config` raises.
    """
    if dsn is None and ConfigStore(home).load().telemetry.dsn is None:
        raise KorProxyError(CONFIG_MISSING_FIELD, "telemetry.dsn; give it with --dsn")

    def change(document: Document) -> None:
        if dsn is not None:
            document.set(("telemetry", "dsn"), dsn)
        document.set(("telemetry", "crash_reports"), True)

    return _view(home, edit_config(home, change).telemetry)


def turn_off(home: Path) -> TelemetryView:
    """
    Send nothing from now on; the address is remembered.

    Raises:
        What `edit_config` raises.
    """

    def change(document: Document) -> None:
        if document.value(("telemetry", "crash_reports")):
            document.set(("telemetry", "crash_reports"), False)

    return _view(home, edit_config(home, change).telemetry)


def outgoing(home: Path) -> Outgoing:
    """
    Exactly what would be sent of the reports that are kept; of a made-up one if there is none.

    Raises:
        ConfigProblems: The configuration cannot be used.
    """
    settings = ConfigStore(home).load().telemetry
    kept = CrashReports(home).all()
    shown = kept or (_example(),)
    events = tuple(sentry_event(it) for it in shown)
    return Outgoing(_is_on(settings), _host(settings), not kept, events)


def send_test(home: Path) -> Outgoing:
    """
    Send a report of nothing, to see that it arrives.

    Raises:
        KorProxyError: TELEMETRY_NOT_SENT: they are off, or it did not arrive.
        ConfigProblems: The configuration cannot be used.
    """
    settings = ConfigStore(home).load().telemetry
    if not settings.crash_reports or settings.dsn is None:
        raise KorProxyError(TELEMETRY_NOT_SENT, "crash reports are off")
    went: list[str] = []
    sender = SentrySender(settings.dsn, lambda _id, wrong: went.append(wrong))
    event = sentry_event(_example())
    sender.send(event)
    sender.close(SEND_S)
    if went != [""]:
        why = went[0] if went else f"no answer within {SEND_S:g} s"
        raise KorProxyError(TELEMETRY_NOT_SENT, f"{_host(settings)}: {why}")
    return Outgoing(on=True, host=_host(settings), example=True, events=(event,))


def clear(home: Path) -> int:
    """Remove the reports that are kept; how many there were."""
    return CrashReports(home).clear()


def _example() -> CrashReport:
    try:
        raise TelemetryTest
    except TelemetryTest as error:
        return crash_report(
            error, this_machine(), report_id=uuid.uuid4().hex, at=time.time(), process="command"
        )


def _view(home: Path, settings: TelemetrySettings) -> TelemetryView:
    reports = CrashReports(home)
    kept = tuple(
        KeptReport(
            at=it.at,
            times=it.times,
            process=it.process,
            code=it.code,
            title=it.title,
            request_id=it.request_id,
            sent_at=it.sent_at,
            file=str(reports.path_of(it)),
        )
        for it in reports.all()
    )
    return TelemetryView(_is_on(settings), _host(settings), kept)


def _is_on(settings: TelemetrySettings) -> bool:
    return settings.crash_reports and settings.dsn is not None


def _host(settings: TelemetrySettings) -> str | None:
    return None if settings.dsn is None else urlsplit(settings.dsn).hostname
