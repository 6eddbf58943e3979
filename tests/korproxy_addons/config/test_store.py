"""The file on the disk: first start, reload, safety."""

import os
import re
import stat
from pathlib import Path

import pytest

from korproxy_addons.config.builtin import BUILTIN_ACCESSES
from korproxy_addons.config.parse import parse_config
from korproxy_addons.config.problems import ConfigProblems
from korproxy_addons.config.profiles import GroupConfig, Profile
from korproxy_addons.config.schema import Config
from korproxy_addons.config.store import (
    ConfigStore,
    ReloadState,
    _publish,
    default_home,
    upstream_hosts,
)

posix = pytest.mark.skipif(os.name != "posix", reason="modes and owners are POSIX's")


@pytest.fixture
def store(tmp_path: Path) -> ConfigStore:
    """A store whose folder does not exist yet."""
    return ConfigStore(tmp_path / "home")


def write(store: ConfigStore, text: str) -> None:
    """Replace the file, as an editor that saves aside does: with another inode."""
    aside = store.home / "aside"
    aside.write_text(text, encoding="utf-8")
    aside.chmod(0o600)
    aside.replace(store.path)


def uncommented(text: str) -> str:
    """The first start's file with every commented setting switched on."""
    return re.sub(r"^#(?=\S|  )", "", text, flags=re.MULTILINE)


def test_home_is_named_by_the_environment() -> None:
    assert default_home({"KORPROXY_HOME": "/x/y"}) == Path("/x/y")
    assert default_home({}) == Path.home() / ".korproxy"
    assert default_home({"KORPROXY_HOME": ""}) == Path.home() / ".korproxy"


FIRST = Config(
    profiles=(Profile(id="default", name="Default", group=("default",)),),
    groups=(GroupConfig(id="default", name="Default"),),
)
"""One profile with one group of all accounts; the rest are defaults."""


def test_the_first_start_writes_a_commented_file_of_defaults(store: ConfigStore) -> None:
    assert store.load() == FIRST
    text = store.path.read_text(encoding="utf-8")
    assert text.startswith("# KorProxy's configuration.")
    assert [it.name for it in store.home.iterdir()] == ["config.yaml"]


@posix
def test_the_first_file_is_its_owners_alone(store: ConfigStore) -> None:
    mask = os.umask(0)
    try:
        store.load()
    finally:
        os.umask(mask)
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.home.stat().st_mode) == 0o700


def test_every_commented_example_is_valid_as_it_stands(store: ConfigStore) -> None:
    store.load()
    text = uncommented(store.path.read_text(encoding="utf-8"))
    config = parse_config(text.encode())
    used = {(it.provider, it.access or BUILTIN_ACCESSES[it.provider][0]) for it in config.accounts
            if it.provider in BUILTIN_ACCESSES}  # fmt: skip
    assert {provider for provider, _ in used} == set(BUILTIN_ACCESSES)
    assert {"claude", "codex", "gemini", "qwen", "iflow", "openrouter", "ollama"} == {
        it.provider for it in config.accounts
    }
    defaults = Config()
    assert (config.listen, config.limits, config.timeouts) == (
        defaults.listen,
        defaults.limits,
        defaults.timeouts,
    )


def test_a_file_that_exists_is_left_alone(store: ConfigStore) -> None:
    store.home.mkdir(mode=0o700)
    write(store, "listen: {port: 1400}  # mine\n")
    assert store.load().listen.port == 1400
    assert store.path.read_text(encoding="utf-8").endswith("# mine\n")


def test_two_first_starts_leave_one_whole_file(store: ConfigStore) -> None:
    store.load()
    aside = store.home / "other"
    aside.write_text("listen: {port: 1}\n")
    _publish(aside, store.path)
    assert store.path.read_text(encoding="utf-8").startswith("# KorProxy's")


def test_without_hard_links_the_file_is_renamed(
    store: ConfigStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    assert store.load() == FIRST
    assert [it.name for it in store.home.iterdir()] == ["config.yaml"]


def test_nothing_is_in_force_before_the_first_load(store: ConfigStore) -> None:
    with pytest.raises(RuntimeError):
        _ = store.current
    with pytest.raises(RuntimeError):
        store.reload_if_changed()


def test_a_change_is_loaded_once(store: ConfigStore) -> None:
    before = store.load()
    assert store.reload_if_changed().state is ReloadState.UNCHANGED
    write(store, "listen: {port: 1400}\n")
    outcome = store.reload_if_changed()
    assert outcome.state is ReloadState.LOADED
    assert outcome.config.listen.port == 1400
    assert store.current is outcome.config
    assert before.listen.port == 1337
    assert store.reload_if_changed().state is ReloadState.UNCHANGED


def test_a_bad_file_never_replaces_a_good_configuration(store: ConfigStore) -> None:
    before = store.load()
    write(store, "listen: {port: x}\n")
    outcome = store.reload_if_changed()
    assert outcome.state is ReloadState.REFUSED
    assert outcome.config is before
    assert store.current is before
    assert [it.key for it in outcome.problems] == ["listen.port"]
    assert outcome.problems[0].file == str(store.path)
    # Told once, not at every look.
    assert store.reload_if_changed().state is ReloadState.UNCHANGED
    write(store, "listen: {port: 1500}\n")
    assert store.reload_if_changed().config.listen.port == 1500


def test_a_bad_file_at_the_start_is_raised(store: ConfigStore) -> None:
    store.home.mkdir(mode=0o700)
    write(store, "foo: 1\n")
    with pytest.raises(ConfigProblems):
        store.load()
    with pytest.raises(RuntimeError):
        _ = store.current


def test_a_vanished_file_keeps_the_old_configuration(store: ConfigStore) -> None:
    before = store.load()
    store.path.unlink()
    outcome = store.reload_if_changed()
    assert (outcome.state, outcome.config) == (ReloadState.REFUSED, before)
    assert store.reload_if_changed().state is ReloadState.UNCHANGED
    write(store, "listen: {port: 1500}\n")
    assert store.reload_if_changed().state is ReloadState.LOADED


def test_hosts_that_are_new_are_named(store: ConfigStore) -> None:
    store.load()
    entry = "providers: {claude: {base_url: 'https://evil.example/x', urls: {quota: 'https://q.example:8443'}}}\n"
    write(store, entry)
    assert store.reload_if_changed().new_hosts == ("evil.example", "q.example:8443")
    write(store, entry + "listen: {port: 1400}\n")
    assert store.reload_if_changed().new_hosts == ()


def test_upstream_hosts_are_those_of_accounts_providers_and_accesses() -> None:
    config = parse_config(
        b"accounts: [{id: a, provider: codex, secret: 'env:K', base_url: 'https://A.example'}]\n"
        b"providers: {codex: {accesses: {chatgpt: {base_url: 'https://b.example'}}}}\n"
    )
    assert upstream_hosts(config) == {"a.example", "b.example"}


def test_a_folder_that_cannot_be_made_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigProblems) as caught:
        ConfigStore(tmp_path / "file" / "home").load()
    assert caught.value.problems[0].expected == "a folder that can be written"


@posix
@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_others_can_write_is_refused(store: ConfigStore, mode: int) -> None:
    before = store.load()
    write(store, "listen: {port: 1400}\n")
    store.path.chmod(mode)
    outcome = store.reload_if_changed()
    assert outcome.state is ReloadState.REFUSED
    assert outcome.config is before
    assert outcome.problems[0].found == f"mode {mode:04o}"


@posix
def test_a_folder_others_can_write_is_refused(store: ConfigStore) -> None:
    store.home.mkdir()
    store.home.chmod(0o777)
    with pytest.raises(ConfigProblems) as caught:
        store.load()
    assert caught.value.spec.code == "KP-CONF-205"
    assert "folder" in caught.value.problems[0].expected


@posix
def test_somebody_elses_file_is_refused(
    store: ConfigStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.load()
    owner = store.path.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    if owner == 0:
        # root's files are trusted: hand them to a user who is neither root nor ours.
        os.chown(store.path, 4711, -1)
        os.chown(store.home, 4711, -1)
    with pytest.raises(ConfigProblems) as caught:
        store.load()
    assert len(caught.value.problems) == 2
    assert "belongs to the user" in caught.value.problems[0].expected


@posix
def test_plain_secrets_want_a_file_only_its_owner_reads(store: ConfigStore) -> None:
    store.load()
    text = "allow_plain_secrets: true\naccounts: [{id: a, provider: claude, secret: 'plain:s'}]\n"
    write(store, text)
    store.path.chmod(0o644)
    outcome = store.reload_if_changed()
    assert outcome.state is ReloadState.REFUSED
    assert "only its owner can read" in outcome.problems[0].expected
    write(store, text)
    assert store.reload_if_changed().state is ReloadState.LOADED
