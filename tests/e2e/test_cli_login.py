"""The login of an official tool, used by a running gateway: read as it lies, never renewed, and never touched."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from launcher.cli import run as run_cli
from support import cli_logins, config_file
from support.asking import Response, ask, question
from support.cli_logins import FILES, leave
from support.gateway import GatewayProcess
from support.listener import Answer, Listener

pytestmark = pytest.mark.e2e

CLAUDE_CODE = "claude-cli/2.1.0 (external, cli)"
MESSAGE = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
    "stop_sequence": None, "content": [{"type": "text", "text": "Aye"}],
    "usage": {"input_tokens": 1, "output_tokens": 1},
}  # fmt: skip
REFUSAL = {"type": "error", "error": {"type": "authentication_error", "message": "expired"}}


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's own folder."""
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    for name in ("CLAUDE_CONFIG_DIR", "CLAUDE_SECURESTORAGE_CONFIG_DIR", "KORPROXY_HOME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def provider() -> Iterator[Listener]:
    with Listener() as provider:
        provider.answer = Answer(200, json.dumps(MESSAGE).encode())
        yield provider


def sign_in(user: Path, token: str, life_s: float = 3600.0) -> Path:
    """What `claude` leaves after its owner has signed in, or after it has renewed the login."""
    content = cli_logins.claude(int((time.time() + life_s) * 1000), token)
    return leave(user, FILES["claude"], content)


def settings(home: Path, provider: Listener) -> None:
    """The account as `korproxy account import claude` writes it, at a provider on this machine."""
    home.mkdir(mode=0o700, exist_ok=True)
    assert (
        run_cli(
            ["account", "import", "claude", "--id", "mine", "--accept-terms", "--home", str(home)]
        )
        == 0
    )
    config: dict[str, Any] = config_file.read(home)
    (account,) = config["accounts"]
    assert account["secret"] == "cli:claude"
    account |= {
        "base_url": provider.url,
        "models": ["m"],
        "urls": {"token": f"{provider.url}/token"},
    }
    config_file.write(home, {**config, "providers": {"claude": {"local": True}}})


def say(gateway: GatewayProcess) -> Response:
    asked = question("anthropic-messages", "claude@mine/m")
    return ask(gateway.url, asked, **{"user-agent": CLAUDE_CODE})


def tokens_heard(provider: Listener) -> list[str]:
    headers = [{name.lower(): value for name, value in it.headers} for it in provider.heard]
    return [it.get("authorization", "").removeprefix("Bearer ") for it in headers]


def test_it_is_used_while_it_holds_and_its_owner_is_sent_to_the_tool_when_it_ends(
    user: Path, provider: Listener, capsys: pytest.CaptureFixture[str]
) -> None:
    home = user / "korproxy"
    file = sign_in(user, "canary-first")
    settings(home, provider)
    assert "canary" not in "".join(capsys.readouterr())
    before = file.read_bytes()
    with GatewayProcess(home) as gateway:
        assert say(gateway).status == 200
        assert file.read_bytes() == before
        sign_in(user, "canary-ended", life_s=-5.0)
        for _ in range(2):
            reply = say(gateway)
            assert (reply.status, reply.headers["x-korproxy-error"]) == (400, "KP-AUTH-041")
            assert "run `claude` once" in reply.body.decode()
            assert "canary" not in reply.body.decode()
        sign_in(user, "canary-renewed-by-the-tool")
        assert say(gateway).status == 200
        file.unlink()
        reply = say(gateway)
        assert (reply.status, reply.headers["x-korproxy-error"]) == (400, "KP-AUTH-040")
        sign_in(user, "canary-signed-in-again")
        assert say(gateway).status == 200
    assert tokens_heard(provider) == [
        f"canary-{it}" for it in ("first", "renewed-by-the-tool", "signed-in-again")
    ]
    assert {it.target for it in provider.heard} == {"/v1/messages"}, "nobody asked for a renewal"


def test_a_token_that_the_tool_has_replaced_meanwhile_costs_no_request(
    user: Path, provider: Listener
) -> None:
    """The provider refuses the old one; the file is read again, and the same request goes out with the new one."""
    home = user / "korproxy"
    sign_in(user, "canary-first")
    settings(home, provider)
    with GatewayProcess(home) as gateway:
        assert say(gateway).status == 200
        provider.pages["/v1/messages"] = Answer(401, json.dumps(REFUSAL).encode())
        reply = say(gateway)
        assert reply.status == 400
        assert reply.headers["x-korproxy-error"].startswith("KP-AUTH-")
        assert "claude" in reply.body.decode()
        del provider.pages["/v1/messages"]
        sign_in(user, "canary-second")
        assert say(gateway).status == 200
    assert tokens_heard(provider)[-1] == "canary-second"
    assert "/token" not in {it.target for it in provider.heard}
