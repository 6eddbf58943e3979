import json
from pathlib import Path
from typing import Any

import pytest

from launcher.actions import account_test
from launcher.actions.account_test import TestResult
from launcher.actions.steps import Step
from launcher.cli import run

GOOD = TestResult(
    id="one", label="one", provider="claude", access="api-key", model="claude-haiku-5-5",
    first_byte_ms=123.4, total_ms=200.0, status=200,
)  # fmt: skip
BAD = TestResult(
    id="two", label="two", provider="codex", access="api-key", outcome="failed", status=400,
    code="KP-AUTH-006", cause="The provider refused the key.", next_steps=("Get a new key.",),
)  # fmt: skip


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[dict[str, Any]]:
    """What was asked for; the answers are set by `results`."""
    calls: list[dict[str, Any]] = []

    def send_test(home: Path, account_id: str | None, **words: Any) -> tuple[TestResult, ...]:
        on_step = words.pop("on_step", None)
        if on_step is not None:
            on_step(Step(1, 2, "[one]"))
        calls.append({"home": home, "id": account_id, **words})
        return tuple(results)

    monkeypatch.setattr(account_test, "send_test", send_test)
    monkeypatch.setenv("KORPROXY_HOME", str(tmp_path))
    results[:] = [GOOD]
    return calls


results: list[TestResult] = []


def test_a_good_account_is_exit_code_0(
    asked: list[dict[str, Any]], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(["account", "test", "one", "--model", "m"]) == 0
    shown = capsys.readouterr().out
    assert "✓ one" in shown
    assert "first byte after 123 ms" in shown
    assert asked == [{"home": tmp_path, "id": "one", "model": "m", "local_key": None}]


def test_a_bad_one_is_exit_code_1_with_cause_and_next_step(
    asked: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    results[:] = [GOOD, BAD]
    assert run(["account", "test", "--all"]) == 1
    shown = capsys.readouterr().out
    assert "✕ two" in shown
    assert "KP-AUTH-006 The provider refused the key." in shown
    assert "> Get a new key." in shown
    assert run(["account", "test", "--all", "--json"]) == 1
    value = json.loads(capsys.readouterr().out)
    assert (value["ok"], [it["ok"] for it in value["results"]]) == (False, [True, False])


def test_a_local_key_comes_from_the_environment_and_never_from_the_command_line(
    asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KORPROXY_KEY", "kp-local-planted")
    assert run(["account", "test", "--all"]) == 0
    assert asked[0]["local_key"] == "kp-local-planted"


def test_one_account_or_all(
    asked: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["account", "test"]) == 2
    assert run(["account", "test", "one", "--all"]) == 2
    results[:] = []
    assert run(["account", "test", "--all"]) == 0
    assert "No account is in use" in capsys.readouterr().out


def test_a_person_sees_how_far_all_are(
    asked: list[dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert run(["account", "test", "--all", "--json"]) == 0
    assert capsys.readouterr().err == ""
    assert run(["account", "test", "--all"]) == 0
    assert "1/2 [one]" in capsys.readouterr().err
