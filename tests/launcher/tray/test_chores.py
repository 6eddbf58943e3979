import zipfile
from pathlib import Path

import pytest

from launcher.tray import chores as module
from launcher.tray.chores import bundle_folder, export_bundle, look_for_updates
from launcher.updates import UpdateState, UpdateView


@pytest.mark.parametrize(
    ("state", "title"),
    [
        (UpdateState.AVAILABLE, "A newer KorProxy is out"),
        (UpdateState.CURRENT, "KorProxy is up to date"),
        (UpdateState.NO_FEED, "There is no release feed"),
    ],
)
def test_a_look_for_updates_says_what_it_found(
    state: UpdateState, title: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = UpdateView(state, "0.1.0", "2.0", "https://example.com/2")
    monkeypatch.setattr(module, "check_for_updates", lambda _home: found)
    news = look_for_updates(tmp_path)
    assert (news.title, news.text) == (title, found.words)


def test_a_bundle_is_written_where_the_person_looks_and_its_place_is_said(tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "saved"
    home.mkdir(mode=0o700)
    folder.mkdir()
    news = export_bundle(home, folder)
    (path,) = folder.iterdir()
    assert str(path) in news.text
    with zipfile.ZipFile(path) as bundle:
        assert any(it.endswith("SUMMARY.md") for it in bundle.namelist())


def test_a_bundle_goes_to_the_downloads_where_there_are_any(tmp_path: Path) -> None:
    assert bundle_folder(tmp_path) == tmp_path
    (tmp_path / "Downloads").mkdir()
    assert bundle_folder(tmp_path) == tmp_path / "Downloads"
