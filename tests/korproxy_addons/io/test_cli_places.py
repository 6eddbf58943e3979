"""Where the official tools keep their logins: found as each tool itself finds them, on each system."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from korproxy_addons.config.builtin import BUILTIN_ACCESSES
from korproxy_addons.config.secret_ref import CLI_TOOLS
from korproxy_addons.io import cli_places
from korproxy_addons.io.cli_places import TOOLS, CliPlaces, NotFoundError, ask_security
from korproxy_addons.io.cli_schemas import NoLoginError
from support import cli_logins
from support.cli_logins import FILES, leave, leave_all
from support.keyrings import MemoryBackend, keyring_of, secret_service


def nothing(service: str, account: str) -> str | None:
    raise AssertionError(f"the keychain was asked for {service}, {account}")


def places(home: Path, environ: dict[str, str] | None = None, **options: Any) -> CliPlaces:
    given = {"platform": "linux", "keyring": keyring_of(), "security": nothing, **options}
    return CliPlaces(environ or {}, home, **given)


def token(found: cli_places.Found) -> str:
    return found.tokens.access_token.get_secret_value()


def test_every_tool_belongs_to_a_provider_and_a_way_in() -> None:
    assert tuple(TOOLS) == CLI_TOOLS
    assert [it.id for it in TOOLS.values() if it.access not in BUILTIN_ACCESSES[it.provider]] == []


@pytest.mark.parametrize("tool", CLI_TOOLS)
def test_each_tools_file_is_read_and_left_as_it_is(tmp_path: Path, tool: str) -> None:
    leave_all(tmp_path)
    before = {it: (it.read_bytes(), it.stat()) for it in tmp_path.rglob("*") if it.is_file()}
    found = places(tmp_path).read(tool)
    assert (
        f"canary-{tool}" in f"{token(found)}{found.tokens.credential.get_secret_value()}"
        or tool == "codex"
    )
    assert found.place == str(tmp_path / FILES[tool])
    assert "canary" not in repr(found)
    after = {it: (it.read_bytes(), it.stat()) for it in tmp_path.rglob("*") if it.is_file()}
    assert {it: found[0] for it, found in after.items()} == {
        it: was[0] for it, was in before.items()
    }
    assert {it.st_mtime_ns for _, it in after.values()} == {
        it.st_mtime_ns for _, it in before.values()
    }


@pytest.mark.parametrize("tool", CLI_TOOLS)
def test_what_is_not_there_is_told_from_what_is_no_login(tmp_path: Path, tool: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        places(tmp_path).read(tool)
    assert str(tmp_path / FILES[tool]) in str(caught.value)
    leave(tmp_path, FILES[tool], "half a fil")
    with pytest.raises(NoLoginError) as broken:
        places(tmp_path).read(tool)
    assert not isinstance(broken.value, NotFoundError)


def test_a_large_file_and_one_that_cannot_be_read_are_no_logins(tmp_path: Path) -> None:
    leave(tmp_path, FILES["qwen"], "x" * (cli_places.LARGEST_BYTES + 1))
    with pytest.raises(NoLoginError, match="too large"):
        places(tmp_path).read("qwen")
    (tmp_path / FILES["claude"]).mkdir(parents=True)
    with pytest.raises(NoLoginError, match="directory"):
        places(tmp_path).read("claude")


@pytest.mark.parametrize(
    ("tool", "environ", "file"),
    [
        ("claude", {"CLAUDE_CONFIG_DIR": "moved"}, "moved/.credentials.json"),
        ("claude", {"CLAUDE_SECURESTORAGE_CONFIG_DIR": "safe", "CLAUDE_CONFIG_DIR": "x"}, "safe/.credentials.json"),
        ("claude", {"CLAUDE_SECURESTORAGE_CONFIG_DIR": "", "CLAUDE_CONFIG_DIR": "x"}, ".claude/.credentials.json"),
        ("codex", {"CODEX_HOME": "moved"}, "moved/auth.json"),
        ("gemini", {"GEMINI_CLI_HOME": "moved"}, "moved/.gemini/oauth_creds.json"),
    ],
)  # fmt: skip
def test_a_folder_that_was_moved_is_found(
    tmp_path: Path, tool: str, environ: dict[str, str], file: str
) -> None:
    content = {"claude": cli_logins.claude, "codex": cli_logins.codex, "gemini": cli_logins.gemini}
    leave(tmp_path, file, content[tool]())
    moved = {name: str(tmp_path / value) if value else "" for name, value in environ.items()}
    assert places(tmp_path, moved).read(tool).place == str(tmp_path / file)


def test_a_link_to_the_file_is_followed(tmp_path: Path) -> None:
    """Who keeps dot files in a repository has links there; the login behind is what changes."""
    target = leave(tmp_path, "dotfiles/qwen.json", cli_logins.qwen())
    (tmp_path / ".qwen").mkdir()
    (tmp_path / FILES["qwen"]).symlink_to(target)
    found = places(tmp_path)
    before = found.stamp("qwen")
    assert token(found.read("qwen")) == "canary-qwen"
    leave(tmp_path, "dotfiles/qwen.json", cli_logins.qwen(token="canary-qwen-second"))
    assert found.stamp("qwen") != before


def test_any_file_that_says_something_is_watched(tmp_path: Path) -> None:
    for tool, more in (
        ("claude", ".claude.json"), ("codex", ".codex/config.toml"),
        ("gemini", ".gemini/google_accounts.json"), ("iflow", ".iflow/settings.json"),
    ):  # fmt: skip
        found = places(tmp_path)
        before = found.stamp(tool)
        leave(tmp_path, FILES[tool], "{}")
        between = found.stamp(tool)
        leave(tmp_path, more, "{}")
        assert len({before, between, found.stamp(tool)}) == 3, tool


@pytest.mark.parametrize(
    ("environ", "service", "account"),
    [
        ({"USER": "mina"}, "Claude Code-credentials", "mina"),
        ({"USER": "mina mina"}, "Claude Code-credentials", "claude-code-user"),
        ({"USER": "m", "CLAUDE_CONFIG_DIR": "/c"}, "Claude Code-credentials-{/c}", "m"),
        (
            {"USER": "m", "CLAUDE_CONFIG_DIR": "/c", "CLAUDE_SECURESTORAGE_CONFIG_DIR": "/s"},
            "Claude Code-credentials-{/s}",
            "m",
        ),
    ],
)
def test_on_macos_claude_codes_keychain_item_comes_first(
    tmp_path: Path, environ: dict[str, str], service: str, account: str
) -> None:
    leave_all(tmp_path)
    asked: list[tuple[str, str]] = []

    def security(service: str, account: str) -> str | None:
        asked.append((service, account))
        return json.dumps(cli_logins.claude(token="from-keychain"))

    found = places(tmp_path, environ, platform="darwin", security=security).read("claude")
    for folder in ("/c", "/s"):
        service = service.replace(f"{{{folder}}}", hashlib.sha256(folder.encode()).hexdigest()[:8])
    assert asked == [(service, account)]
    assert (token(found), found.place) == ("from-keychain", f"keychain item {service}")


def test_on_macos_without_an_item_the_file_is_read(tmp_path: Path) -> None:
    leave_all(tmp_path)
    mac = places(tmp_path, platform="darwin", security=lambda *_: None)
    assert token(mac.read("claude")) == "sk-ant-oat01-canary-claude"
    assert token(mac.read("gemini")) == "ya29.canary-gemini"


def test_on_macos_gemini_clis_item_is_read_where_there_is_no_file(tmp_path: Path) -> None:
    def security(service: str, account: str) -> str | None:
        assert (service, account) == ("gemini-cli-oauth", "main-account")
        return json.dumps({"token": {"accessToken": "from-keychain"}})

    mac = places(tmp_path, platform="darwin", security=security)
    assert token(mac.read("gemini")) == "from-keychain"


def test_gemini_clis_own_encryption_is_left_alone(tmp_path: Path) -> None:
    leave(tmp_path, ".gemini/gemini-credentials.json", "canary")
    with pytest.raises(NoLoginError, match="encrypted for itself"):
        places(tmp_path).read("gemini")


def codex_backend(folder: Path, content: dict[str, Any]) -> MemoryBackend:
    digest = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    return MemoryBackend({("Codex Auth", f"cli|{digest}"): json.dumps(content)})


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (None, "in-file"),
        ('cli_auth_credentials_store = "file"', "in-file"),
        ('cli_auth_credentials_store = "keyring"', "in-keyring"),
        ('cli_auth_credentials_store = "auto"', "in-keyring"),
        ("cli_auth_credentials_store = 7", "in-file"),
        ("not = [toml", "in-file"),
    ],
)
def test_codex_keeps_its_login_where_its_settings_say(
    tmp_path: Path, settings: str | None, expected: str
) -> None:
    leave(tmp_path, FILES["codex"], {"OPENAI_API_KEY": "in-file"})
    if settings is not None:
        leave(tmp_path, ".codex/config.toml", settings)
    backend = codex_backend(tmp_path / ".codex", {"OPENAI_API_KEY": "in-keyring"})
    assert token(places(tmp_path, keyring=keyring_of(backend)).read("codex")) == expected
    assert bool(backend.calls) == (expected == "in-keyring")


def test_codex_without_its_keyring(tmp_path: Path) -> None:
    leave(tmp_path, FILES["codex"], {"OPENAI_API_KEY": "in-file"})
    leave(tmp_path, ".codex/config.toml", 'cli_auth_credentials_store = "auto"')
    assert token(places(tmp_path).read("codex")) == "in-file"
    leave(tmp_path, ".codex/config.toml", 'cli_auth_credentials_store = "keyring"')
    for keyring in (keyring_of(), keyring_of(MemoryBackend(failure=OSError()))):
        with pytest.raises(NotFoundError, match="Codex Auth"):
            places(tmp_path, keyring=keyring).read("codex")


def test_codexs_item_in_a_real_keyring(tmp_path: Path) -> None:
    """Written as the `keyring` crate does: its attributes are the ones that are searched for."""
    from contextlib import closing

    import secretstorage

    from korproxy_addons.io.vault_keyring import OsKeyring

    leave(tmp_path, ".codex/config.toml", 'cli_auth_credentials_store = "keyring"')
    digest = hashlib.sha256(str((tmp_path / ".codex").resolve()).encode()).hexdigest()[:16]
    names = {"service": "Codex Auth", "username": f"cli|{digest}"}
    attributes = {**names, "target": "default", "application": "rust-keyring"}
    (tmp_path / "desktop").mkdir()
    with secret_service(tmp_path / "desktop"):
        with closing(secretstorage.dbus_init()) as connection:
            collection = secretstorage.get_default_collection(connection)
            collection.create_item("Codex", attributes, json.dumps(cli_logins.codex()).encode())
        found = places(tmp_path, keyring=OsKeyring(patience_s=20)).read("codex")
    assert found.tokens.refresh_token == SecretStr("rt_canary-codex-refresh")


@pytest.fixture
def security(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in the place of /usr/bin/security; it answers as the real one does."""
    program = tmp_path / "security"
    program.write_text(
        "#!/bin/sh\n"
        'test "$1 $2 $4 $5" = "find-generic-password -a -w -s" || exit 2\n'
        'test "$6" = "Claude Code-credentials" || exit 44\n'
        'printf "item of %s\\n" "$3"\n'
    )
    program.chmod(0o755)
    monkeypatch.setattr(cli_places, "_SECURITY", str(program))
    return program


@pytest.mark.skipif(os.name != "posix", reason="starts a shell script")
def test_the_keychain_is_asked_by_the_systems_own_program(
    security: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask_security("Claude Code-credentials", "mina") == "item of mina"
    assert ask_security("another", "mina") is None
    security.write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr(cli_places, "_SECURITY_PATIENCE_S", 0.05)
    assert ask_security("Claude Code-credentials", "mina") is None
    security.unlink()
    assert ask_security("Claude Code-credentials", "mina") is None
