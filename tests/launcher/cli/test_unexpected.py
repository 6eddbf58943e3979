from pathlib import Path

import pytest

from korproxy_addons.io.crash_reports import CrashReports
from launcher.cli import run, version
from launcher.cli.unexpected import process_of, unexpected

CANARY = "canary-in-what-a-command-raised-0123456789"


def failed() -> Exception:
    with pytest.raises(ValueError, match="planted") as found:
        raise ValueError(f"planted {CANARY}")
    return found.value


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KORPROXY_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_what_it_was_and_its_report_are_named(home: Path) -> None:
    found = unexpected(failed(), ["quota"])
    (report,) = CrashReports(home).all()
    assert found.spec.code == "KP-SYS-501"
    assert str(CrashReports(home).path_of(report)) in found.detail
    assert "ValueError" in found.detail
    assert report.process == "command"
    written = [it.read_text() for it in home.rglob("*") if it.is_file()]
    assert [it for it in (*written, found.detail) if "planted" in it or CANARY in it] == []


def test_a_folder_that_cannot_be_written_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KORPROXY_HOME", str(tmp_path / "file"))
    assert "could not be written" in unexpected(failed(), []).detail


@pytest.mark.parametrize(
    ("arguments", "process"),
    [
        ([], "launcher"),
        (["run", "--port", "0"], "launcher"),
        (["tray"], "launcher"),
        (["--help"], "launcher"),
        (["logs", "run"], "command"),
    ],
)
def test_which_process_it_was(arguments: list[str], process: str) -> None:
    assert process_of(arguments) == process


def test_a_person_sees_no_traceback(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise failed()

    monkeypatch.setattr(version, "show", fail)
    assert run(["version"]) == 1
    shown = capsys.readouterr().err
    assert shown.startswith("KP-SYS-501")
    assert "Traceback" not in shown
    assert CANARY not in shown
    assert len(CrashReports(home).all()) == 1


@pytest.mark.parametrize(
    "words", [("--home", "{}"), ("--home={}",), ("--home=/other", "--home={}")]
)
def test_the_report_is_kept_in_the_folder_that_the_command_works_on(
    home: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """There `korproxy telemetry show --home` finds it, and that folder's settings say whether it is sent."""
    other = tmp_path / "other"
    found = unexpected(failed(), ["quota", *(it.format(other) for it in words)])
    assert len(CrashReports(other).all()) == 1
    assert str(other) in found.detail
    assert not home.exists()
