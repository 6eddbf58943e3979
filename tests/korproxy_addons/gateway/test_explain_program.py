"""The program: one question on stdin, one answer on stdout, from the folder's configuration and state."""

import io
import json
import time
from pathlib import Path
from typing import Any

import pytest

from korproxy_addons.accounts.health import Health, State
from korproxy_addons.gateway.explain_program import EXIT_CONFIG, explain, main
from korproxy_addons.gateway.explain_query import Query
from korproxy_addons.io.account_state import AccountState
from korproxy_addons.io.database import open_database
from support.routing_home import routing_home

NOW = 1_800_000_000.0


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return routing_home(tmp_path / "home")


def asked(
    home: Path,
    question: bytes,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> tuple[int, dict[str, Any]]:
    stdin = io.TextIOWrapper(io.BytesIO(question))
    monkeypatch.setattr("sys.stdin", stdin)
    code = main(["--home", str(home)])
    found: dict[str, Any] = json.loads(capfdbinary.readouterr().out)
    return code, found


def test_a_folder_whose_gateway_never_ran_is_enough(home: Path) -> None:
    found = explain(home, Query(model="qwen3.8-max", kind="background"), NOW)
    assert (found.rule, found.chosen) == ("small", "b")
    assert not (home / "korproxy.db").exists()


def test_what_the_gateway_has_kept_counts(home: Path) -> None:
    database = open_database(home)
    database.open()
    waits = Health(State.NEEDS_LOGIN, None, code="KP-AUTH-004", reason="sign in again")
    AccountState(database).save_health("b", "*", waits)
    database.close()
    found = explain(home, Query(model="qwen3.8-max", kind="background"), time.time())
    assert found.chosen == ""
    (verdict,) = found.groups[0].accounts
    assert (verdict.state, "sign in again" in verdict.reason) == ("needs_login", True)


def test_a_project_s_file_names_the_profile(home: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / ".git").mkdir(parents=True)
    (project / "deep").mkdir()
    (project / ".korproxy").write_text("profile: default")
    query = Query(model="qwen3.8-max", project=str(project / "deep"))
    found = explain(home, query, NOW)
    assert (found.profile, found.profile_by) == ("default", "project-file")
    assert found.request["project"] == str(project)


def test_the_program_answers_in_json(
    home: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    code, found = asked(home, b'{"model": "qwen3.8-max"}', monkeypatch, capfdbinary)
    assert (code, found["profile"], found["rules"][0]["rule"]) == (0, "work", "small")


@pytest.mark.parametrize(
    ("question", "code"),
    [
        (b"", "KP-REQ-705"),
        (b"\xff", "KP-REQ-705"),
        (b'{"odd": 1}', "KP-REQ-705"),
        (b'{"exchange": "x"}', "KP-CONF-226"),
    ],
)
def test_what_cannot_be_answered_is_told_in_json(
    home: Path,
    question: bytes,
    code: str,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    status, found = asked(home, question, monkeypatch, capfdbinary)
    assert (status, found["error"]["code"]) == (1, code)


def test_a_configuration_that_cannot_be_used_is_told(
    home: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    (home / "config.yaml").write_text("aliases: {a: a}\n")
    status, found = asked(home, b'{"model": "m"}', monkeypatch, capfdbinary)
    assert (status, found["error"]["code"]) == (EXIT_CONFIG, "KP-CONF-201")
    assert "aliases.a" in found["error"]["detail"]
