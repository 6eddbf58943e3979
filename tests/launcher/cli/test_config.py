import json
from pathlib import Path

import pytest

from korproxy_addons.config.schema import Config
from launcher.cli import run

GOOD = "version: 1\naccounts:\n  - {id: one, provider: claude, secret: env:ONE}\n"
BAD = "version: 1\nlisten:\n  port: eighty\nbogus: 1\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "korproxy"
    folder.mkdir(mode=0o700)
    return folder


def write(home: Path, text: str) -> Path:
    file = home / "config.yaml"
    file.write_text(text)
    file.chmod(0o600)
    return file


def test_the_path_is_printed_whether_the_file_exists_or_not(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KORPROXY_HOME", str(home))
    assert run(["config", "path"]) == 0
    assert capsys.readouterr().out == f"{home / 'config.yaml'}\n"
    assert run(["config", "path", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["exists"] is False
    assert list(home.iterdir()) == []


def test_the_option_wins_over_the_environment(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KORPROXY_HOME", "elsewhere")
    write(home, GOOD)
    assert run(["config", "path", "--home", str(home), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "path": str(home / "config.yaml"),
        "exists": True,
    }


def test_a_good_file(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(home, GOOD)
    assert run(["config", "check", "--home", str(home)]) == 0
    assert f"{file}: can be used; 1 account" in capsys.readouterr().out
    assert run(["config", "check", str(file), "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert (value["ok"], value["accounts"]) == (True, ["one"])


@pytest.mark.parametrize("own", [True, False])
def test_every_problem_is_named_with_its_place(
    home: Path, own: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(home, BAD)
    arguments = ["--home", str(home)] if own else [str(file)]
    assert run(["config", "check", *arguments]) == 1
    shown = capsys.readouterr().out
    assert f"{file}:3:" in shown
    assert f"{file}:4:" in shown
    assert run(["config", "check", *arguments, "--json"]) == 1
    value = json.loads(capsys.readouterr().out)
    assert value["ok"] is False
    assert value["code"].startswith("KP-CONF-")
    assert [problem["line"] for problem in value["problems"]] == [3, 4]


def test_a_file_that_others_can_write_is_refused_only_as_ones_own(home: Path) -> None:
    """A file that is checked elsewhere, as in CI, has no owner to protect."""
    file = write(home, GOOD)
    file.chmod(0o666)
    assert run(["config", "check", "--home", str(home)]) == 1
    assert run(["config", "check", str(file)]) == 0


def test_no_file_is_said_and_none_is_made(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "check", "--home", str(home)]) == 2
    assert "first start" in " ".join(capsys.readouterr().err.split())
    assert list(home.iterdir()) == []


def test_the_schema_is_the_models(capsys: pytest.CaptureFixture[str]) -> None:
    for options in ([], ["--json"]):
        assert run(["config", "schema", *options]) == 0
        assert json.loads(capsys.readouterr().out) == Config.model_json_schema()


def test_the_file_is_shown_without_what_is_secret_in_it(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(home, GOOD.replace("env:ONE", '"plain:canary-0123"') + "allow_plain_secrets: true # x\n")
    assert run(["config", "show", "--home", str(home)]) == 0
    shown = capsys.readouterr().out
    assert "# x" in shown
    assert "canary" not in shown
    assert run(["config", "show", "--home", str(home), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["masked"] == ["accounts[0].secret"]


def test_an_export_is_written_or_printed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(home, GOOD)
    assert run(["config", "export", "--home", str(home)]) == 0
    assert "env:ONE" in capsys.readouterr().out
    out = home / "out.yaml"
    assert run(["config", "export", "--home", str(home), "-o", str(out)]) == 0
    assert "env:ONE" in out.read_text()
    assert run(["config", "export", "--home", str(home), "-o", str(home)]) == 2


def test_an_import_that_cannot_be_used_says_why_and_changes_nothing(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(home, GOOD)
    bad = home / "bad.yaml"
    bad.write_text(BAD)
    assert run(["config", "import", str(bad), "--home", str(home)]) == 1
    assert "KP-CONF-" in capsys.readouterr().err
    assert file.read_text() == GOOD
    assert run(["config", "import", str(home / "none"), "--home", str(home)]) == 2
