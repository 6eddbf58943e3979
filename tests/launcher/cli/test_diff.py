"""`korproxy diff`: what people and scripts are shown of a recording."""

import json
from pathlib import Path

import pytest
from msgspec import structs

from korproxy_addons.errors.catalogue import RECORDING_UNKNOWN
from korproxy_addons.recording.bodies import BodyDifference, How
from korproxy_addons.recording.record import BodyShape, RecordedMessage, Recording
from launcher.cli.diff import said_of
from support.command import Output, called, failed, printed
from support.recordings import JSON, keep, recording, saying


@pytest.fixture
def home(tmp_path: Path) -> Path:
    keep(tmp_path, recording())
    return tmp_path


def shown(home: Path, output: Output, changed: Recording, *more: str) -> str:
    keep(home, changed)
    return printed(home, output, "diff", *more)


def test_people_see_each_attempt(
    home: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    text = printed(home, capsys, "diff")
    for line in (
        f"{recording().id}  claude-code asked for claude-opus-5-5",
        "Attempt 1  First  codex gpt-6  503 KP-PROV-103",
        "  It said: overloaded",
        "    ~ url: http://127.0.0.1:1337/v1/messages?beta=true → https://api.openai.com/v1/chat/completions",
        "      - anthropic-version: 2023-06-01",
        '      ~ model: "claude-opus-5-5" → "gpt-6"',
        "Attempt 2  Second  codex gpt-6  200",
        "  Request: as in the attempt before.",
        "      + x-korproxy-account: Second",
    ):
        assert line in text.splitlines()
    assert "max_completion_tokens" not in text
    assert text.count("in what they say:") == 2


def test_all_of_it_is_there_for_who_asks(home: Path, capsys: Output) -> None:
    text = printed(home, capsys, "diff", "--full", "0001")
    assert "        + max_completion_tokens: 64" in text.splitlines()
    assert "        - [0].object" in text


def test_no_line_is_wider_than_the_terminal(
    home: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = printed(home, capsys, "diff")
    changes = [it for it in text.splitlines() if it.lstrip()[:2] in ("- ", "+ ", "~ ")]
    assert len(changes) > 8
    assert max(map(len, changes)) <= 80


def test_scripts_get_one_object(home: Path, capsys: Output) -> None:
    value = called(home, capsys, "diff", "request-1")
    assert value["id"] == recording().id
    assert [it["status"] for it in value["attempts"]] == [503, 200]
    request = value["attempts"][1]["request"]
    assert request["body"]["dialects"] == ["anthropic-messages", "openai-chat"]
    assert request["body"]["meaning"] == [
        {"path": "model", "kind": "changed", "before": "claude-opus-5-5", "after": "gpt-6"}
    ]


def test_what_passes_is_said_to_be_the_same(tmp_path: Path, capsys: Output) -> None:
    whole = recording(client_dialect="openai-chat")
    attempt = structs.replace(whole.attempts[1], request=whole.request)
    text = shown(tmp_path, capsys, structs.replace(whole, attempts=(attempt,), reply=attempt.reply))
    assert text.count("the same, byte for byte") == 2
    assert "headers:" not in text


def test_each_connections_own_fields_stand_in_one_line(tmp_path: Path, capsys: Output) -> None:
    first = structs.replace(
        recording().request, headers=(("host", "a"), ("content-length", "1"), JSON)
    )
    sent = structs.replace(recording().request, headers=(("content-length", "2"), JSON))
    attempt = structs.replace(recording().attempts[0], request=sent)
    text = shown(tmp_path, capsys, recording(request=first, attempts=(attempt,)))
    assert "      and of each connection's own: host, content-length" in text
    assert "      - host: a" in printed(tmp_path, capsys, "diff", "--full")


def test_shapes_say_why_they_cannot(tmp_path: Path, capsys: Output) -> None:
    def shaped(mark: str, length: int) -> RecordedMessage:
        shape = BodyShape(
            kind="json", bytes=length, sha256_8=mark, skeleton={"model": f"text[{length}]"}
        )
        return structs.replace(recording().request, body=None, note="shapes only", shape=shape)

    attempt = structs.replace(recording().attempts[0], request=shaped("b", 12))
    changed = recording(mode="shapes", request=shaped("a", 10), attempts=(attempt,))
    text = shown(tmp_path, capsys, changed)
    assert "Shapes only: what was said is not recorded, so it cannot be compared." in text
    assert (
        "body: not the same as far as is known; 10 bytes became 12 bytes; what their shapes show:"
        in text
    )
    assert '~ model: "text[10]" → "text[12]"' in text


def test_our_own_words_are_said_to_be(tmp_path: Path, capsys: Output) -> None:
    text = shown(tmp_path, capsys, recording(attempts=(), reply=saying(400, "{}", JSON)))
    assert "Nothing was sent on: KorProxy answered by itself." in text
    text = shown(tmp_path, capsys, recording(reply=saying(504, "{}", JSON)))
    assert "The client was answered by KorProxy, in its own words." in text


def test_an_attempt_that_never_left(tmp_path: Path, capsys: Output) -> None:
    unsent = structs.replace(recording().attempts[0], request=None, reply=None, code="KP-AUTH-001")
    text = shown(tmp_path, capsys, recording(attempts=(unsent,)))
    assert "no reply KP-AUTH-001" in text
    assert "  It was never sent." in text


def test_what_could_not_be_said_there_is_named(tmp_path: Path, capsys: Output) -> None:
    text = shown(tmp_path, capsys, recording(losses=("cache_control: left out",)))
    assert "No words for it there: cache_control: left out" in text


def test_without_a_recording_it_says_how_to_make_one(tmp_path: Path, capsys: Output) -> None:
    code, text = failed(tmp_path, capsys, "diff")
    assert code == 1
    assert RECORDING_UNKNOWN.code in text
    assert "korproxy record on" in text
    assert "Traceback" not in text
    code, text = failed(tmp_path, capsys, "diff", "nothing", "--json")
    assert json.loads(text)["error"]["code"] == RECORDING_UNKNOWN.code


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (BodyDifference(how=How.SAME, before_bytes=0), "none"),
        (BodyDifference(how=How.SAME, before_bytes=1200), "the same, byte for byte (1,200 bytes)"),
        (
            BodyDifference(how=How.SAME_JSON, before_bytes=5, after_bytes=4),
            "the same values, written another way; 5 bytes became 4 bytes",
        ),
        (
            BodyDifference(how=How.UNKNOWN),
            "not the same as far as is known; an unknown length became an unknown length",
        ),
        (
            BodyDifference(how=How.CHANGED, dialects=("a", "b"), before_bytes=1, after_bytes=2),
            "a became b; 1 byte became 2 bytes",
        ),
        (
            BodyDifference(how=How.CHANGED, dialects=("a", "b"), meaning=(), before_bytes=1, after_bytes=2),
            "a became b; 1 byte became 2 bytes; in what they say, the same",
        ),
        (BodyDifference(how=How.CHANGED, before_bytes=1, after_bytes=2), "1 byte became 2 bytes"),
    ],
)  # fmt: skip
def test_how_two_bodies_stand_in_words(body: BodyDifference, words: str) -> None:
    assert said_of(body) == words
