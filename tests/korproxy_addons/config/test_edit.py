import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from korproxy_addons.config.document import Document
from korproxy_addons.config.edit import LOCK_NAME, edit_config
from korproxy_addons.config.problems import ConfigProblems
from korproxy_addons.config.store import ConfigStore, ReloadState
from korproxy_addons.errors.catalogue import CONFIG_BUSY
from korproxy_addons.errors.exceptions import KorProxyError

ENTRY = {"id": "key", "provider": "claude", "secret": "env:ANTHROPIC_API_KEY"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def add(document: Document) -> None:
    document.insert(("accounts",), ENTRY)


def test_an_edit_is_seen_by_the_gateways_store(home: Path) -> None:
    store = ConfigStore(home)
    store.load()
    before = store.path.read_text()
    config = edit_config(home, add)
    assert [it.id for it in config.accounts] == ["key"]
    outcome = store.reload_if_changed()
    assert outcome.state is ReloadState.LOADED
    assert outcome.config == config
    removed = set(before.splitlines()) - set(store.path.read_text().splitlines())
    assert removed == set()
    if os.name == "posix":
        assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


def test_a_change_that_breaks_the_file_is_not_written(home: Path) -> None:
    edit_config(home, add)
    file = home / "config.yaml"
    before = file.read_bytes()
    with pytest.raises(ConfigProblems, match="codeex"):
        edit_config(home, lambda it: it.set(("accounts", 0, "provider"), "codeex"))
    with pytest.raises(ConfigProblems, match="key"):
        edit_config(home, add)  # the id a second time
    assert file.read_bytes() == before
    assert sorted(it.name for it in home.iterdir() if it.name != LOCK_NAME) == ["config.yaml"]


def test_what_the_change_raises_leaves_the_file_alone(home: Path) -> None:
    ConfigStore(home).load()
    before = (home / "config.yaml").read_bytes()

    def fail(document: Document) -> None:
        add(document)
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        edit_config(home, fail)
    assert (home / "config.yaml").read_bytes() == before


def test_an_editor_that_saves_in_between_is_not_overwritten(home: Path) -> None:
    ConfigStore(home).load()
    file = home / "config.yaml"
    calls: list[str] = []

    def change(document: Document) -> None:
        if not calls:
            file.write_text(file.read_text() + "# saved by hand\n")
        calls.append("")
        add(document)

    edit_config(home, change)
    assert len(calls) == 2
    assert "# saved by hand" in file.read_text()
    assert "- id: key" in file.read_text()


def test_a_file_that_never_rests_is_given_up(home: Path) -> None:
    ConfigStore(home).load()
    file = home / "config.yaml"

    def change(document: Document) -> None:
        file.write_text(file.read_text() + "#\n")
        add(document)

    with pytest.raises(KorProxyError) as refused:
        edit_config(home, change)
    assert refused.value.spec is CONFIG_BUSY
    assert "- id: key" not in file.read_text()


def test_another_writer_is_waited_for_and_then_named(home: Path) -> None:
    ConfigStore(home).load()
    with FileLock(home / LOCK_NAME), pytest.raises(KorProxyError) as refused:
        edit_config(home, add, lock_wait_s=0.01)
    assert refused.value.spec is CONFIG_BUSY


@pytest.mark.skipif(os.name != "posix", reason="links and modes as POSIX has them")
def test_a_link_stays_a_link_and_the_mode_stays(home: Path, tmp_path: Path) -> None:
    ConfigStore(home).load()
    real = tmp_path / "dotfiles.yaml"
    (home / "config.yaml").rename(real)
    real.chmod(0o640)
    (home / "config.yaml").symlink_to(real)
    edit_config(home, add)
    assert (home / "config.yaml").is_symlink()
    assert "- id: key" in real.read_text()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


@pytest.fixture
def as_nobody(home: Path) -> Iterator[Path]:
    """A folder of somebody who is not root, and this process as them: root may write anywhere."""
    if os.geteuid() != 0:
        yield home
        return
    with tempfile.TemporaryDirectory() as name:
        os.chown(name, 65534, 65534)
        os.seteuid(65534)
        try:
            yield Path(name) / "home"
        finally:
            os.seteuid(0)


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_folder_that_cannot_be_written_is_a_clear_problem(as_nobody: Path) -> None:
    home = as_nobody
    edit_config(home, add)
    home.chmod(0o500)
    try:
        with pytest.raises(ConfigProblems, match="can be written"):
            edit_config(home, lambda it: it.remove(("accounts", 0)))
    finally:
        home.chmod(0o700)
    assert "- id: key" in (home / "config.yaml").read_text()


def test_no_edit_of_several_processes_is_lost(home: Path) -> None:
    ConfigStore(home).load()
    code = (
        "import sys; from pathlib import Path; from korproxy_addons.config.edit import edit_config\n"
        "for n in range(3): edit_config(Path(sys.argv[1]), lambda it, n=n: it.insert(('accounts',),"
        " {'id': f'{sys.argv[2]}-{n}', 'provider': 'claude', 'secret': 'env:A'}))"
    )
    root = Path(__file__).parents[3]
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(home), name], cwd=root)
        for name in ("a", "b", "c")
    ]
    assert [it.wait(60) for it in processes] == [0, 0, 0]
    ids = {it.id for it in ConfigStore(home).load().accounts}
    assert ids == {f"{name}-{n}" for name in "abc" for n in range(3)}
