"""A vault outlives everything: kill -9 at each step of a write, and any order of what people and crashes do to it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from korproxy_addons.io.vault import Vault
from korproxy_addons.io.vault_entries import VaultEntry
from korproxy_addons.io.vault_key import KeyKind, VaultKey
from support.sources import ROOT
from support.vaults import KEY, api_key, login

pytestmark = pytest.mark.e2e

BEFORE = {
    "first save": {},
    "save": {"a": "old", "other": "kept"},
    "save another": {"a": "old", "other": "kept"},
    "remove": {"a": "old", "other": "kept"},
    "rotate": {"a": "old", "other": "kept"},
}
DONE = {
    "first save": {"a": "new"},
    "save": {"a": "new", "other": "kept"},
    "save another": {"a": "old", "b": "new", "other": "kept"},
    "remove": {"other": "kept"},
    "rotate": {"a": "old", "other": "kept"},
}


@pytest.fixture(scope="module")
def crashes(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Every crash, in a process of its own."""
    if os.name != "posix":
        pytest.skip("needs fork and kill -9 (POSIX)")
    home = tmp_path_factory.mktemp("crashes") / "home"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    command = [sys.executable, "-m", "support.vault_crash", str(home)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_kill_9_at_any_step_leaves_the_old_vault_or_the_new(crashes: list[dict[str, Any]]) -> None:
    """And nothing in between: before the file is replaced all is as it was, from then on all is done."""
    assert {it["work"] for it in crashes} == set(BEFORE)
    for it in crashes:
        assert it["ended"] == -signal.SIGKILL, it
        replaced = it["step"] in ("fsync folder", "done")
        assert it["left"] == (DONE if replaced else BEFORE)[it["work"]], it
    steps = {it["step"] for it in crashes}
    assert steps == {
        "clear", "create", "write", "write on", "fsync", "backup", "backup in place", "replace",
        "fsync folder", "done",
    }  # fmt: skip


def test_whoever_comes_next_is_not_held_up(crashes: list[dict[str, Any]]) -> None:
    """A dead process's lock is free, and its half file is cleared away."""
    for it in crashes:
        assert it["after"] == {**it["left"], "next": "next"}, it
        assert set(it["files"]) <= {"vault.bin", "vault.bin.bak", "vault.lock"}, it


class Died(BaseException):
    """The process ends here."""


class VaultLife(RuleBasedStateMachine):
    """
    Two processes with one vault, which save, remove, rotate, die and damage files; a dictionary says what must be there.
    """

    names = st.sampled_from(["a", "b", "c"])
    values = st.text(max_size=20)

    @initialize()
    def begin(self) -> None:
        self.home = Path(tempfile.mkdtemp())
        self.key = KEY
        self.model: dict[str, VaultEntry] = {}
        self.vaults = [Vault(self.home, KEY), Vault(self.home, KEY)]

    def teardown(self) -> None:
        shutil.rmtree(self.home, ignore_errors=True)

    @rule(who=st.integers(0, 1), name=names, value=values, is_login=st.booleans())
    def save(self, who: int, name: str, value: str, is_login: bool) -> None:
        entry = login(value, value) if is_login else api_key(value)
        self.vaults[who].save(name, entry)
        self.model[name] = entry

    @rule(who=st.integers(0, 1), name=names)
    def remove(self, who: int, name: str) -> None:
        assert self.vaults[who].remove(name) == (name in self.model)
        self.model.pop(name, None)

    @rule(who=st.integers(0, 1), number=st.integers(1, 250))
    def rotate(self, who: int, number: int) -> None:
        self.key = VaultKey(bytes([number]) * 32, KeyKind.KEYRING)
        self.vaults[who].rotate(self.key)
        # The other process is given the new key by whoever keeps it.
        self.vaults[1 - who] = Vault(self.home, self.key)

    @rule(name=names, value=values, at=st.integers(0, 9))
    def die_while_saving(self, name: str, value: str, at: int) -> None:
        entry, taken = api_key(value), list[str]()

        def step(what: str) -> None:
            if len(taken) == at:
                raise Died
            taken.append(what)

        try:
            Vault(self.home, self.key, step=step).save(name, entry)
        except Died:
            # the steps after the one that gives the file its name
            if "replace" not in taken:
                return
        self.model[name] = entry

    @rule(content=st.binary(max_size=30))
    def leave_a_half_file(self, content: bytes) -> None:
        (self.home / ".vault.bin.new").write_bytes(content)

    @rule(who=st.integers(0, 1))
    def start_again(self, who: int) -> None:
        self.vaults[who] = Vault(self.home, self.key)

    @invariant()
    def everybody_sees_what_was_saved_last(self) -> None:
        for vault in self.vaults:
            assert {name: vault.load(name) for name in vault.names()} == self.model


VaultLife.TestCase.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
test_a_vaults_life = VaultLife.TestCase
