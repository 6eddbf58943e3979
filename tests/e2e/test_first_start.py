"""The first start, and one with a broken config: what there is then, and what is said."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import korproxy_addons
from korproxy_addons.errors import catalogue
from launcher.gateway_command import gateway_command
from support import config_file
from support.asking import CLIENT_KEY, DIALECTS, ask, question, send
from support.gateway import GatewayProcess, StockMitmdump, free_port

pytestmark = pytest.mark.e2e

TIMEOUT_S = 60


@pytest.fixture(scope="module", params=[GatewayProcess, StockMitmdump], ids=["engine", "mitmdump"])
def first(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    """A gateway whose folder did not exist before."""
    home = tmp_path_factory.mktemp("user") / "korproxy"
    umask = os.umask(0o002)  # as lenient as a system may be
    try:
        with request.param(home) as running:
            yield running
    finally:
        os.umask(umask)


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_what_is_written_is_the_users_own(first: GatewayProcess) -> None:
    """The folder and all in it can be read by nobody else."""
    assert stat.S_IMODE(first.home.stat().st_mode) == 0o700
    assert stat.S_IMODE((first.home / "config.yaml").stat().st_mode) == 0o600
    loose = [it for it in first.home.rglob("*") if stat.S_IMODE(it.stat().st_mode) & 0o077]
    assert loose == []


def test_the_config_says_what_can_be_put_there(first: GatewayProcess) -> None:
    """An example for each provider, in comments; what is not in comments is sound, and names no account."""
    text = config_file.text(first.home)
    for provider in ("claude", "codex", "gemini", "qwen", "iflow"):
        assert f"#    provider: {provider}\n" in text
    assert config_file.read(first.home)["version"] == 1
    assert not config_file.read(first.home)["accounts"]
    assert send(first.url, "GET", "/_korproxy/health").json["accounts_configured"] == 0


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_without_an_account_each_tool_is_told_how_to_add_one(
    first: GatewayProcess, dialect: str, stream: bool
) -> None:
    """In the dialect's envelope, in words, at once."""
    reply = ask(first.url, question(dialect, "claude-sonnet-5-5", stream=stream))
    spec = catalogue.NO_ACCOUNT
    assert (reply.status, reply.headers["x-korproxy-error"]) == (spec.status, spec.code)
    message = reply.json["error"]["message"]
    assert "config.yaml" in message
    assert "account" in message
    assert spec.code in message
    assert (reply.json.get("type") == "error") == (dialect == "anthropic-messages")
    assert ("status" in reply.json["error"]) == (dialect == "gemini")


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/v1/models", {"authorization": f"Bearer {CLIENT_KEY}"}),
        ("/v1/models", {"anthropic-version": "2023-06-01"}),
        ("/v1beta/models", {"x-goog-api-key": CLIENT_KEY}),
    ],
)
def test_without_an_account_a_list_of_models_says_so_too(
    first: GatewayProcess, path: str, headers: dict[str, str]
) -> None:
    """An empty list would look like a provider without models."""
    reply = send(first.url, "GET", path, None, headers)
    spec = catalogue.NO_ACCOUNT
    assert (reply.status, reply.headers["x-korproxy-error"]) == (spec.status, spec.code)


BROKEN = "version: 1\nlisten:\n  port: 99999\naccounts:\n  - id: mine\n    provider: claud\n"


def started(command: list[str], home: Path) -> subprocess.CompletedProcess[str]:
    """The end of a process that should end by itself."""
    environment = {**os.environ, "KORPROXY_HOME": str(home)}
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )


@pytest.mark.parametrize("way", ["engine", "korproxy engine", "mitmdump"])
def test_a_start_with_a_broken_config_ends_at_once_and_says_why(way: str, tmp_path: Path) -> None:
    """Every problem, with its line, as people read it; an exit code that tells a supervisor not to try again."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    config_file.write(home, BROKEN)
    script = Path(korproxy_addons.__file__).with_name("entry.py")
    mode = f"reverse:http://korproxy.invalid@127.0.0.1:{free_port()}"
    commands = {
        "engine": gateway_command(home=home, port=0),
        "korproxy engine": [sys.executable, "-m", "launcher", "engine", "--home", str(home)],
        "mitmdump": [
            str(Path(sys.executable).with_name("mitmdump")), "-s", str(script), "--mode", mode,
        ],
    }  # fmt: skip
    ended = started(commands[way], home)
    said = ended.stdout + ended.stderr
    assert ended.returncode == (1 if way == "mitmdump" else 78), said
    for line, key in ((3, "listen.port"), (6, "accounts[0].provider")):
        assert f"{home / 'config.yaml'}:{line}:" in said.replace("\n", "")
        assert key in said
    assert "claude" in said
    if way != "mitmdump":
        assert "Traceback" not in said
        assert ended.stderr.startswith("KP-CONF-")
