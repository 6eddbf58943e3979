import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from korproxy_addons.io.sentry import SentrySender
from korproxy_addons.recording.crash import Machine, crash_report, sentry_event
from support.needs import ROOT
from support.sentry_sink import SentrySink

CANARY = "canary-on-its-way-to-a-crash-report-31c9"
MACHINE = Machine(release="1.2.3", python="3.13.1", system="Linux", system_version="6.1")


@pytest.fixture
def sink() -> Iterator[SentrySink]:
    with SentrySink() as running:
        yield running


def event() -> dict[str, Any]:
    try:
        json.loads(CANARY)
    except ValueError as error:
        report = crash_report(error, MACHINE, report_id="ab" * 16, at=1.8e9, process="gateway")
    return sentry_event(report)


class Sent:
    """A sender, and what it told."""

    def __init__(self, dsn: str) -> None:
        self.told: list[tuple[str, str]] = []
        self.sender = SentrySender(dsn, lambda report, wrong: self.told.append((report, wrong)))


def test_what_arrives_is_what_was_handed_over_and_nothing_beside(
    sink: SentrySink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the environment would have the library do."""
    for name in ("SENTRY_RELEASE", "SENTRY_ENVIRONMENT", "SENTRY_DSN", "SENTRY_DEBUG"):
        monkeypatch.setenv(name, CANARY)
    monkeypatch.setenv("SENTRY_SPOTLIGHT", f"{sink.dsn}/spotlight")
    sent = Sent(sink.dsn)
    sent.sender.send(event())
    sent.sender.close(30)
    (envelope,) = sink.envelopes
    assert sink.events == [event()]
    assert envelope.path == "/api/7/envelope/"
    assert envelope.head.keys() == {"event_id", "sent_at"}
    assert [head.keys() - {"type", "length", "content_type"} for head, _ in envelope.items] == [
        set()
    ]
    assert envelope.fields.keys() <= {
        "host", "user-agent", "accept-encoding", "content-type", "content-encoding", "content-length", "x-sentry-auth",
    }  # fmt: skip
    assert CANARY not in str(envelope)
    assert sent.told == [("ab" * 16, "")]


def test_what_somebody_puts_into_an_event_stays_here(sink: SentrySink) -> None:
    sent = Sent(sink.dsn)
    more = {
        "message": CANARY, "user": {"id": CANARY}, "server_name": CANARY, "extra": {"x": CANARY},
        "breadcrumbs": {"values": [{"message": CANARY}]}, "request": {"url": CANARY}, "logentry": {"message": CANARY},
        "modules": {CANARY: "1"}, "environment": CANARY, "fingerprint": [CANARY],
    }  # fmt: skip
    sent.sender.send(event() | more)
    sent.sender.close(30)
    assert sink.events == [event()]
    assert CANARY not in str(sink.envelopes)


def test_what_is_no_crash_is_never_sent(sink: SentrySink) -> None:
    sent = Sent(sink.dsn)
    sent.sender.send({"type": "transaction", "transaction": CANARY, "contexts": {"trace": {}}})
    sent.sender.send(event())
    sent.sender.close(30)
    assert len(sink.envelopes) == 1


@pytest.mark.parametrize(
    ("status", "wrong"), [(500, "status_500"), (403, "status_403"), (429, "status_429")]
)
def test_a_server_that_refuses_is_told(sink: SentrySink, status: int, wrong: str) -> None:
    sink.status = status
    sent = Sent(sink.dsn)
    sent.sender.send(event())
    sent.sender.close(30)
    assert sent.told == [("ab" * 16, wrong)]


def test_a_server_that_is_not_there_is_told() -> None:
    with SentrySink() as gone:
        dsn = gone.dsn
    sent = Sent(dsn)
    sent.sender.send(event())
    sent.sender.close(30)
    assert sent.told == [("ab" * 16, "network")]


def test_what_is_no_address_is_said() -> None:
    with pytest.raises(ValueError, match=r".+"):
        SentrySender("https://nowhere.example/x", lambda *_: None)


def test_the_library_is_loaded_only_where_something_is_sent() -> None:
    program = (
        "import sys, korproxy_addons.io.crash_desk, korproxy_addons.addons\n"
        "sys.exit('sentry_sdk' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


def test_a_program_that_sends_is_otherwise_left_as_it_was(sink: SentrySink) -> None:
    """No hook for exceptions, no wrapped library: it looks at nothing but what it is given."""
    program = f"""
import http.client, logging, subprocess, sys, threading
from korproxy_addons.io.sentry import SentrySender
places = lambda: (sys.excepthook, threading.excepthook, threading.Thread.start, threading.Thread.run,
                  http.client.HTTPConnection.putrequest, subprocess.Popen.__init__, logging.Logger.callHandlers)
before = places()
SentrySender({sink.dsn!r}, lambda *_: None).close(0)
sys.exit(places() != before)
"""
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0
