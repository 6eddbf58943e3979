"""`korproxy vault`, with a key file: the command line looks for keys on this machine."""

import json
from pathlib import Path
from typing import Any

import pytest

from korproxy_addons.io.vault_opening import open_vault
from launcher.cli import run
from support.vaults import api_key

type Output = pytest.CaptureFixture[str]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a vault whose key lies in a file, on a machine without a keyring."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.setenv("KORPROXY_VAULT_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    home = tmp_path / "korproxy"
    vault = open_vault(home)
    vault.save("work", api_key("canary-1"))
    vault.save("work", api_key("canary-2"))
    return home


def called(home: Path, output: Output, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON of a command."""
    code = run(["vault", *arguments, "--home", str(home), "--json"])
    printed = output.readouterr()
    assert "canary" not in printed.out + printed.err
    value: dict[str, Any] = json.loads(printed.out)
    return code, value


def test_the_status_for_scripts_and_for_people(home: Path, capsys: Output) -> None:
    code, value = called(home, capsys, "status")
    assert code == 0
    assert (value["state"], value["key_place"], value["weak"]) == ("open", "key-file", True)
    assert value["entries"] == ["work"]
    assert run(["vault", "status", "--home", str(home)]) == 0
    text = capsys.readouterr().out
    assert f"{home / 'vault.bin'}: opens" in text
    assert "key-file; weaker than a keyring" in text
    assert "work" in text


def test_no_vault_is_no_failure(home: Path, capsys: Output) -> None:
    code, value = called(home / "other", capsys, "status")
    assert (code, value["state"], value["entries"], value["key_place"]) == (0, "none", [], None)
    run(["vault", "status", "--home", str(home / "other")])
    said = capsys.readouterr().out
    assert "not there yet" in said
    assert "KORPROXY_VAULT_KEY_FILE" in said, "in a container nobody knows how to go on"


def test_one_that_does_not_open_says_why_and_what_to_do(
    home: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KORPROXY_VAULT_KEY_FILE")
    code, value = called(home, capsys, "status")
    assert (code, value["state"], value["code"]) == (1, "failed", "KP-AUTH-031")
    assert run(["vault", "status", "--home", str(home)]) == 1
    text = capsys.readouterr().out
    assert "KP-AUTH-031" in text
    assert "korproxy vault reset" in text


def test_a_new_key(
    home: Path, capsys: Output, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (tmp_path / "key").read_text()
    assert called(home, capsys, "rotate") == (0, {"rotated": True, "key_place": "key-file"})
    assert (tmp_path / "key").read_text() != before
    assert called(home, capsys, "status")[1]["state"] == "open"
    assert run(["vault", "rotate", "--key-file", str(tmp_path / "k2"), "--home", str(home)]) == 0
    assert f"must name {tmp_path / 'k2'}" in " ".join(capsys.readouterr().out.split())
    assert called(home, capsys, "status")[1]["code"] == "KP-AUTH-032"
    monkeypatch.setenv("KORPROXY_VAULT_KEY_FILE", str(tmp_path / "k2"))
    assert called(home, capsys, "status")[0] == 0


def test_a_place_that_is_none_is_a_wrong_call(home: Path, capsys: Output) -> None:
    assert run(["vault", "rotate", "--to", "pocket", "--home", str(home)]) == 2
    assert "keyring, key-file, passphrase" in " ".join(capsys.readouterr().err.split())
    code, value = called(home, capsys, "rotate", "--to", "keyring")
    assert (code, value["error"]["code"]) == (1, "KP-AUTH-035")


def test_a_damaged_vault_is_restored(home: Path, capsys: Output) -> None:
    code, value = called(home, capsys, "restore")
    assert (code, value["error"]["code"]) == (1, "KP-AUTH-034")
    (home / "vault.bin").write_bytes(b"damaged")
    assert called(home, capsys, "status")[1]["code"] == "KP-AUTH-033"
    value = {"restored": True, "damaged": str(home / "vault.bin.damaged")}
    assert called(home, capsys, "restore") == (0, value)
    assert open_vault(home).load("work") == api_key("canary-1")
    (home / "vault.bin").write_bytes(b"damaged")
    run(["vault", "restore", "--home", str(home)])
    assert "vault.bin.damaged-2" in "".join(capsys.readouterr().out.split())


def test_a_lost_vault_is_put_aside(home: Path, capsys: Output) -> None:
    assert called(home, capsys, "reset")[0] == 1
    code, value = called(home, capsys, "reset", "--force")
    assert (code, len(value["moved"])) == (0, 2)
    assert called(home, capsys, "status")[1]["orphans"] == [
        "vault.bin.bak.orphan",
        "vault.bin.orphan",
    ]
    run(["vault", "status", "--home", str(home)])
    assert "put aside: vault.bin.bak.orphan" in capsys.readouterr().out
    run(["vault", "reset", "--home", str(home)])
    assert capsys.readouterr().out == "There was no vault.\n"
