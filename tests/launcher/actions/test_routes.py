"""A question about a route: to the gateway's own program and back."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from korproxy_addons.config.problems import ConfigProblems
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.actions import routes
from launcher.actions.routes import explain_route, looks_like_an_id, saved_request
from support.routing_home import routing_home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return routing_home(tmp_path / "home")


def test_the_program_answers(home: Path) -> None:
    found = explain_route(home, {"model": "claude-haiku-5", "tool": "cline"})
    assert (found["profile"], found["rule"]) == ("work", "")
    assert [it["outcome"] for it in found["rules"]] == ["chosen", "too late"]
    assert found["error"].startswith("No configured account serves this model")


def test_what_it_refuses_is_refused_here(home: Path) -> None:
    with pytest.raises(KorProxyError) as caught:
        explain_route(home, {"exchange": "unheard-of"})
    assert (caught.value.spec, caught.value.detail) == (catalogue.EXCHANGE_UNKNOWN, "unheard-of")
    with pytest.raises(KorProxyError) as caught:
        explain_route(home, {"modle": "x"})
    assert caught.value.spec is catalogue.FIELD_INVALID


def test_a_configuration_that_cannot_be_used_is_told(home: Path) -> None:
    (home / "config.yaml").write_text("groups: [{id: g, strategy: rr}]\n")
    with pytest.raises(KorProxyError) as caught:
        explain_route(home, {"model": "m"})
    assert not isinstance(caught.value, ConfigProblems)
    assert "groups[0].strategy" in caught.value.detail


@pytest.mark.parametrize("says", ["", "not json"])
def test_a_program_that_fails_is_an_error_of_ours(
    home: Path, monkeypatch: pytest.MonkeyPatch, says: str
) -> None:
    program = f"import sys; print({says!r}); sys.exit('Oh: no')"
    monkeypatch.setattr(routes, "explain_command", lambda _: [sys.executable, "-c", program])
    with pytest.raises(KorProxyError, match="Oh: no") as caught:
        explain_route(home, {})
    assert caught.value.spec is catalogue.INTERNAL


def test_the_question_goes_by_stdin(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be large, and others can read a process's arguments."""
    program = (
        "import json, sys; print(json.dumps({'got': json.load(sys.stdin), 'argv': sys.argv[1:]}))"
    )
    monkeypatch.setattr(routes, "explain_command", lambda _: [sys.executable, "-c", program])
    question: dict[str, Any] = {"request": "x" * 300_000}
    assert explain_route(home, question) == {"got": question, "argv": []}


def test_a_saved_request_is_read_as_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "request.json"
    path.write_bytes(json.dumps({"model": "ä"}).encode())
    assert json.loads(saved_request(path)) == {"model": "ä"}
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(KorProxyError, match="no text"):
        saved_request(path)
    with pytest.raises(KorProxyError, match="No such file"):
        saved_request(tmp_path / "none")
    monkeypatch.setattr(routes, "REQUEST_BYTES", 1)
    with pytest.raises(KorProxyError, match="more than 1 bytes"):
        saved_request(path)


@pytest.mark.parametrize(
    ("word", "is_id"),
    [
        ("kp01a202169e788e67ad7daae9f406", True),
        ("kp01a202169e788e67ad7daae9f40", False),
        ("claude-opus-5-5", False),
        ("kp-local", False),
    ],
)
def test_our_own_ids_are_told_from_models(word: str, is_id: bool) -> None:
    assert looks_like_an_id(word) is is_id
