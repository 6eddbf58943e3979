"""
Where the official tools keep their logins on this machine: read, never written.

Files are found as the tool itself finds them, environment variables included. On macOS keychain items are read by
`/usr/bin/security`, which is what Claude Code writes its own with.
"""

import hashlib
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from korproxy_addons.auth.tokens import TokenSet
from korproxy_addons.config.secret_ref import CLI_TOOLS
from korproxy_addons.io.cli_schemas import (
    NoLoginError,
    read_claude,
    read_codex,
    read_gemini,
    read_gemini_item,
    read_iflow,
    read_qwen,
)
from korproxy_addons.io.private_file import Signature, signature
from korproxy_addons.io.vault_keyring import KeyringLockedError, NoKeyringError, OsKeyring

LARGEST_BYTES = 1024 * 1024
_SECURITY = "/usr/bin/security"
_SECURITY_PATIENCE_S = 30.0
_PLAIN_USER = re.compile(r"[A-Za-z0-9._-]+\Z")


@dataclass(frozen=True, slots=True)
class CliTool:
    """
    An official tool.

    Attributes:
        id: What follows `cli:`.
        name: As its maker calls it.
        command: What its owner runs to sign in or to renew.
        provider: Id of the provider that its login belongs to.
        access: Id of the way in that such a login opens.
    """

    id: str
    name: str
    command: str
    provider: str
    access: str


TOOLS: Mapping[str, CliTool] = MappingProxyType(
    {
        "claude": CliTool("claude", "Claude Code", "claude", "claude", "subscription"),
        "codex": CliTool("codex", "Codex CLI", "codex login", "codex", "chatgpt"),
        "gemini": CliTool("gemini", "Gemini CLI", "gemini", "gemini", "code-assist"),
        "qwen": CliTool("qwen", "Qwen Code", "qwen", "qwen", "oauth"),
        "iflow": CliTool("iflow", "iFlow CLI", "iflow", "iflow", "login"),
    }
)
"""Every tool of `CLI_TOOLS`, by id."""
assert tuple(TOOLS) == CLI_TOOLS


@dataclass(frozen=True, slots=True)
class Found:
    """
    A login that was found.

    Attributes:
        tokens: The login.
        place: Where, as a person is told it.
    """

    tokens: TokenSet
    place: str


class NotFoundError(NoLoginError):
    """There is nothing at the place where the tool keeps its login; the message names the place."""


def ask_security(service: str, account: str) -> str | None:
    """A generic password of the macOS keychain; None if there is none, or it is not given to us."""
    command = [_SECURITY, "find-generic-password", "-a", account, "-w", "-s", service]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program, no shell
            command, capture_output=True, timeout=_SECURITY_PATIENCE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode:
        return None
    return done.stdout.decode(errors="replace").strip() or None


@dataclass(frozen=True, slots=True)
class CliPlaces:
    """
    The places of one user.

    Args:
        environ: Environment variables.
        home: The user's own folder.
        platform: As `sys.platform` has it.
        keyring: The system's keyring, for Codex.
        security: Reads an item of the macOS keychain: service, account.
    """

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    home: Path = field(default_factory=Path.home)
    platform: str = sys.platform
    keyring: OsKeyring = field(default_factory=OsKeyring)
    security: Callable[[str, str], str | None] = ask_security

    def stamp(self, tool: str) -> tuple[Signature | None, ...]:
        """What changes when the tool writes its files; a few calls of `stat`."""
        return tuple(signature(path.resolve()) for path in self._files(tool))

    def read(self, tool: str) -> Found:
        """
        The tool's login, as it is at this moment. May take as long as a keychain's owner takes to answer.

        Raises:
            NotFoundError: There is nothing.
            NoLoginError: What lies there is none that could be used.
        """
        match tool:
            case "claude":
                return self._claude()
            case "codex":
                return self._codex()
            case "gemini":
                return self._gemini()
            case "qwen":
                file = self._files(tool)[0]
                return Found(read_qwen(_text(file)), str(file))
            case _:
                file, accounts, settings = self._files("iflow")
                tokens = read_iflow(_text(file), _maybe(accounts), _maybe(settings))
                return Found(tokens, str(file))

    def _files(self, tool: str) -> tuple[Path, ...]:
        """The file of the login first, then those that say more of it."""
        match tool:
            case "claude":
                folder = self._claude_folder()
                return folder / ".credentials.json", self._claude_profile()
            case "codex":
                folder = self._folder("CODEX_HOME", ".codex")
                return folder / "auth.json", folder / "config.toml"
            case "gemini":
                # the variable moves the user's folder, not Gemini's in it
                named = self.environ.get("GEMINI_CLI_HOME")
                folder = (Path(named) if named else self.home) / ".gemini"
                return folder / "oauth_creds.json", folder / "google_accounts.json"
            case "qwen":
                return (self.home / ".qwen" / "oauth_creds.json",)
            case _:
                folder = self.home / ".iflow"
                names = ("oauth_creds.json", "iflow_accounts.json", "settings.json")
                first, second, third = (folder / name for name in names)
                return first, second, third

    def _folder(self, variable: str, name: str) -> Path:
        named = self.environ.get(variable)
        return Path(named) if named else self.home / name

    def _claude_folder(self) -> Path:
        moved = self.environ.get("CLAUDE_SECURESTORAGE_CONFIG_DIR")
        if moved is not None:
            return Path(moved) if moved else self.home / ".claude"
        return self._folder("CLAUDE_CONFIG_DIR", ".claude")

    def _claude_profile(self) -> Path:
        named = self.environ.get("CLAUDE_CONFIG_DIR")
        return (Path(named) if named else self.home) / ".claude.json"

    def _claude(self) -> Found:
        file, profile = self._files("claude")
        if self.platform == "darwin":
            service, account = self._claude_item()
            item = self.security(service, account)
            if item is not None:
                return Found(read_claude(item, _maybe(profile)), f"keychain item {service}")
        return Found(read_claude(_text(file), _maybe(profile)), str(file))

    def _claude_item(self) -> tuple[str, str]:
        """Service and account of Claude Code's keychain item: a folder that was moved has an item of its own."""
        moved = self.environ.get("CLAUDE_SECURESTORAGE_CONFIG_DIR")
        if moved is None:
            moved = self.environ.get("CLAUDE_CONFIG_DIR")
        suffix = f"-{hashlib.sha256(moved.encode()).hexdigest()[:8]}" if moved else ""
        user = self.environ.get("USER", "")
        account = user if _PLAIN_USER.match(user) else "claude-code-user"
        return f"Claude Code-credentials{suffix}", account

    def _codex(self) -> Found:
        file, settings = self._files("codex")
        store = _codex_store(_maybe(settings))
        if store in ("keyring", "auto"):
            item = self._codex_item(file.parent)
            if item is not None:
                return Found(read_codex(item), "keyring item Codex Auth")
            if store == "keyring":
                raise NotFoundError("the keyring item Codex Auth")
        return Found(read_codex(_text(file)), str(file))

    def _codex_item(self, folder: Path) -> str | None:
        digest = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
        try:
            return self.keyring.read_text("Codex Auth", f"cli|{digest}")
        except (NoKeyringError, KeyringLockedError):
            return None

    def _gemini(self) -> Found:
        file, accounts = self._files("gemini")
        if not file.exists() and self.platform == "darwin":
            item = self.security("gemini-cli-oauth", "main-account")
            if item is not None:
                return Found(read_gemini_item(item), "keychain item gemini-cli-oauth")
        if not file.exists() and file.with_name("gemini-credentials.json").exists():
            raise NoLoginError(
                "Gemini CLI keeps its login encrypted for itself (GEMINI_FORCE_ENCRYPTED_FILE_STORAGE)"
            )
        return Found(read_gemini(_text(file), _maybe(accounts)), str(file))


def _codex_store(settings: str | None) -> str:
    """Where Codex was told to keep its login: file, keyring, auto, ephemeral."""
    if settings is None:
        return "file"
    try:
        found = tomllib.loads(settings).get("cli_auth_credentials_store")
    except tomllib.TOMLDecodeError:
        return "file"
    return found if isinstance(found, str) else "file"


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST_BYTES + 1)
    except FileNotFoundError:
        raise NotFoundError(str(file)) from None
    except OSError as error:
        raise NoLoginError(f"{file}: {error.strerror or type(error).__name__}") from None
    if len(content) > LARGEST_BYTES:
        raise NoLoginError(f"{file} is too large for a login")
    return content.decode("utf-8", "replace")


def _maybe(file: Path) -> str | None:
    """A file that says more, if it is there; `.claude.json` may be large, and is then done without."""
    try:
        return _text(file)
    except NoLoginError:
        return None
