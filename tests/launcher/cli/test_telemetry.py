import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from korproxy_addons.io.crash_desk import report_and_wait
from launcher.cli import run
from support.sentry_sink import SentrySink


@pytest.fixture
def sink() -> Iterator[SentrySink]:
    with SentrySink() as running:
        yield running


def crash(home: Path) -> None:
    try:
        json.loads("{")
    except ValueError as error:
        report_and_wait(home, "gateway", error)


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.split())


def test_a_person_is_told_how_things_stand(
    tmp_path: Path, sink: SentrySink, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--home", str(tmp_path)]
    assert run(["telemetry", "status", *where]) == 0
    assert said(capsys).startswith("Crash reports are off: nothing is sent. None is kept")
    assert run(["telemetry", "on", "--dsn", sink.dsn, *where]) == 0
    assert "are on: they are sent to 127.0.0.1" in said(capsys)
    crash(tmp_path)
    assert run(["telemetry", "status", *where]) == 0
    shown = said(capsys)
    assert "JSONDecodeError in json.decoder" in shown
    assert str(tmp_path / "crashes") in shown
    assert run(["telemetry", "test", *where]) == 0
    assert "has arrived at 127.0.0.1" in said(capsys)
    assert run(["telemetry", "off", *where]) == 0
    assert "nothing is sent. They would go to 127.0.0.1." in said(capsys)
    assert run(["telemetry", "test", *where]) == 1
    assert "KP-SYS-540" in capsys.readouterr().err
    assert run(["telemetry", "clear", *where]) == 0
    assert said(capsys) == "Removed: 1."


def test_what_would_be_sent_is_printed_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--home", str(tmp_path)]
    assert run(["telemetry", "show", *where]) == 0
    assert said(capsys).startswith("An example (no address is set): {")
    crash(tmp_path)
    assert run(["telemetry", "show", *where]) == 0
    head, _, event = capsys.readouterr().out.partition("\n")
    assert head.startswith("All that would be sent, if you turned it on")
    assert run(["telemetry", "show", "--json", *where]) == 0
    assert json.loads(capsys.readouterr().out)["events"] == [json.loads(event)]


def test_on_needs_an_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["telemetry", "on", "--home", str(tmp_path), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "KP-CONF-202"
