import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from korproxy_addons.auth.states import cancelled
from launcher.actions import connect
from launcher.actions.offers import Offer
from launcher.cli import run
from launcher.login import typed


class Terminal(io.StringIO):
    """A person at the keyboard."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    key = tmp_path / "key"
    key.write_text("q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\n")
    key.chmod(0o600)
    monkeypatch.setenv("KORPROXY_VAULT_KEY_FILE", str(key))
    monkeypatch.setenv("KORPROXY_HOME", str(folder))
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    return folder


def add(
    capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0
) -> tuple[dict[str, Any], str]:
    assert run(["account", "add", *arguments, "--json"]) == code
    told = capsys.readouterr()
    return json.loads(told.out), told.err


def pipe(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def sit_down(monkeypatch: pytest.MonkeyPatch, text: str = "", key: str = "") -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(text))
    monkeypatch.setattr(typed, "read_key", lambda _: key)


def test_a_key_is_piped_in(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe(monkeypatch, "sk-planted-key\n")
    value, told = add(capsys, "claude", "--key", "--label", "Work")
    assert (value["account"]["id"], value["account"]["label"]) == ("claude-api-key", "Work")
    assert "planted" not in told + json.dumps(value)
    assert b"planted" not in (home / "config.yaml").read_bytes()
    assert b"planted" not in (home / "vault.bin").read_bytes()


def test_the_result_is_said_in_words(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe(monkeypatch, "sk-1")
    assert run(["account", "add", "claude"]) == 0
    shown = capsys.readouterr().out
    assert "Connected: claude-api-key" in shown
    assert "korproxy account test claude-api-key" in shown
    pipe(monkeypatch, "sk-2")
    assert run(["account", "add", "claude", "--key", "--replace", "claude-api-key"]) == 0
    assert "Reconnected" in capsys.readouterr().out


def test_a_key_may_stay_where_it_is(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    value, _ = add(capsys, "gemini", "--secret", "env:GEMINI_API_KEY", "--id", "mine")
    assert (value["account"]["id"], value["account"]["secret"]) == ("mine", "env:GEMINI_API_KEY")
    assert not (home / "vault.bin").exists()


def test_a_key_on_the_command_line_is_not_taken(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The arguments of a process are everybody's to read."""
    assert run(["account", "add", "claude", "--key", "sk-planted"]) == 2
    value, _ = add(capsys, "claude", "--secret", "sk-planted", code=1)
    assert value["error"]["code"].startswith("KP-CONF")
    assert "sk-planted" not in json.dumps(value)


def test_a_person_chooses_the_way_in(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sit_down(monkeypatch, "3\n")
    value, told = add(capsys, "claude")
    assert value["account"]["access"] == "own-login"
    assert "how do you want to connect it?" in told
    assert "at-risk" in told
    sit_down(monkeypatch, "9\n")
    assert run(["account", "add", "claude"]) == 2


def test_what_is_over_is_not_among_the_choices(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sit_down(monkeypatch, "1\ncn\n", key="sk-1")
    _, told = add(capsys, "qwen")
    assert "region: cn" in (home / "config.yaml").read_text()
    assert "Coding Plan key" in told
    assert "Qwen login" not in told


def test_where_all_is_over_nobody_is_asked_to_choose(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sit_down(monkeypatch)
    value, told = add(capsys, "iflow", code=1)
    assert value["error"]["code"] == "KP-PROV-108"
    assert "korproxy account add qwen --access coding-plan" in value["error"]["detail"]
    assert "Choose" not in told


def test_a_retired_login_is_explained_and_never_attempted(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def attempted(*_: object, **__: object) -> None:
        raise AssertionError("a sign-in began")

    monkeypatch.setattr(connect, "connect_login", attempted)
    for arguments in (["qwen", "--device"], ["qwen", "--access", "oauth"], ["iflow"]):
        value, _ = add(capsys, *arguments, "--accept-terms", code=1)
        assert value["error"]["code"] == "KP-PROV-108"
        assert "2026-04-1" in value["error"]["detail"]


def test_terms_are_shown_and_agreed_to_first(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def signed_in(home: Path, offer: Any, wishes: Any, *_: Any, **__: Any) -> Any:
        assert wishes.consent
        return connect.connect_without_secret(home, offer, wishes, "env:TOKEN")

    monkeypatch.setattr(connect, "connect_login", signed_in)
    value, told = add(capsys, "codex", "--access", "chatgpt", code=1)
    assert value["error"]["code"] == "KP-AUTH-011"
    assert "Tolerated by OpenAI" in told
    sit_down(monkeypatch, "n\n")
    value, _ = add(capsys, "codex", "--access", "chatgpt", code=1)
    assert value["error"]["state"] == "AUTH_CANCELLED"
    sit_down(monkeypatch, "y\n")
    value, _ = add(capsys, "codex", "--access", "chatgpt")
    assert "consent: true" in (home / "config.yaml").read_text()
    assert value["account"]["state"] == "ready"


def test_a_chatgpt_plan_is_signed_in_to_by_the_official_way_unless_another_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = []

    async def stopped(_: object, offer: Offer, *__: object, **___: object) -> None:
        chosen.append(offer.way.access.id)
        raise cancelled("seen")

    monkeypatch.setattr(connect, "connect_login", stopped)
    add(capsys, "codex", "--paste", code=1)
    add(capsys, "codex", "--device", "--accept-terms", code=1)
    assert chosen == ["siwc", "chatgpt"]


def test_whoever_stops_is_told_so(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(connect, "connect_login", stopped)
    value, _ = add(capsys, "codex", "--access", "siwc", code=1)
    assert value["error"]["state"] == "AUTH_CANCELLED"
    assert value["error"]["title"] == "Connection was cancelled"
    assert value["error"]["remedy"] == ["Try again when you are ready."]


def test_a_failed_sign_in_says_what_happened_and_what_to_do(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def denied(*_: object, **__: object) -> None:
        raise cancelled("access_denied")

    monkeypatch.setattr(connect, "connect_login", denied)
    assert run(["account", "add", "codex", "--access", "siwc"]) == 1
    told = capsys.readouterr().err
    assert "KP-AUTH-020 Connection was cancelled" in told
    assert "> Try again when you are ready." in told


@pytest.mark.parametrize(
    "arguments",
    [
        ["claude", "--key", "--paste"],
        ["codex", "--device", "--from-cli"],
        [],
        ["cursor", "--from-cli"],
    ],
)
def test_a_wrong_call_is_exit_code_2(home: Path, arguments: list[str]) -> None:
    assert run(["account", "add", *arguments]) == 2


def test_what_is_not_offered_is_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["nope"], ["claude", "--access", "nope"], ["gemini", "--device"]):
        value, _ = add(capsys, *arguments, code=1)
        assert value["error"]["code"] == "KP-AUTH-022"
