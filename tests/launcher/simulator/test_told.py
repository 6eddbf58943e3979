"""What the bytes that went out have told, in every dialect and wherever they stop."""

import json

import pytest

from launcher.simulator import SimulatorThread
from launcher.simulator.told import told
from support.asking import Question, send

WAYS = {
    "chat": "/compat-chat/v1/chat/completions",
    "responses": "/compat-responses/v1/responses",
    "anthropic": "/compat-anthropic/v1/messages",
    "gemini": "/compat-gemini/v1beta/models/sim-large:streamGenerateContent?alt=sse",
}
PROMPT = "[[sim tokens=60 cached=3 thinking=hm]]"


def asked(way: str, prompt: str = PROMPT, *, stream: bool = True) -> Question:
    path = WAYS[way]
    if way == "gemini":
        body: dict[str, object] = {"contents": [{"role": "user", "parts": [{"text": prompt}]}]}
        if not stream:
            path = path.replace("streamGenerateContent?alt=sse", "generateContent")
    elif way == "responses":
        body = {"model": "sim-large", "input": prompt, "stream": stream}
    else:
        messages = [{"role": "user", "content": prompt}]
        body = {"model": "sim-large", "messages": messages, "stream": stream, "max_tokens": 500}
        if way == "chat" and stream:
            body["stream_options"] = {"include_usage": True}
    return Question(path, body, {"authorization": "Bearer sk-compat-sim-1"})


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("way", WAYS)
def test_a_whole_reply_has_told_everything(way: str, *, stream: bool) -> None:
    with SimulatorThread() as sim:
        question = asked(way, stream=stream)
        reply = send(
            sim.base_url,
            "POST",
            question.path,
            json.dumps(question.body).encode(),
            question.headers,
        )
        assert reply.status == 200, reply.body
        (entry,) = sim.wait(lambda found: found[-1].ended_at is not None)
    assert entry.told == {name: entry.usage[name] for name in ("input_tokens", "output_tokens")}


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        # Anthropic tells the prompt at once, Gemini with every event; the others at the end alone.
        ("anthropic", {"input_tokens", "output_tokens"}),
        ("gemini", {"input_tokens", "output_tokens"}),
        ("chat", set()),
        ("responses", set()),
    ],
)
def test_a_reply_that_is_cut_has_told_what_came_before(way: str, expected: set[str]) -> None:
    with SimulatorThread() as sim:
        sim.script("cut", after=4)
        question = asked(way)
        send(
            sim.base_url,
            "POST",
            question.path,
            json.dumps(question.body).encode(),
            question.headers,
        )
        (entry,) = sim.wait(lambda found: found[-1].ended_at is not None)
    assert set(entry.told) == expected
    if expected:
        assert entry.told["input_tokens"] == entry.usage["input_tokens"]
        assert entry.told["output_tokens"] < entry.usage["output_tokens"]


def test_an_event_counts_when_it_is_whole() -> None:
    event = b'data: {"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\n'
    assert told(event) == {"input_tokens": 3, "output_tokens": 2}
    assert told(event[:-1]) == {}
    assert told(event[:-1] + b": words\n\n") == {"input_tokens": 3, "output_tokens": 2}
    assert told(event.replace(b"\n", b"\r\n")) == {"input_tokens": 3, "output_tokens": 2}


@pytest.mark.parametrize(
    "data", [b"", b"no json", b'{"usage":', b"[1]", b'{"usage": 7}', b"data: {}\n\n"]
)
def test_what_tells_nothing_tells_nothing(data: bytes) -> None:
    assert told(data) == {}
