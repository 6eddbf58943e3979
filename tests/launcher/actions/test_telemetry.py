import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from korproxy_addons.config.problems import ConfigProblems
from korproxy_addons.config.store import ConfigStore
from korproxy_addons.errors.catalogue import CONFIG_MISSING_FIELD, TELEMETRY_NOT_SENT
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.crash_desk import CrashDesk, telemetry_settings
from korproxy_addons.io.crash_reports import CrashReports
from korproxy_addons.recording.crash import allowed
from launcher.actions import telemetry as module
from launcher.actions.telemetry import clear, outgoing, send_test, telemetry, turn_off, turn_on
from support.sentry_sink import SentrySink


@pytest.fixture
def sink() -> Iterator[SentrySink]:
    with SentrySink() as running:
        yield running


def crash(home: Path) -> None:
    desk = CrashDesk(home, "gateway", lambda: telemetry_settings(home))
    try:
        json.loads("{")
    except ValueError as error:
        desk.take(error, request_id="kp1")
    desk.close(30)


def test_nothing_is_sent_until_a_person_says_so(tmp_path: Path, sink: SentrySink) -> None:
    """And what lies here from before is not sent then either."""
    found = telemetry(tmp_path)
    assert (found.on, found.host, found.kept) == (False, None, ())
    crash(tmp_path)
    turned = turn_on(tmp_path, sink.dsn)
    assert (turned.on, turned.host) == (True, "127.0.0.1")
    (kept,) = turned.kept
    assert (kept.process, kept.request_id, kept.times, kept.sent_at) == ("gateway", "kp1", 1, None)
    assert Path(kept.file).exists()
    assert sink.envelopes == []
    crash(tmp_path)
    assert len(sink.events) == 1
    assert telemetry(tmp_path).kept[0].sent_at is not None
    assert not turn_off(tmp_path).on
    crash(tmp_path)
    assert len(sink.events) == 1


def test_the_address_is_remembered(tmp_path: Path, sink: SentrySink) -> None:
    turn_on(tmp_path, sink.dsn)
    turn_off(tmp_path)
    turn_off(tmp_path)
    assert ConfigStore(tmp_path).load().telemetry.dsn == sink.dsn
    assert turn_on(tmp_path).on


def test_without_an_address_it_cannot_be_turned_on(tmp_path: Path) -> None:
    with pytest.raises(KorProxyError) as found:
        turn_on(tmp_path)
    assert found.value.spec is CONFIG_MISSING_FIELD
    with pytest.raises(ConfigProblems):
        turn_on(tmp_path, "nonsense")
    assert not telemetry(tmp_path).on


def test_what_is_shown_is_what_is_sent(tmp_path: Path, sink: SentrySink) -> None:
    turn_on(tmp_path, sink.dsn)
    crash(tmp_path)
    shown = outgoing(tmp_path)
    assert (shown.on, shown.example) == (True, False)
    assert list(shown.events) == sink.events
    assert allowed(sink.events[0]) == sink.events[0]


def test_where_there_is_none_an_example_is_shown(tmp_path: Path) -> None:
    shown = outgoing(tmp_path)
    assert (shown.on, shown.host, shown.example) == (False, None, True)
    (event,) = shown.events
    assert event["exception"]["values"][0]["type"] == "TelemetryTest"


def test_a_test_report_says_whether_it_arrived(tmp_path: Path, sink: SentrySink) -> None:
    turn_on(tmp_path, sink.dsn)
    sent = send_test(tmp_path)
    assert list(sent.events) == sink.events
    assert CrashReports(tmp_path).all() == ()
    sink.status = 403
    with pytest.raises(KorProxyError) as refused:
        send_test(tmp_path)
    assert refused.value.spec is TELEMETRY_NOT_SENT
    assert "status_403" in refused.value.detail
    turn_off(tmp_path)
    with pytest.raises(KorProxyError, match="are off"):
        send_test(tmp_path)
    assert len(sink.envelopes) == 2


def test_a_server_that_says_nothing_is_not_waited_for_long(
    tmp_path: Path, sink: SentrySink, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Silent:
        def __init__(self, *_: object) -> None: ...
        def send(self, _event: object) -> None: ...
        def close(self, _wait_s: float) -> None: ...

    turn_on(tmp_path, sink.dsn)
    monkeypatch.setattr(module, "SentrySender", Silent)
    with pytest.raises(KorProxyError, match="no answer within"):
        send_test(tmp_path)


def test_kept_reports_can_be_removed(tmp_path: Path) -> None:
    crash(tmp_path)
    assert clear(tmp_path) == 1
    assert telemetry(tmp_path).kept == ()


def test_a_broken_configuration_is_no_reason_not_to_look(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("version: [")
    view = telemetry(tmp_path)
    assert (view.on, view.host) == (False, None)
