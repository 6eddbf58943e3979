"""A recorded request, made ready to be sent again."""

import json
from typing import Any

import pytest
from msgspec import structs

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.recording.record import RecordedMessage
from korproxy_addons.recording.redact import MASK
from korproxy_addons.recording.replay import USER_AGENT, replay_of
from support.recordings import ASKED, asking, recording


def refusal(**changed: Any) -> KorProxyError:
    with pytest.raises(KorProxyError) as raised:
        replay_of(recording(**changed))
    return raised.value


def test_the_same_request_goes_again() -> None:
    """Byte for byte, to the same path."""
    found = replay_of(recording())
    assert (found.method, found.target) == ("POST", "/v1/messages?beta=true")
    assert found.body == recording().request.body
    assert found.model == "claude-opus-5-5"


def test_what_is_hidden_is_not_sent_and_is_named() -> None:
    request = asking(
        f"http://127.0.0.1:1337/p/office/v1/messages?key={MASK}&beta=true",
        ASKED,
        ("Authorization", MASK),
        ("x-session", "sha256:0badf00d"),
        ("anthropic-beta", "context-1m"),
    )
    found = replay_of(recording(request=request))
    names = [name.lower() for name, _ in found.headers]
    assert names == ["content-type", "anthropic-beta", "user-agent"]
    assert found.target == "/p/office/v1/messages?beta=true"
    assert found.notes[0] == (
        "not in the recording, so not sent: a key in the query, authorization, x-session"
    )


def test_a_query_of_nothing_but_a_key_goes_with_it() -> None:
    request = asking(f"http://h/v1/messages?key={MASK}", ASKED)
    assert replay_of(recording(request=request)).target == "/v1/messages"
    quoted = asking("http://h/v1/messages?key=%5Bredacted%5D", ASKED)
    assert replay_of(recording(request=quoted)).target == "/v1/messages"


def test_it_does_not_pretend_to_be_the_tool() -> None:
    """A login that serves one tool alone must not be had by a replay."""
    found = replay_of(recording())
    assert [value for name, value in found.headers if name.lower() == "user-agent"] == [USER_AGENT]
    assert any("not as claude-code" in it for it in found.notes)
    for nobody in ("", "korproxy"):
        assert not any("not as" in it for it in replay_of(recording(tool=nobody)).notes)


@pytest.mark.parametrize("name", ["Host", "Content-Length", "Accept-Encoding", "X-Request-Id"])
def test_what_belongs_to_the_first_sending_stays_behind(name: str) -> None:
    found = replay_of(recording(request=asking("http://h/v1/messages", ASKED, (name, "1"))))
    assert name not in dict(found.headers)


def test_secrets_that_were_taken_out_are_counted() -> None:
    one = structs.replace(recording().request, masked=1)
    two = structs.replace(recording().request, masked=2)
    assert any(
        it.startswith("one secret was taken") for it in replay_of(recording(request=one)).notes
    )
    assert any(it.startswith("2 secrets were") for it in replay_of(recording(request=two)).notes)


def test_another_model_stands_where_the_first_one_stood() -> None:
    found = replay_of(recording(), "codex/gpt-6")
    assert json.loads(found.body) == {**ASKED, "model": "codex/gpt-6"}
    assert found.model == "codex/gpt-6"
    gemini = asking("http://h/v1beta/models/gemini-4-pro:streamGenerateContent?alt=sse", {"a": "é"})
    found = replay_of(recording(request=gemini), "codex/gpt-6")
    assert found.target == "/v1beta/models/codex%2Fgpt-6:streamGenerateContent?alt=sse"
    assert found.body == gemini.body


@pytest.mark.parametrize("body", [[1], {"input": "no model"}])
def test_without_a_model_there_is_nothing_to_change(body: Any) -> None:
    request = asking("http://h/v1/messages", body)
    with pytest.raises(KorProxyError) as raised:
        replay_of(recording(request=request), "codex/gpt-6")
    assert raised.value.spec is catalogue.CANNOT_REPLAY
    assert replay_of(recording(request=request)).body == json.dumps(body)


def test_what_is_no_json_names_no_model() -> None:
    request = RecordedMessage(method="POST", url="http://h/v1/messages", body="oops")
    with pytest.raises(KorProxyError):
        replay_of(recording(request=request), "codex/gpt-6")


def test_shapes_cannot_be_sent() -> None:
    assert refusal(mode="shapes").spec is catalogue.RECORDING_WITHOUT_CONTENT


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"cut_bytes": 1234}, "the last 1,234 bytes of its body were not kept"),
        ({"ended": False}, "the client broke off before it was whole"),
        ({"base64": True, "body": "AAEC"}, "its body is no text"),
        ({"body": None, "note": "the disk was full"}, "the disk was full"),
    ],
)
def test_half_a_request_is_not_sent(changed: dict[str, Any], why: str) -> None:
    error = refusal(request=structs.replace(recording().request, **changed))
    assert error.spec is catalogue.CANNOT_REPLAY
    assert error.detail == f"recording {recording().id}: {why}"


def test_a_request_without_a_body_has_none_again() -> None:
    request = RecordedMessage(method="GET", url="http://h/v1/models")
    found = replay_of(recording(request=request))
    assert (found.method, found.target, found.body) == ("GET", "/v1/models", "")


def test_a_socket_is_told_of() -> None:
    assert any("WebSocket" in it for it in replay_of(recording(over_socket=True)).notes)
    assert not any("WebSocket" in it for it in replay_of(recording()).notes)
