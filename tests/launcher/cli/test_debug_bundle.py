"""`korproxy debug-bundle`: what is written, what is asked, what is refused."""

import json
import zipfile
from pathlib import Path

import pytest

from launcher.actions.bundle import STEPS
from launcher.actions.checks import Check
from launcher.actions.self_test import Looked
from launcher.actions.self_test_config import find_config
from launcher.actions.self_test_ports import Running
from launcher.cli import run
from support.bundled import health, looked

type Output = pytest.CaptureFixture[str]

TAKEN = Check(name="port", result="fail", detail="1337 is taken", remedy=("End it.",))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to be in, with a KorProxy folder in it; nobody is at the terminal."""

    def look(home: Path, **_words: object) -> Looked:
        return looked(TAKEN, config=find_config(home))

    monkeypatch.setattr("launcher.actions.bundle.self_test", look)
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KORPROXY_HOME", str(tmp_path / "kp"))
    (tmp_path / "kp").mkdir(mode=0o700)
    return tmp_path


def written(folder: Path) -> list[str]:
    return sorted(it.name for it in folder.glob("*.zip"))


def test_a_script_gets_its_file_and_what_looks_wrong(here: Path, capsys: Output) -> None:
    assert run(["debug-bundle", "--yes"]) == 0
    (name,) = written(here)
    assert name.startswith("korproxy-bundle-")
    said = capsys.readouterr().out
    assert (
        "What looks wrong: The gateway's port is not to be had.\n  1337 is taken\n  > End it.\n"
        in said
    )
    assert f"Written: {here / name}\n" in said
    assert "Nothing was sent anywhere" in said


def test_the_earlier_apps_scripts_name_a_file_and_need_say_no_more(here: Path) -> None:
    assert run(["debug-bundle", "--output", "a.zip"]) == 0
    with zipfile.ZipFile(here / "a.zip") as archive:
        assert archive.namelist()[0] == "SUMMARY.md"


def test_a_folder_takes_a_file_whose_name_says_when(here: Path) -> None:
    (here / "out").mkdir()
    assert run(["debug-bundle", "-o", "out"]) == 0
    assert written(here / "out")[0].startswith("korproxy-bundle-")


def test_uploading_is_refused_and_nothing_is_written(here: Path, capsys: Output) -> None:
    assert run(["debug-bundle", "--output", "a.zip", "--upload"]) == 2
    said = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert "nothing is ever uploaded" in said
    assert written(here) == []


def test_where_nobody_can_look_through_it_somebody_must_have_said_so(
    here: Path, capsys: Output
) -> None:
    assert run(["debug-bundle"]) == 2
    assert "--yes" in capsys.readouterr().err
    assert written(here) == []


def test_a_program_is_asked_nothing_and_must_have_said_so(
    here: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    assert run(["debug-bundle", "--json"]) == 2
    assert written(here) == []
    assert run(["debug-bundle", "--json", "--yes"]) == 0
    assert json.loads(capsys.readouterr().out)["file"] == str(here / written(here)[0])


def test_a_look_writes_nothing(here: Path, capsys: Output) -> None:
    assert run(["debug-bundle", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "SUMMARY.md" in said
    assert "manifest.json lists them" in said
    assert "Written" not in said
    assert written(here) == []


def test_a_part_can_be_left_out(here: Path, capsys: Output) -> None:
    assert run(["debug-bundle", "-o", "a.zip", "--without", "vault.json", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["left_out"] == ["vault.json"]
    assert told["file"] == "a.zip"
    assert told["findings"][0]["name"] == "The gateway's port is not to be had"
    with zipfile.ZipFile(here / "a.zip") as archive:
        assert {it["name"] for it in told["files"]} == set(archive.namelist()) - {"manifest.json"}
        assert "vault.json" not in archive.namelist()


def test_a_part_that_is_not_there_is_a_slip(here: Path, capsys: Output) -> None:
    assert run(["debug-bundle", "-o", "a.zip", "--without", "nope"]) == 2
    assert "vault.json" in capsys.readouterr().err
    assert written(here) == []


def test_a_recording_that_is_not_there_is_an_error(here: Path, capsys: Output) -> None:
    assert run(["debug-bundle", "-o", "a.zip", "--recording", "nope"]) == 1
    assert "nope" in capsys.readouterr().err


def test_the_owner_is_told_who_is_who_the_file_does_not_say_it(here: Path, capsys: Output) -> None:
    text = "version: 1\naccounts:\n  - {id: janes, provider: codex, secret: env:A}\n"
    (here / "kp" / "config.yaml").write_text(text)
    (here / "kp" / "config.yaml").chmod(0o600)
    assert run(["debug-bundle", "-o", "a.zip"]) == 0
    said = capsys.readouterr().out
    with zipfile.ZipFile(here / "a.zip") as archive:
        everything = b"".join(archive.read(it) for it in archive.namelist())
    assert b"janes" not in everything
    assert "account-1: janes" in said


def test_a_person_looks_through_it_first(
    here: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("launcher.cli.bundle_review.review", lambda *_: None)
    assert run(["debug-bundle"]) == 1
    assert capsys.readouterr().out == "Nothing was written.\n"
    assert written(here) == []
    monkeypatch.setattr("launcher.cli.bundle_review.review", lambda *_: ("vault.json",))
    assert run(["debug-bundle", "-o", "a.zip"]) == 0
    with zipfile.ZipFile(here / "a.zip") as archive:
        assert "vault.json" not in archive.namelist()


def test_where_nothing_is_wrong_that_is_said(
    here: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(_home: Path, **_words: object) -> Looked:
        young = health(started_at=4_000_000_000.0)
        return looked(running=Running(True, {}, young, 1337))

    monkeypatch.setattr("launcher.actions.bundle.self_test", look)
    assert run(["debug-bundle", "-o", "a.zip"]) == 0
    assert capsys.readouterr().out.startswith("Nothing looks wrong.\n")


def test_a_person_sees_how_far_it_is(
    here: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    assert run(["debug-bundle", "--yes", "--json"]) == 0
    assert capsys.readouterr().err == ""
    assert run(["debug-bundle", "--yes"]) == 0
    shown = capsys.readouterr()
    assert "Gathering" in shown.err
    assert f"{STEPS - 1}/{STEPS} cleaning" in shown.err
    assert "Gathering" not in shown.out
