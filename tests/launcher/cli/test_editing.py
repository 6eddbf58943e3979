import sys
from pathlib import Path

import pytest

from korproxy_addons.config.problems import ConfigProblems
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.cli import run
from launcher.cli.editing import edit_in_editor, editor_command

TEXT = "version: 1\n# mine\nlisten: {port: 1400}\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "config.yaml").write_text(TEXT)
    (tmp_path / "config.yaml").chmod(0o600)
    return tmp_path


def editor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *versions: str) -> None:
    """An editor that writes one text after the other."""
    script = tmp_path / "editor.py"
    script.write_text(
        "import sys, pathlib\n"
        f"left = pathlib.Path({str(tmp_path / 'left')!r})\n"
        f"texts = {list(versions)!r}\n"
        "at = int(left.read_text()) if left.exists() else 0\n"
        "left.write_text(str(at + 1))\n"
        "pathlib.Path(sys.argv[1]).write_text(texts[at])\n"
    )
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", f"{sys.executable} {script}")


def test_a_good_edit_takes_effect_with_its_comments(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(monkeypatch, home, TEXT.replace("1400", "1500"))
    assert edit_in_editor(home, None) is True
    assert (home / "config.yaml").read_text() == TEXT.replace("1400", "1500")


def test_no_change_is_none(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editor(monkeypatch, home, TEXT)
    assert edit_in_editor(home, None) is False


def test_a_bad_edit_is_shown_and_mended(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    editor(monkeypatch, home, "listen: {port: no}\n", "listen: {port: 1500}\n")

    def again(text: str) -> bool:
        told.append(text)
        return True

    assert edit_in_editor(home, again) is True
    assert "listen.port" in told[0]
    assert (home / "config.yaml").read_text() == "listen: {port: 1500}\n"


@pytest.mark.parametrize("asked", [True, False])
def test_a_bad_edit_that_is_given_up_changes_nothing(
    home: Path, asked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(monkeypatch, home, "listen: {port: no}\n")
    with pytest.raises(ConfigProblems):
        edit_in_editor(home, (lambda _text: False) if asked else None)
    assert (home / "config.yaml").read_text() == TEXT


def test_an_editor_that_fails_changes_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", "no-such-editor-anywhere")
    assert run(["config", "edit", "--home", str(home), "--json"]) == 1
    monkeypatch.setenv("EDITOR", f'{sys.executable} -c "raise SystemExit(3)"')
    with pytest.raises(KorProxyError, match="exit code 3"):
        edit_in_editor(home, None)
    assert (home / "config.yaml").read_text() == TEXT


def test_the_persons_own_editor_comes_first() -> None:
    assert editor_command({"VISUAL": "code --wait", "EDITOR": "vi"}) == ["code", "--wait"]
    assert editor_command({"EDITOR": "vi"}) == ["vi"]


def test_without_any_editor_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _name: None)
    with pytest.raises(KorProxyError, match="editor"):
        editor_command({})
