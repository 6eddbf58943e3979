"""A gateway whose vault does not open serves everything else; and what happens to a vault is picked up while it runs."""

import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from korproxy_addons.io.vault import Vault
from korproxy_addons.io.vault_key import KeyKind, VaultKey
from korproxy_addons.io.vault_opening import open_vault
from launcher.cli import run as run_cli
from support import config_file
from support.asking import Response, ask, question, send
from support.gateway import GatewayProcess
from support.keyrings import gnome_keyring, lock_default_collection, secret_service
from support.listener import Listener
from support.sources import ROOT
from support.vaults import api_key
from support.waiting import until

pytestmark = pytest.mark.e2e

KEY_FILE = "KORPROXY_VAULT_KEY_FILE"
NO_KEYRING = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
ENV = {"KORPROXY_TEST_SECRET": "canary-key-in-the-environment"}


@dataclass
class Folder:
    """
    A KorProxy folder with one account by the environment and one by the vault.

    Attributes:
        home: The folder.
        environment: For its gateway.
        provider: Whom both accounts belong to.
        numbers: Makes each request another one.
    """

    home: Path
    environment: dict[str, str]
    provider: Listener
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def ask(self, gateway: GatewayProcess, name: str) -> Response:
        """One request by one of the accounts."""
        # never the same twice: who repeats himself without end is held back
        prompt = f"hello {next(self.numbers)}"
        return ask(gateway.url, question("openai-chat", f"mine@{name}/m", prompt))

    def keys_heard(self) -> list[str]:
        """The keys that the provider was shown, in order."""
        headers = [dict(it.headers) for it in self.provider.heard]
        return [it.get("authorization", "").removeprefix("Bearer ") for it in headers]


def settings(url: str) -> dict[str, Any]:
    provider = {
        "dialect": "openai-chat", "base_url": f"{url}/v1", "local": True, "list_models": False,
        "models": ["m"],
    }  # fmt: skip
    accounts = [
        {"id": "by-env", "provider": "mine", "secret": "env:KORPROXY_TEST_SECRET"},
        {"id": "by-vault", "provider": "mine", "secret": "vault:work"},
    ]
    return {"version": 1, "providers": {"mine": provider}, "accounts": accounts}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    """On a machine without a keyring, with a key file."""
    home = tmp_path / "korproxy"
    home.mkdir(mode=0o700)
    environment = {**NO_KEYRING, KEY_FILE: str(tmp_path / "key")}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with Listener() as provider:
        config_file.write(home, settings(provider.url))
        yield Folder(home, {**environment, **ENV}, provider)


def vault_state(gateway: GatewayProcess) -> str:
    """What the gateway's health page says of its vault."""
    return str(send(gateway.url, "GET", "/_korproxy/health", None, {}).json["vault"])


def damaged(folder: Folder) -> None:
    path = folder.home / "vault.bin"
    path.write_bytes(path.read_bytes()[:-9])


def flipped(folder: Folder) -> None:
    path = folder.home / "vault.bin"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)


def wrong_key(folder: Folder) -> None:
    key = Path(folder.environment[KEY_FILE])
    key.write_text(VaultKey.new(KeyKind.FILE).text().get_secret_value())


def no_key(folder: Folder) -> None:
    del folder.environment[KEY_FILE]
    os.environ.pop(KEY_FILE)


def open_key(folder: Folder) -> None:
    Path(folder.environment[KEY_FILE]).chmod(0o644)


FAILURES: dict[str, tuple[Callable[[Folder], None], str]] = {
    "truncated": (damaged, "KP-AUTH-033"),
    "a flipped bit": (flipped, "KP-AUTH-033"),
    "another key": (wrong_key, "KP-AUTH-032"),
    "no key": (no_key, "KP-AUTH-031"),
    "a key that others can read": (open_key, "KP-AUTH-034"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_vault_that_does_not_open_costs_its_own_accounts_only(
    folder: Folder, failure: str
) -> None:
    """The rest is served from the start; the error says which file and what to do, and the file stays as it is."""
    if failure == "a key that others can read" and os.name != "posix":
        pytest.skip("modes are POSIX's")
    open_vault(folder.home).save("work", api_key("canary-key-in-the-vault"))
    break_it, code = FAILURES[failure]
    break_it(folder)
    before = (folder.home / "vault.bin").read_bytes()
    with GatewayProcess(folder.home, environment=folder.environment) as gateway:
        assert folder.ask(gateway, "by-env").status == 200
        reply = folder.ask(gateway, "by-vault")
        assert reply.status == 400
        assert reply.headers["x-korproxy-error"] == code
        assert vault_state(gateway) in ("damaged", "key-missing", "unusable")
        assert "canary" not in reply.body.decode()
        assert folder.ask(gateway, "by-env").status == 200
    assert (folder.home / "vault.bin").read_bytes() == before
    assert folder.keys_heard() == [ENV["KORPROXY_TEST_SECRET"]] * 2


def test_a_vault_that_opens_again_is_used_again(folder: Folder) -> None:
    """Whoever brings the key back need not restart anything, nor touch the account."""
    open_vault(folder.home).save("work", api_key("canary-key-in-the-vault"))
    key = Path(folder.environment[KEY_FILE])
    right = key.read_text()
    wrong_key(folder)
    with GatewayProcess(folder.home, environment=folder.environment) as gateway:
        assert folder.ask(gateway, "by-vault").headers["x-korproxy-error"] == "KP-AUTH-032"
        key.write_text(right)
        until(lambda: folder.ask(gateway, "by-vault").status == 200)
        assert vault_state(gateway) == "open"
    assert folder.keys_heard() == ["canary-key-in-the-vault"]


def test_a_real_keyring_that_is_locked_holds_nothing_up(tmp_path: Path) -> None:
    """gnome-keyring, locked, in a session where nobody can be asked for its password."""
    home, desktop = tmp_path / "korproxy", tmp_path / "desktop"
    home.mkdir(mode=0o700)
    desktop.mkdir()
    with Listener() as provider, secret_service(desktop):
        folder = Folder(home, dict(ENV), provider)
        config_file.write(home, settings(provider.url))
        open_vault(home).save("work", api_key("canary-key-in-the-vault"))
        with GatewayProcess(home, environment=folder.environment) as gateway:
            assert folder.ask(gateway, "by-vault").status == 200
        lock_default_collection()
        with GatewayProcess(home, environment=folder.environment) as gateway:
            assert folder.ask(gateway, "by-env").status == 200
            reply = folder.ask(gateway, "by-vault")
            assert reply.headers["x-korproxy-error"] == "KP-AUTH-030"
            assert vault_state(gateway) == "locked"
            assert "keyring" in reply.body.decode()


def test_without_a_session_the_key_in_the_keyring_is_said_to_be_out_of_reach(
    tmp_path: Path,
) -> None:
    """As over SSH: the vault of the desktop is there, its keyring is not. It is not given up for that."""
    home, desktop = tmp_path / "korproxy", tmp_path / "desktop"
    home.mkdir(mode=0o700)
    desktop.mkdir()
    with secret_service(desktop):
        open_vault(home).save("work", api_key("canary"))
    with Listener() as provider:
        folder = Folder(home, {**ENV, **NO_KEYRING}, provider)
        config_file.write(home, settings(provider.url))
        with GatewayProcess(home, environment=folder.environment) as gateway:
            reply = folder.ask(gateway, "by-vault")
            assert reply.headers["x-korproxy-error"] == "KP-AUTH-030"
            assert "this session has none" in reply.body.decode()
    with gnome_keyring(_made(tmp_path / "other")) as other:
        command = [
            sys.executable,
            "-m",
            "launcher",
            "vault",
            "status",
            "--json",
            "--home",
            str(home),
        ]
        environment = {**os.environ, **other, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "KP-AUTH-031" in done.stdout, "another user's keyring is open and does not have the key"


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_entries_come_change_and_go_while_the_gateway_runs(folder: Folder) -> None:
    """Not one restart, and not one request that fails for a change."""
    with GatewayProcess(folder.home, environment=folder.environment) as gateway:
        reply = folder.ask(gateway, "by-vault")
        assert reply.headers["x-korproxy-error"] == "KP-AUTH-007"
        assert "no entry work" in reply.body.decode()
        vault = open_vault(folder.home)
        vault.save("work", api_key("canary-first"))
        assert folder.ask(gateway, "by-vault").status == 200
        vault.save("work", api_key("canary-second"))
        assert folder.ask(gateway, "by-vault").status == 200
        assert run_cli(["vault", "rotate", "--home", str(folder.home)]) == 0
        assert folder.ask(gateway, "by-vault").status == 200
        open_vault(folder.home).save("work", api_key("canary-third"))
        assert folder.ask(gateway, "by-vault").status == 200
        assert folder.keys_heard() == [
            f"canary-{it}" for it in ("first", "second", "second", "third")
        ]
        open_vault(folder.home).remove("work")
        assert folder.ask(gateway, "by-vault").headers["x-korproxy-error"] == "KP-AUTH-007"


def test_the_folder_is_the_users_alone(folder: Folder) -> None:
    if os.name != "posix":
        pytest.skip("modes are POSIX's")
    vault = Vault(folder.home, VaultKey.new())
    vault.save("a", api_key("one"))
    vault.save("a", api_key("two"))
    modes = {it.name: it.stat().st_mode & 0o777 for it in folder.home.glob("vault*")}
    assert set(modes.values()) == {0o600}
    assert folder.home.stat().st_mode & 0o777 == 0o700
