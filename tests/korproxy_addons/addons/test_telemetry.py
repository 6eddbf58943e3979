import json
import logging
import threading
from pathlib import Path

import pytest

from korproxy_addons.addons.journal import Journal
from korproxy_addons.addons.telemetry import Telemetry
from korproxy_addons.config.store import ConfigStore
from korproxy_addons.io.crash_reports import CrashReports
from korproxy_addons.recording.redact import Redactor

CANARY = "canary-of-a-thread-11ab"
log = logging.getLogger("korproxy.leg")


class Running:
    """Log and crash reports of a folder, as in the gateway."""

    def __init__(self, home: Path, *, own_process: bool) -> None:
        store = ConfigStore(home)
        store.load()
        self.telemetry = Telemetry(home, store, own_process=own_process)
        self.journal = Journal(
            home,
            store,
            Redactor(),
            own_process=own_process,
            terminal=False,
            crashed=self.telemetry.desk.crashed,
        )
        self.telemetry.load(None)
        self.journal.load(None)

    def end(self) -> None:
        self.journal.closing.done()
        self.telemetry.done()


def fail() -> None:
    json.loads(CANARY)


def test_what_nobody_expected_is_reported_by_the_log(tmp_path: Path) -> None:
    running = Running(tmp_path, own_process=True)
    try:
        fail()
    except ValueError:
        log.exception("internal error", extra={"fields": {"request_id": "kp1", "where": "Leg"}})
    running.end()
    (report,) = CrashReports(tmp_path).all()
    assert (report.process, report.where, report.request_id) == ("gateway", "Leg", "kp1")


@pytest.mark.parametrize(("own_process", "reports"), [(True, 1), (False, 0)])
def test_a_thread_that_fails_is_reported_where_the_process_is_ours(
    tmp_path: Path, own_process: bool, reports: int
) -> None:
    heard: list[threading.ExceptHookArgs] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading, "excepthook", heard.append)
        running = Running(tmp_path, own_process=own_process)
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
        running.end()
        assert threading.excepthook == heard.append
    assert len(CrashReports(tmp_path).all()) == reports
    assert len(heard) == 1 - reports
    heard.clear()
    assert CANARY not in "".join(it.read_text() for it in tmp_path.rglob("*") if it.is_file())


def test_a_thread_that_ends_itself_is_no_crash(tmp_path: Path) -> None:
    running = Running(tmp_path, own_process=True)
    args = threading.ExceptHookArgs((SystemExit, SystemExit(), None, None))
    threading.excepthook(args)
    running.end()
    assert CrashReports(tmp_path).all() == ()
