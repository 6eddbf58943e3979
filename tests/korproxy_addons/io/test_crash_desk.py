import json
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from korproxy_addons.config.telemetry import TelemetrySettings
from korproxy_addons.errors.catalogue import INTERNAL, NO_ACCOUNT
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io import crash_desk
from korproxy_addons.io.crash_desk import MOST_REPORTS, SAME_S, CrashDesk, report_and_wait
from korproxy_addons.io.crash_reports import FOLDER, CrashReports
from korproxy_addons.recording.crash import sentry_event
from support.clock import FakeClock
from support.sentry_sink import SentrySink
from support.waiting import until

CANARY = "canary-in-a-crash-44aa"


@pytest.fixture
def sink() -> Iterator[SentrySink]:
    with SentrySink() as running:
        yield running


class Desk:
    """A desk of a folder, its clock, and settings that can change."""

    def __init__(self, home: Path) -> None:
        self.clock = FakeClock()
        self.settings = TelemetrySettings()
        self.desk = CrashDesk(home, "gateway", lambda: self.settings, self.clock)
        self.kept = CrashReports(home)


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Desk]:
    it = Desk(tmp_path)
    yield it
    it.desk.close()


def failing(text: str = CANARY) -> Exception:
    with pytest.raises(ValueError, match=r".*") as found:
        json.loads(text)
    return found.value


def record(error: BaseException | None, **fields: object) -> logging.LogRecord:
    exc_info = None if error is None else (type(error), error, error.__traceback__)
    made = logging.LogRecord("korproxy.leg", logging.ERROR, "", 0, "internal error", (), exc_info)
    made.fields = fields
    return made


def test_a_crash_is_kept_also_while_nothing_is_sent(at: Desk, sink: SentrySink) -> None:
    at.settings = TelemetrySettings(dsn=sink.dsn)
    at.desk.crashed(record(failing(), where="Leg._serve", request_id="kp1"))
    at.desk.close()
    (kept,) = at.kept.all()
    assert (kept.where, kept.request_id, kept.sent_at) == ("Leg._serve", "kp1", None)
    assert kept.links[-1].type == "JSONDecodeError"
    assert sink.envelopes == []


def test_where_a_person_wants_that_it_is_sent(at: Desk, sink: SentrySink) -> None:
    at.settings = TelemetrySettings(crash_reports=True, dsn=sink.dsn)
    at.desk.crashed(record(failing()))
    at.desk.close(30)
    (kept,) = at.kept.all()
    assert sink.events == [sentry_event(kept)]
    assert kept.sent_at == at.clock()
    assert CANARY not in str(sink.envelopes)


def test_without_an_address_nothing_goes_anywhere(at: Desk) -> None:
    at.settings = TelemetrySettings(crash_reports=True)
    assert at.desk.take(failing()) is not None


def test_the_wish_and_the_address_can_change_while_it_runs(at: Desk, sink: SentrySink) -> None:
    with SentrySink() as second:
        for where, wanted in ((sink, True), (second, True), (second, False)):
            at.settings = TelemetrySettings(crash_reports=wanted, dsn=where.dsn)
            at.desk.take(failing())
            at.clock.advance(SAME_S)
            if wanted:
                where.wait()
        at.desk.close(30)
        assert (len(sink.events), len(second.events)) == (1, 1)


def test_a_storm_of_the_same_is_one_report(at: Desk, sink: SentrySink) -> None:
    at.settings = TelemetrySettings(crash_reports=True, dsn=sink.dsn)
    kept = [at.desk.take(failing()) for _ in range(100)]
    assert [it for it in kept[1:] if it is not None] == []
    at.clock.advance(SAME_S)
    again = at.desk.take(failing())
    assert again is not None
    assert again.times == 2
    at.desk.close(30)
    assert len(sink.events) == 2


def test_a_storm_of_many_ends_too(at: Desk) -> None:
    kinds = [type(f"Kind{number}", (Exception,), {"__module__": "json"}) for number in range(200)]
    kept = [at.desk.take(kind()) for kind in kinds]
    assert sum(it is not None for it in kept) == MOST_REPORTS
    at.clock.advance(SAME_S)
    assert at.desk.take(kinds[-1]()) is not None, "a storm is over some time"


def test_an_error_of_ours_that_was_foreseen_is_no_crash(at: Desk) -> None:
    at.desk.crashed(record(KorProxyError(NO_ACCOUNT)))
    at.desk.crashed(record(None))
    assert at.kept.all() == ()
    at.desk.crashed(record(KorProxyError(INTERNAL)))
    assert len(at.kept.all()) == 1


def test_a_record_without_fields_is_known_by_its_component(at: Desk) -> None:
    made = record(failing())
    made.fields = "none at all"
    at.desk.crashed(made)
    (kept,) = at.kept.all()
    assert (kept.where, kept.request_id) == ("korproxy.leg", "")


def test_a_full_disk_does_not_keep_it_from_being_sent(
    at: Desk, sink: SentrySink, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(CrashReports, "save", full)
    at.settings = TelemetrySettings(crash_reports=True, dsn=sink.dsn)
    assert at.desk.take(failing()) is None
    at.desk.close(30)
    assert len(sink.events) == 1


def test_a_crash_report_is_never_the_next_crash(
    at: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(CANARY)

    monkeypatch.setattr(crash_desk, "crash_report", broken)
    with caplog.at_level(logging.WARNING, "korproxy.telemetry"):
        assert at.desk.take(failing()) is None
    assert [it.getMessage() for it in caplog.records] == ["crash report failed"]
    assert CANARY not in caplog.text


def test_a_server_that_refuses_leaves_the_report_unsent(
    at: Desk, sink: SentrySink, caplog: pytest.LogCaptureFixture
) -> None:
    sink.status = 500
    at.settings = TelemetrySettings(crash_reports=True, dsn=sink.dsn)
    at.desk.take(failing())
    at.desk.close(30)
    (kept,) = at.kept.all()
    assert kept.sent_at is None


def test_threads_may_all_crash_at_once(at: Desk) -> None:
    threads = [threading.Thread(target=at.desk.take, args=(failing(),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [it.times for it in at.kept.all()] == [1]


def write_settings(home: Path, text: str) -> None:
    (home / "config.yaml").write_text(f"version: 1\n{text}")
    (home / "config.yaml").chmod(0o600)


SETTINGS: dict[str, Callable[[str], str]] = {
    "on": lambda dsn: f"telemetry: {{crash_reports: true, dsn: '{dsn}'}}\n",
    "off": lambda dsn: f"telemetry: {{dsn: '{dsn}'}}\n",
    "broken": lambda dsn: f"telemetry: {{crash_reports: maybe, dsn: '{dsn}'}}\n",
}


@pytest.mark.parametrize(("name", "sent"), [("on", 1), ("off", 0), ("broken", 0)])
def test_what_ends_a_process_is_reported_as_its_settings_say(
    tmp_path: Path, sink: SentrySink, name: str, sent: int
) -> None:
    write_settings(tmp_path, SETTINGS[name](sink.dsn))
    report = report_and_wait(tmp_path, "command", failing())
    assert report is not None
    assert report.process == "command"
    if sent:
        until(lambda: CrashReports(tmp_path).all()[0].sent_at)
    assert len(sink.events) == sent


def test_a_folder_without_settings_gets_none_by_a_crash(tmp_path: Path) -> None:
    report_and_wait(tmp_path, "command", failing())
    assert [it.name for it in tmp_path.iterdir()] == [FOLDER]
