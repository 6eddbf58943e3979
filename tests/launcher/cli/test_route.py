"""`korproxy route explain`: what is asked, and how the answer looks."""

import json
from copy import deepcopy
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from launcher.actions import routes
from support.command import Output, called, failed, printed
from support.routing_home import routing_home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return routing_home(tmp_path / "home")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The questions that are asked; each gets the least answer there is."""
    questions: list[dict[str, Any]] = []

    def explain_route(_: Path, question: dict[str, Any]) -> dict[str, Any]:
        questions.append(question)
        return ANSWER

    monkeypatch.setattr(routes, "explain_route", explain_route)
    return questions


ANSWER: dict[str, Any] = {
    "request": {
        "dialect": "gemini", "tool": "cline", "model": "quick", "resolved_model": "haiku",
        "kinds": ["chat", "background"], "input_tokens": 120, "project": "/src/x",
        "at": "2026-11-22T12:00:00+00:00",
    },
    "profile": "work", "profile_by": "project-file",
    "rules": [
        {"rule": "one", "outcome": "no match", "reason": "tool is cline, not codex"},
        {"rule": "two", "outcome": "chosen", "reason": "group cheap"},
        {"rule": "three", "outcome": "disabled", "reason": ""},
    ],
    "rule": "two", "why": ["rule:two", "set:effort"], "parameters": {"effort": "low"},
    "groups": [{
        "group": "cheap", "strategy": "round-robin", "sticky": True,
        "accounts": [
            {"account": "b", "label": "B", "model": "haiku", "chosen": True, "reason": "ready",
             "state": "available", "until": None, "code": "", "used_percent": 41.5},
            {"account": "c", "label": "C", "model": "haiku", "chosen": False, "reason": "rests",
             "state": "rate_limited", "until": "2026-11-22T12:00:30+00:00", "code": "KP-RATE-401",
             "used_percent": None},
        ],
    }],
    "refused": {"d": "KP-AUTH-011 It needs consent"}, "chosen": "b", "error": "",
    "recorded": {"at": "2026-11-21T10:00:00", "account": "c", "outcome": "error", "code": "KP-X", "why": ""},
    "notes": ["A note."],
}  # fmt: skip


def test_a_word_is_a_model_an_id_or_a_file(
    home: Path, tmp_path: Path, capsys: Output, asked: list[dict[str, Any]]
) -> None:
    saved = tmp_path / "saved.json"
    saved.write_text('{"model": "m"}')
    for word in ("claude-opus", "kp01a202169e788e67ad7daae9f406", str(saved)):
        called(home, capsys, "route", "explain", word)
    called(home, capsys, "route", "explain", "my-own-id", "--exchange")
    said = [{key: it[key] for key in ("model", "exchange", "request") if key in it} for it in asked]
    assert said == [
        {"model": "claude-opus"},
        {"exchange": "kp01a202169e788e67ad7daae9f406"},
        {"request": '{"model": "m"}'},
        {"exchange": "my-own-id"},
    ]


def test_every_option_is_part_of_the_question(
    home: Path, tmp_path: Path, capsys: Output, asked: list[dict[str, Any]]
) -> None:
    called(
        home, capsys, "route", "explain", "m", "--tool", "cline", "--dialect", "gemini", "--profile",
        "work", "--key", "k", "--project", str(tmp_path), "--header", "x-a=b", "--kind", "vision",
        "--input-tokens", "7", "--at", "2026-11-22T09:30",
    )  # fmt: skip
    assert asked == [
        {
            "model": "m", "tool": "cline", "dialect": "gemini", "profile": "work", "key": "k",
            "project": str(tmp_path), "headers": {"x-a": "b"}, "kind": "vision", "input_tokens": 7,
            "at": "2026-11-22T09:30",
        }
    ]  # fmt: skip


def test_the_whole_answer_is_shown_to_people(
    home: Path, capsys: Output, asked: list[dict[str, Any]]
) -> None:
    text = printed(home, capsys, "route", "explain", "m")
    for line in (
        "quick → haiku",
        "cline · gemini · chat, background · about 120 tokens · /src/x",
        "Profile work, named by .korproxy in its project",
        "sets effort = low",
        "Group cheap (round-robin, sticky)",
        "d: KP-AUTH-011 It needs consent",
        "→ b  (X-KorProxy-Why: rule:two, set:effort)",
        "Then, 2026-11-21T10:00:00: c, error KP-X; no reason noted",
        "A note.",
    ):
        assert line in text, line
    rows = [" ".join(line.split()) for line in text.splitlines()]
    assert "✓ 2 two group cheap" in rows
    assert "· 1 one tool is cline, not codex" in rows
    assert "○ 3 three disabled" in rows
    assert "→ b haiku available 41.5 % used ready" in rows
    at = datetime.fromisoformat("2026-11-22T12:00:30+00:00").astimezone()
    assert f"· c haiku rate limited until {at:%H:%M:%S} rests" in rows


def test_a_rest_of_days_is_told_with_its_date(
    home: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = deepcopy(ANSWER)
    answer["groups"][0]["accounts"][1]["until"] = "2026-11-29T12:00:30+00:00"
    monkeypatch.setattr(routes, "explain_route", lambda _home, _question: answer)
    text = printed(home, capsys, "route", "explain", "m")
    at = datetime.fromisoformat("2026-11-29T12:00:30+00:00").astimezone()
    assert f"{at:%Y-%m-%d %H:%M}" in " ".join(text.split())


def test_where_nobody_serves_the_error_is_shown(
    home: Path, capsys: Output, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = {**ANSWER, "chosen": "", "groups": [], "rules": [], "recorded": {}, "error": "Nobody."}
    monkeypatch.setattr(routes, "explain_route", lambda *_: nobody)
    text = printed(home, capsys, "route", "explain", "m")
    assert "✗ Nobody." in text
    assert "no rules" in text


def test_what_becomes_of_a_saved_request_is_shown(
    home: Path, capsys: Output, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = [
        {"feature": "stop", "detail": "5 of 9", "serious": True}, {"feature": "seed", "detail": "", "serious": False},
    ]  # fmt: skip
    crossing = {"dialect": "gemini", "native": False, "losses": losses, "error": "", "code": ""}
    monkeypatch.setattr(routes, "explain_route", lambda *_: {**ANSWER, "crossing": crossing})
    text = printed(home, capsys, "route", "explain", "m")
    for line in ("  translated to gemini", "  left out: stop: 5 of 9", "  left out: seed\n"):
        assert line in text, line
    native = {**crossing, "native": True, "losses": [], "error": "It cannot be sent."}
    monkeypatch.setattr(routes, "explain_route", lambda *_: {**ANSWER, "crossing": native})
    text = printed(home, capsys, "route", "explain", "m")
    assert "  as it is, in gemini\n  ✗ It cannot be sent." in text


def test_through_the_real_program(home: Path, tmp_path: Path, capsys: Output) -> None:
    saved = tmp_path / "saved.json"
    body = {
        "model": "qwen3.8-max",
        "messages": [{"role": "user", "content": "hi"}],
        "max_tokens": 5,
    }
    saved.write_text(json.dumps(body))
    found = called(home, capsys, "route", "explain", str(saved))
    assert (found["rule"], found["chosen"]) == ("small", "b")
    assert (found["crossing"]["dialect"], found["crossing"]["native"]) == ("openai-chat", True)
    code, text = failed(home, capsys, "route", "explain", "m", "--profile", "x")
    assert (code, "KP-CONF-220" in text) == (1, True)
