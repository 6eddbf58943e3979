import json
from pathlib import Path

import pytest

from korproxy_addons.io.recordings import Recordings, Room
from korproxy_addons.recording.record import encode_recording
from launcher.actions import recorded
from launcher.actions.recording import recording_state
from launcher.cli import run
from support.command import Output, called, failed, printed
from support.gateway import free_port
from support.recordings import recording

ROOM = Room(exchanges=100, bytes=10**8)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder whose gateway does not run."""
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    (folder / "config.yaml").write_text(f"version: 1\nlisten: {{port: {free_port()}}}\n")
    (folder / "config.yaml").chmod(0o600)
    return folder


def keep(home: Path, number: int, **changed: object) -> str:
    made = recording(id=f"kp{number:028x}", request_id=f"request-{number}", **changed)
    Recordings(home).save(made.id, encode_recording(made), b"", ROOM)
    return made.id


def test_it_is_turned_on_and_off(home: Path, capsys: Output) -> None:
    found = called(home, capsys, "record", "on", "--minutes", "5", "--tool", "codex", "--shapes")
    state = recording_state(home)
    assert found["recording"] == {
        "on": True,
        "until_at": state.until_at,
        "tool": "codex",
        "shapes": True,
    }
    assert found["gateway"] == "not running"
    assert called(home, capsys, "record", "status")["recording"]["tool"] == "codex"
    found = called(home, capsys, "record", "off")
    assert (found["recording"]["on"], found["kept"]) == (False, {"exchanges": 0, "bytes": 0})
    assert not recording_state(home).on


def test_a_person_reads_what_is_recorded_until_when(home: Path, capsys: Output) -> None:
    text = printed(home, capsys, "record", "on")
    assert text.startswith("● Recording until ")
    assert "of every tool, with content, secrets taken out." in text
    assert "No gateway runs for this folder; the next one records." in text
    assert "korproxy record off" in text
    assert "of every tool" in printed(home, capsys, "record", "status")
    text = printed(home, capsys, "record", "on", "--tool", "aider", "--shapes")
    assert "of aider, what bodies are like." in text
    keep(home, 1)
    text = printed(home, capsys, "record", "off")
    assert text.startswith("Nothing is recorded any more.\n1 exchange kept, 0.0 MB.")
    keep(home, 2)
    text = printed(home, capsys, "record", "status")
    assert text.startswith("Nothing is recorded. Begin with: korproxy record on\n2 exchanges kept")


@pytest.mark.parametrize(
    ("taken", "said"),
    [(True, "The gateway that runs does so."), (False, "has not taken that up yet")],
)
def test_a_person_reads_whether_the_gateway_does_so(
    home: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch, taken: bool, said: str
) -> None:
    monkeypatch.setattr(recorded, "taken_up", lambda *_: taken)
    assert said in printed(home, capsys, "record", "on")
    assert ("has not taken that up yet" in printed(home, capsys, "record", "off")) is not taken


@pytest.mark.parametrize("minutes", ["0", "-1", "1441", "x"])
def test_a_time_that_makes_no_sense_is_refused(home: Path, capsys: Output, minutes: str) -> None:
    code, _ = failed(home, capsys, "record", "on", "--minutes", minutes)
    assert code == 2
    assert not recording_state(home).on


def test_the_list_is_short(home: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which tool asked for what, who answered, and how it went; within 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    assert "Nothing has been recorded" in printed(home, capsys, "record", "list")
    keep(home, 1)
    keep(home, 2, attempts=(), operation="models", requested_model="", outcome="error", tool="")
    keep(home, 3, outcome="client_gone", operation="count_tokens")
    text = printed(home, capsys, "record", "list", "--last", "3")
    assert max(map(len, text.splitlines())) <= 80
    head, third, second, first, *_ = [it for it in text.splitlines() if it[:1].strip()]
    assert head.split() == ["id", "time", "tool", "asked", "for", "by", "status", "took"]
    assert first.split()[0] == "00000001"
    assert ("claude-code" in first, "codex" in first, "200" in first) == (True, True, True)
    assert ("models" in second, "KorProxy" in second) == (True, True)
    assert ("left" in third, "count_tokens" in third) == (True, True)
    (only,) = called(home, capsys, "record", "list", "--last", "1")["recordings"]
    assert (only["id"], only["status"], only["attempts"]) == (f"kp{3:028x}", 200, 2)
    assert only["answered_by"] == "codex/gpt-6"


def test_a_list_has_one_line_for_each_however_long_names_are(
    home: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a narrow terminal the upstream's model stands in `record show` alone."""
    keep(home, 1)
    keep(home, 2, requested_model="anthropic/claude-sonnet-5-5-that-is-long-as-names-go")
    monkeypatch.setenv("COLUMNS", "80")
    lines = printed(home, capsys, "record", "list").splitlines()
    assert [it.split()[0] for it in lines] == ["id", "00000002", "00000001", "`korproxy"]
    assert all(len(it) <= 80 for it in lines)
    assert "gpt-6" not in lines[2]
    monkeypatch.setenv("COLUMNS", "140")
    head, _, first, _ = printed(home, capsys, "record", "list").splitlines()
    assert "answered by" in head
    assert "codex/gpt-6" in first


def test_a_tool_that_nobody_knows_is_recorded_and_questioned(home: Path, capsys: Output) -> None:
    found = called(home, capsys, "record", "on", "--tool", "codx")
    assert found["recording"]["tool"] == "codx"
    assert "Did you mean codex-cli?" in found["note"]
    assert "! No tool is known as codx" in printed(home, capsys, "record", "on", "--tool", "codx")
    assert called(home, capsys, "record", "on", "--tool", "Claude Code")["note"] == ""
    assert recording_state(home).tool == "claude-code"


def test_one_is_shown(home: Path, capsys: Output) -> None:
    keep(home, 1)
    keep(home, 2)
    assert "request id  request-2" in printed(home, capsys, "record", "show")
    text = printed(home, capsys, "record", "show", "request-1")
    assert "request id  request-1" in text
    assert "Attempt 2: sent on to Second (codex/gpt-6)" in text
    found = called(home, capsys, "record", "show", "00000001")["recording"]
    assert (found["request_id"], found["attempts"][0]["reply"]["status"]) == ("request-1", 503)
    code, text = failed(home, capsys, "record", "show", "nobody")
    assert (code, "KP-SYS-535" in text) == (1, True)


def test_files_are_written(home: Path, capsys: Output, tmp_path: Path) -> None:
    keep(home, 1)
    flows, har = tmp_path / "a.flows", tmp_path / "a.har"
    text = printed(home, capsys, "record", "export", "--flows", str(flows), "--har", str(har))
    assert "Open it with: mitmweb -n -r FILE" in text
    assert "Look before you give it away." in text
    assert len(json.loads(har.read_text())["log"]["entries"]) == 3
    found = called(home, capsys, "record", "export", "request-1", "--har", str(har))
    assert found == {"written": [{"file": str(har), "kind": "har", "exchanges": 1}]}


def test_a_person_sees_how_far_an_export_is(
    home: Path, capsys: Output, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(home, 1)
    keep(home, 2)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    command = ["record", "export", "--har", str(tmp_path / "a.har"), "--home", str(home)]
    assert run([*command, "--json"]) == 0
    assert capsys.readouterr().err == ""
    assert run(command) == 0
    assert "2/2 archive" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_told(home: Path, capsys: Output, tmp_path: Path) -> None:
    keep(home, 1)
    code, text = failed(home, capsys, "record", "export", "--har", str(tmp_path / "no" / "a.har"))
    assert (code, "No such file or directory" in text) == (2, True)
    code, text = failed(home, capsys, "record", "export")
    assert (code, "--flows FILE, --har FILE or both" in text) == (2, True)


def test_all_of_it_is_deleted(home: Path, capsys: Output) -> None:
    assert printed(home, capsys, "record", "clear") == "There was nothing to delete.\n"
    keep(home, 1)
    keep(home, 2)
    assert printed(home, capsys, "record", "clear") == "2 exchanges deleted.\n"
    assert called(home, capsys, "record", "clear") == {"deleted": 0}


def test_a_gateway_that_does_not_run_is_no_hindrance(home: Path, capsys: Output) -> None:
    """Where no launcher runs, the state of the switch is told all the same."""
    called(home, capsys, "record", "on")
    assert run(["status", "--home", str(home)]) == 1
    assert "● recording what passes until " in capsys.readouterr().out
    assert run(["status", "--home", str(home), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["recording"]["on"] is True
