"""
A canary for each secret of vault and logins, and all the places where none of them may turn up.

After requests, renewals that succeed and fail, refusals that repeat the token, commands, an exception, and a kill -9.
"""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from korproxy_addons.auth.tokens import TokenSet
from korproxy_addons.io.vault_key import KeyKind, VaultKey
from korproxy_addons.io.vault_opening import open_vault
from support import cli_logins, config_file
from support.asking import Response, ask, question, send
from support.cli_logins import leave
from support.gateway import GatewayProcess
from support.keyrings import gnome_keyring
from support.listener import Answer, Listener
from support.sources import ROOT
from support.vaults import api_key

pytestmark = pytest.mark.e2e

CLAUDE_CODE = "claude-cli/2.1.0 (external, cli)"
KEY = VaultKey(bytes(range(100, 132)), KeyKind.FILE)
API_KEY = "canary-api-key-in-the-vault-a1"
CLI_TOKEN = "canary-token-of-an-official-tool-a2"
CLI_REFRESH = "canary-qwen-refresh"
LOGINS = ("fine", "live", "dead", "down", "refused")
MESSAGE = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
    "stop_sequence": None, "content": [{"type": "text", "text": "Aye"}],
    "usage": {"input_tokens": 1, "output_tokens": 1},
}  # fmt: skip


def access(name: str) -> str:
    return f"canary-access-of-{name}-b1"


def refresh(name: str) -> str:
    return f"canary-refresh-of-{name}-b2"


def renewed(name: str) -> str:
    return f"canary-renewed-access-of-{name}-b3"


def next_refresh(name: str) -> str:
    return f"canary-next-refresh-of-{name}-b4"


CANARIES = (
    API_KEY,
    CLI_TOKEN,
    CLI_REFRESH,
    *(make(name) for name in LOGINS for make in (access, refresh)),
    renewed("live"),
    next_refresh("live"),
    "canary-id-token",
    KEY.text().get_secret_value(),
    KEY.value().hex(),
)


@dataclass
class Run:
    """
    Everything a run has left behind.

    Attributes:
        places: Name of a place to the text that was found there.
        replies: What clients were told, by account.
        heard: What the provider was sent.
        key_kind: Where the vault's key was kept.
    """

    places: dict[str, str] = field(default_factory=dict)
    replies: dict[str, Response] = field(default_factory=dict)
    heard: str = ""
    key_kind: str = ""

    def leaks(self) -> list[tuple[str, str]]:
        """Place and canary of each find."""
        found = [(name, it) for name, text in self.places.items() for it in CANARIES if it in text]
        told = [(name, it) for name, reply in self.replies.items() for it in CANARIES
                if it in f"{reply.headers} {reply.body.decode(errors='replace')}"]  # fmt: skip
        return found + told


def login_of(name: str, now: float) -> TokenSet:
    """A login that has ended, but for the ones whose token is to be used as it is."""
    ended = name not in ("fine", "refused")
    return TokenSet(
        access_token=SecretStr(access(name)),
        refresh_token=SecretStr(refresh(name)),
        id_token=SecretStr("canary-id-token"),
        obtained_at=now - 30_000,
        expires_at=now - 60 if ended else now + 20_000,
        facts={"email": "mina@example.com"},
    )


def settings(url: str) -> dict[str, Any]:
    plain = {
        name: {
            "dialect": "openai-chat", "base_url": f"{url}/{name}/v1", "local": True,
            "list_models": False, "models": ["m"],
        }
        for name in ("by-key", "by-tool")
    }  # fmt: skip
    accounts: list[dict[str, Any]] = [
        {"id": "by-key", "provider": "by-key", "secret": "vault:key"},
        {"id": "by-tool", "provider": "by-tool", "secret": "cli:qwen"},
    ]
    accounts += [
        {
            "id": name, "provider": "claude", "access": "subscription", "secret": f"vault:{name}",
            "consent": True, "base_url": f"{url}/{name}", "models": ["m"],
            "urls": {"token": f"{url}/{name}/token", "quota": f"{url}/{name}/quota"},
        }
        for name in LOGINS
    ]  # fmt: skip
    return {
        "version": 1,
        "providers": {**plain, "claude": {"local": True}},
        "accounts": accounts,
        "logging": {"level": "debug"},
    }


def pages() -> dict[str, Answer]:
    """What the provider says; some repeat what they refuse."""
    new = {
        "access_token": renewed("live"), "refresh_token": next_refresh("live"), "expires_in": 28_800,
        "token_type": "Bearer", "scope": "user:inference user:profile",
    }  # fmt: skip
    dead = {"error": "invalid_grant", "error_description": f"no such token {refresh('dead')}"}
    refusal = {"type": "error", "error": {"type": "authentication_error", "message": f"bad token {access('refused')}"}}  # fmt: skip
    whole = json.dumps(MESSAGE).encode()
    return {
        "/fine/v1/messages": Answer(200, whole),
        "/live/token": Answer(200, json.dumps(new).encode()),
        "/live/v1/messages": Answer(200, whole),
        "/dead/token": Answer(400, json.dumps(dead).encode()),
        "/down/token": Answer(500, f"down: {refresh('down')}".encode()),
        "/refused/v1/messages": Answer(401, json.dumps(refusal).encode()),
        "/refused/token": Answer(400, json.dumps({"error": "invalid_grant"}).encode()),
    }


def start(home: Path, environment: dict[str, str], place: str) -> GatewayProcess:
    """The gateway, with its log in the terminal too, and an exception planted somewhere if `place` says so."""
    options = ["--home", str(home), "--port", "0", "--ready-json"]
    module = ["korproxy_addons"] if not place else ["support.planted", place]
    return GatewayProcess(home, [sys.executable, "-m", *module, *options], environment)


@dataclass(frozen=True)
class Kind:
    """A way to live and to end."""

    keyring: bool
    end: signal.Signals
    planted: str = ""


KINDS = {
    "key file, stopped": Kind(keyring=False, end=signal.SIGTERM),
    "real keyring, killed": Kind(keyring=True, end=signal.SIGKILL),
    "key file, exceptions": Kind(
        keyring=False,
        end=signal.SIGKILL,
        planted="korproxy_addons.gateway.reply_road:ReplyRoad.hold",
    ),
    "key file, exceptions in the vault": Kind(
        keyring=False, end=signal.SIGTERM, planted="korproxy_addons.io.vault_entries:Entries.put"
    ),
}


@pytest.fixture(scope="module", params=KINDS.values(), ids=list(KINDS))
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A day of a gateway with a vault; then everything it has left behind."""
    if os.name != "posix":
        pytest.skip("looks into /proc, and kills as POSIX does")
    kind: Kind = request.param
    everything = tmp_path_factory.mktemp("everything")
    home, temporary = everything / "korproxy", everything / "temporary"
    temporary.mkdir()
    outside = tmp_path_factory.mktemp("outside")
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        environment = {"HOME": str(everything), "TMPDIR": str(temporary)}
        if kind.keyring:
            environment |= stack.enter_context(gnome_keyring(outside))
        else:
            environment["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
            environment["KORPROXY_VAULT_KEY_FILE"] = str(outside / "key")
            (outside / "key").write_text(KEY.text().get_secret_value())
            (outside / "key").chmod(0o600)
        paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
        for name, value in {**environment, "PYTHONPATH": paths}.items():
            patch.setenv(name, value)
        tool = cli_logins.qwen(int((time.time() + 9000) * 1000), CLI_TOKEN)
        leave(everything, cli_logins.FILES["qwen"], tool)
        vault = open_vault(home)
        vault.save("key", api_key(API_KEY))
        for name in LOGINS:
            vault.save(name, login_of(name, time.time()))
        found = Run()
        assert vault.key is not None
        found.key_kind = vault.key.kind.name
        provider = stack.enter_context(Listener())
        provider.pages = pages()
        config_file.write(home, settings(provider.url))
        gateway = stack.enter_context(start(home, environment, kind.planted))
        live(gateway, found)
        for name in ("cmdline", "environ"):
            place = Path("/proc") / str(gateway.process.pid) / name
            if place.exists():  # Linux
                found.places[name] = place.read_text()
        gateway.process.send_signal(kind.end)
        gateway.stop()
        commands(home, found)
        found.heard = "".join(it.text for it in provider.heard)
    found.places["terminal"] = gateway.errors
    for path in everything.rglob("*"):
        if path.is_file() and ".qwen" not in path.parts:
            text = path.read_bytes().decode("latin-1")
            found.places[path.relative_to(everything).as_posix()] = text
    return found


def live(gateway: GatewayProcess, found: Run) -> None:
    """Each account is asked twice: what failed once must not be told the second time either."""
    for turn in range(2):
        for name in ("by-key", "by-tool"):
            asked = question("openai-chat", f"{name}@{name}/m")
            found.replies[f"{name} {turn}"] = ask(gateway.url, asked)
        for name in LOGINS:
            asked = question("anthropic-messages", f"claude@{name}/m")
            reply = ask(gateway.url, asked, **{"user-agent": CLAUDE_CODE})
            found.replies[f"{name} {turn}"] = reply
    for path in ("/metrics", "/_korproxy/health", "/v1/models"):
        reply = send(gateway.url, "GET", path, None, {})
        found.places[f"GET {path}"] = f"{reply.headers} {reply.body.decode()}"


def commands(home: Path, found: Run) -> None:
    """What the command line says of the same folder, a rotation of the key and an error among it."""
    for arguments in (
        ["vault", "status"], ["vault", "status", "--json"], ["account", "list", "--json"],
        ["account", "show", "live"], ["config", "check"], ["vault", "restore"], ["vault", "rotate"],
    ):  # fmt: skip
        command = [sys.executable, "-m", "launcher", *arguments, "--home", str(home)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        found.places[f"korproxy {' '.join(arguments)}"] = done.stdout + done.stderr
        assert done.stdout + done.stderr
        assert "Traceback" not in done.stderr


def test_the_run_was_one(run: Run, request: pytest.FixtureRequest) -> None:
    """The canaries were all out there: the provider heard the tokens, the renewal happened, the failures failed."""
    planted = KINDS[request.node.callspec.id].planted
    for canary in (API_KEY, CLI_TOKEN, access("fine"), access("refused"), refresh("live")):
        assert canary in run.heard, canary
    assert {name for name in ("dead", "down") if refresh(name) in run.heard} == {"dead", "down"}
    if not planted:
        assert renewed("live") in run.heard
        told = {name: it.status for name, it in run.replies.items() if name.endswith(" 0")}
        assert [name for name, status in told.items() if status == 200] == [
            "by-key 0", "by-tool 0", "fine 0", "live 0",
        ]  # fmt: skip
    assert "korproxy/vault.bin" in run.places
    assert "korproxy/logs/gateway.jsonl" in run.places
    assert ("environ" in run.places) == Path("/proc/self/environ").exists()


def test_no_secret_is_left_anywhere(run: Run) -> None:
    """Logs, terminal, database, config, vault, lock files, pages, arguments, environment, commands, replies."""
    assert run.leaks() == []


def test_what_the_person_can_do_is_said(run: Run) -> None:
    """A login that is lost says so, whatever the provider's words were."""
    for name in ("dead", "refused"):
        body = run.replies[f"{name} 1"].body.decode()
        assert "KP-AUTH-" in body or "KP-SYS-" in body, body


def test_no_traceback_reaches_anybody(run: Run) -> None:
    assert [name for name, text in run.places.items() if "Traceback" in text] == []


def test_the_vault_was_where_it_should_be(run: Run, request: pytest.FixtureRequest) -> None:
    expected = "KEYRING" if "keyring" in request.node.callspec.id else "FILE"
    assert run.key_kind == expected
