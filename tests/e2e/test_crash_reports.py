"""A crash in a real gateway: its report stays here, is sent only where a person wants that, and holds no word of theirs."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from korproxy_addons.io.crash_reports import CrashReports
from launcher.actions.telemetry import outgoing
from support.asking import ask, question
from support.gateway import GatewayProcess, SimulatedGateway
from support.planted import CANARY as EXCEPTION_TEXT
from support.sentry_sink import SentrySink
from support.waiting import until

pytestmark = pytest.mark.e2e

PROMPT = "canary-prompt-before-a-crash-51b0"
KEY = "canary-key-before-a-crash-51b1"
HOSTILE = {
    "SENTRY_DSN": "http://x@127.0.0.1:9/1",
    "SENTRY_ENVIRONMENT": PROMPT,
    "SENTRY_RELEASE": KEY,
}
PLACE = "korproxy_addons.gateway.reply_road:ReplyRoad.hold"


class PlantedGateway(GatewayProcess):
    """A gateway in which every reply that was read is an internal error."""

    def __init__(self, home: Path) -> None:
        command = [
            sys.executable, "-m", "support.planted", PLACE, "--home", str(home), "--port", "0", "--ready-json", "--quiet",
        ]  # fmt: skip
        super().__init__(home, command, {"PYTHONPATH": str(Path(__file__).parents[1]), **HOSTILE})


@pytest.fixture
def sink() -> Iterator[SentrySink]:
    with SentrySink() as running:
        yield running


def crash(home: Path, telemetry: dict[str, Any]) -> str:
    """A request that ends in a crash; its correlation id, after the gateway has ended."""
    with SimulatedGateway(home, {"telemetry": telemetry}, PlantedGateway) as running:
        asked = question("anthropic-messages", "claude-sonnet-5-5", PROMPT)
        reply = ask(running.url, asked, **{"x-odd-key": KEY})
        assert reply.headers["x-korproxy-error"] == "KP-SYS-501"
        sent = bool(telemetry.get("crash_reports"))
        until(lambda: [it for it in CrashReports(home).all() if not sent or it.sent_at])
        running.gateway.stop()
        assert "Traceback" not in running.gateway.errors
    return reply.headers["x-korproxy-request-id"]


def test_a_crash_is_kept_here_and_nothing_is_sent(tmp_path: Path, sink: SentrySink) -> None:
    request_id = crash(tmp_path, {"dsn": sink.dsn})
    (report,) = CrashReports(tmp_path).all()
    assert (report.process, report.code, report.request_id) == ("gateway", "KP-SYS-501", request_id)
    assert report.sent_at is None
    assert any(it.module.startswith("korproxy_addons.gateway") for it in report.links[-1].frames)
    assert sink.envelopes == []
    text = CrashReports(tmp_path).path_of(report).read_text()
    assert [it for it in (EXCEPTION_TEXT, PROMPT, KEY, str(tmp_path)) if it in text] == []


def test_where_a_person_wants_that_it_is_sent_and_is_what_is_shown(
    tmp_path: Path, sink: SentrySink
) -> None:
    request_id = crash(tmp_path, {"dsn": sink.dsn, "crash_reports": True})
    assert sink.wait() == list(outgoing(tmp_path).events)
    (envelope,) = sink.envelopes
    assert len(envelope.items) == 1
    everything = f"{envelope.raw.decode()} {json.dumps(envelope.fields)} {envelope.path}"
    secret = (EXCEPTION_TEXT, PROMPT, KEY, request_id, str(tmp_path), str(Path.home()))
    assert [it for it in secret if it in everything] == []
    assert CrashReports(tmp_path).all()[0].sent_at is not None
