import json
import os
from pathlib import Path
from typing import Any

import pytest

from korproxy_addons.control.health import Health, RecordingHealth
from korproxy_addons.errors.catalogue import RECORDING_UNKNOWN
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.recordings import Recordings, Room
from korproxy_addons.recording.record import encode_recording
from launcher.actions import recorded
from launcher.actions.recorded import (
    clear_recordings,
    export_recordings,
    kept_recordings,
    recording_named,
    taken_up,
)
from launcher.actions.recording import RecordState
from launcher.actions.self_test_ports import Running
from launcher.actions.steps import Step
from support.har_format import faults
from support.recordings import recording

ROOM = Room(exchanges=100, bytes=10**8)


def keep(home: Path, number: int) -> str:
    made = recording(id=f"kp{number:028x}", request_id=f"request-{number}")
    Recordings(home).save(made.id, encode_recording(made), b"%d:flow," % number, ROOM)
    return made.id


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for number in (1, 2, 3):
        keep(tmp_path / "home", number)
    return tmp_path / "home"


def test_what_there_is_newest_first(home: Path) -> None:
    assert [it.request_id for it in recorded.recorded(home)] == [
        "request-3",
        "request-2",
        "request-1",
    ]
    assert [it.request_id for it in recorded.recorded(home, 2)] == ["request-3", "request-2"]
    assert kept_recordings(home).exchanges == 3
    assert clear_recordings(home) == 3
    assert recorded.recorded(home) == []


def test_one_is_named_or_the_newest(home: Path) -> None:
    assert recording_named(home, "request-1").request_id == "request-1"
    assert recording_named(home, None).request_id == "request-3"
    clear_recordings(home)
    with pytest.raises(KorProxyError, match="nothing has been recorded") as caught:
        recording_named(home, None)
    assert caught.value.spec is RECORDING_UNKNOWN


def test_flows_of_several_are_one_file(home: Path, tmp_path: Path) -> None:
    """Oldest first, each once, as mitmproxy writes them itself."""
    file = tmp_path / "out.flows"
    (written,) = export_recordings(home, ["request-3", "0001", "request-3"], flows=file)
    assert file.read_bytes() == b"1:flow,3:flow,"
    assert (written.kind, written.exchanges, written.file) == ("flows", 2, file)
    Recordings(home).flow_path(f"kp{2:028x}").unlink()
    (written,) = export_recordings(home, (), flows=file)
    assert (file.read_bytes(), written.exchanges) == (b"1:flow,3:flow,", 2)


def test_both_kinds_can_be_written_at_once(home: Path, tmp_path: Path) -> None:
    flows, har = tmp_path / "a.flows", tmp_path / "a.har"
    written = export_recordings(home, (), flows=flows, har=har)
    assert [(it.kind, it.exchanges) for it in written] == [("flows", 3), ("har", 3)]
    archive = json.loads(har.read_text())
    assert faults(archive) == []
    assert [it["id"][-1] for it in archive["log"]["pages"]] == ["1", "2", "3"]
    if os.name == "posix":
        assert flows.stat().st_mode & 0o077 == har.stat().st_mode & 0o077 == 0


def test_one_that_cannot_be_read_keeps_nobody_from_exporting_all(
    home: Path, tmp_path: Path
) -> None:
    (Recordings(home).folder / f"kp{2:028x}.json").write_text("{")
    (written,) = export_recordings(home, (), har=tmp_path / "a.har")
    assert written.exchanges == 2
    with pytest.raises(KorProxyError):
        export_recordings(home, [f"kp{2:028x}"], har=tmp_path / "b.har")


def test_each_recording_is_a_step_for_each_file(home: Path, tmp_path: Path) -> None:
    told: list[Step] = []
    flows, har = tmp_path / "a.flows", tmp_path / "a.har"
    export_recordings(home, (), flows=flows, har=har, on_step=told.append)
    assert [it for it in told if it.done] == [
        *(Step(done, 6, "flows") for done in (1, 2, 3)),
        *(Step(done, 6, "archive") for done in (3, 4, 5, 6)),
    ]
    told.clear()
    export_recordings(home, ["request-1"], har=har, on_step=told.append)
    assert told[-1] == Step(1, 1, "archive")


def test_what_is_not_there_is_not_exported(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "out.flows"
    with pytest.raises(KorProxyError, match="request-9"):
        export_recordings(home, ["request-9"], flows=file)
    clear_recordings(home)
    with pytest.raises(KorProxyError, match="nothing has been recorded"):
        export_recordings(home, (), flows=file)
    assert not file.exists()


ON = RecordState(on=True, until_at=2000.0)
OFF = RecordState(on=False)


def health(until_at: float | None) -> Health:
    return Health(
        status="ok", version="1", instance="i", started_at=0.0, uptime_s=0.0, in_flight=0, draining=False,
        accounts_configured=0, config_problems=(), accounts=(),
        recording=None if until_at is None else RecordingHealth(until_at=until_at),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("state", "said", "expected"),
    [
        (ON, [health(2000.0)], True),
        (ON, [health(None), health(1000.0), health(2000.0)], True),
        (OFF, [health(2000.0), health(None)], True),
        (ON, [None], None),
        (ON, [health(None), None], None),
    ],
)
def test_the_gateway_is_asked_until_it_does_as_the_switch_says(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    state: RecordState,
    said: list[Any],
    expected: bool | None,
) -> None:
    answers = iter(said)
    monkeypatch.setattr(recorded, "find_running", lambda *_: Running(False, None, next(answers), 1))
    monkeypatch.setattr(recorded, "_LOOK_S", 0.0)
    assert taken_up(tmp_path, state) is expected
    assert list(answers) == []


def test_it_is_not_waited_for_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded, "find_running", lambda *_: Running(False, None, health(None), 1))
    assert taken_up(tmp_path, ON, patience_s=-1.0) is False


def test_it_works_with_a_config_that_cannot_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.yaml").write_text("version: 99\n")
    ports: list[int] = []

    def look(_home: Path, config: Any) -> Running:
        ports.append(config.listen.port)
        return Running(False, None, None, 1)

    monkeypatch.setattr(recorded, "find_running", look)
    assert taken_up(tmp_path, ON) is None
    assert ports == [1337]
