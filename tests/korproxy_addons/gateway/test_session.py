import copy
from typing import Any

import msgspec
import pytest

from korproxy_addons.gateway.session import session_of
from support.answers import CHAT, MESSAGES
from support.asking import question
from support.legs import accounts_of, exchange_for

CONFIG = accounts_of({"a": MESSAGES})


def session(
    dialect: str, body: dict[str, Any] | None = None, headers: dict[str, str] | None = None
) -> str:
    asked = question(dialect, "m")
    asked.body.update(body or {})
    asked.headers.update(headers or {})
    return session_of(exchange_for(CONFIG, asked))


@pytest.mark.parametrize(
    "name", ["X-Claude-Code-Session-Id", "session-id", "session_id", "x-session-affinity"]
)
def test_a_tools_own_id_of_the_session_comes_first(name: str) -> None:
    body = {"prompt_cache_key": "other"}
    assert session(CHAT, body, {name: "s-1"}) == session("gemini", {}, {name: "s-1"}) == "id:s-1"


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        (CHAT, {"prompt_cache_key": "k"}),
        ("openai-responses", {"prompt_cache_key": "k"}),
        (CHAT, {"user": "k"}),
        (MESSAGES, {"metadata": {"user_id": "k"}}),
    ],
)
def test_then_what_the_body_says(dialect: str, body: dict[str, Any]) -> None:
    assert session(dialect, body) == "id:k"


def turn(role: str, text: Any) -> dict[str, Any]:
    return {"role": role, "content": text}


@pytest.mark.parametrize(
    ("dialect", "key", "first"),
    [
        (CHAT, "messages", [turn("system", "It is noon"), turn("user", "Fix the bug")]),
        (MESSAGES, "messages", [turn("user", [{"type": "text", "text": "Fix the bug"}])]),
        ("openai-responses", "input", [turn("developer", "Be brief"), turn("user", "Fix it")]),
        ("gemini", "contents", [{"role": "user", "parts": [{"text": "Fix the bug"}]}]),
        ("gemini", "contents", [{"parts": [{"text": "Fix the bug"}]}]),
    ],
)
def test_then_how_the_conversation_begins(dialect: str, key: str, first: list[Any]) -> None:
    """It stays the same while the conversation goes on, and is not that of another."""
    began = session(dialect, {key: first})
    answer: dict[str, Any] = {"role": "assistant", "content": "Done"}
    if dialect == "gemini":
        answer = {"role": "model", "parts": [{"text": "Done"}]}
    went_on = [*copy.deepcopy(first), answer, copy.deepcopy(first[-1])]
    assert began.startswith("words:")
    assert session(dialect, {key: went_on}) == began
    other = copy.deepcopy(first)
    parts = other[-1].get("parts") or other[-1]["content"]
    if isinstance(parts, str):
        other[-1]["content"] = "Something else"
    else:
        parts[0]["text"] = "Something else"
    assert session(dialect, {key: other}) != began


def test_marks_of_where_to_cache_and_the_time_of_day_do_not_change_it() -> None:
    text = {"type": "text", "text": "Fix the bug"}
    marked = {**text, "cache_control": {"type": "ephemeral"}}
    plain = session(MESSAGES, {"system": "noon", "messages": [turn("user", [text])]})
    assert plain == session(MESSAGES, {"system": "one", "messages": [turn("user", [marked])]})


def test_a_text_instead_of_turns_is_its_own_beginning() -> None:
    assert session("openai-responses", {"input": "Fix it"}).startswith("words:")


def test_the_words_themselves_are_not_kept() -> None:
    assert "bug" not in session(CHAT, {"messages": [turn("user", "bug")]})


@pytest.mark.parametrize(
    "messages",
    [[], [turn("assistant", "x")], [turn("user", [{"type": "image"}])], [turn("user", 7)], ["x"]],
)
def test_without_words_there_is_no_session(messages: list[Any]) -> None:
    asked = question(CHAT, "m")
    exchange = exchange_for(CONFIG, asked)
    assert exchange.inbound is not None
    exchange.inbound = type(exchange.inbound)(
        body=msgspec.json.encode({"model": "m", "messages": messages}),
        path_model="",
        path_stream=False,
        sse=True,
    )
    assert session_of(exchange) == ""
    exchange.inbound = None
    assert session_of(exchange) == ""


def test_an_id_of_any_length_is_cut() -> None:
    assert len(session(CHAT, {}, {"session-id": "x" * 10_000})) < 600
