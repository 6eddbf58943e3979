from pathlib import Path

import pytest

from launcher.cli.homes import folder_of, vault_of
from support.vaults import api_key


def test_the_folder_is_the_option_s_else_the_environment_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KORPROXY_HOME", str(tmp_path / "environment"))
    assert folder_of(tmp_path) == tmp_path
    assert folder_of(None) == tmp_path / "environment"


def test_the_vault_is_that_of_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = tmp_path / "key"
    key.write_text("q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\n")
    key.chmod(0o600)
    monkeypatch.setenv("KORPROXY_VAULT_KEY_FILE", str(key))
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    vault_of(home).save("a", api_key("sk"))
    assert vault_of(home).names() == ("a",)
