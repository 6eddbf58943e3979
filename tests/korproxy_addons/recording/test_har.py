"""Recordings as an HTTP archive: what the format asks for, what other programs read, and what is in none of it."""

import base64
import io
import json
from typing import Any

from mitmproxy import http
from mitmproxy.io import FlowReader
from msgspec import structs
from pydantic import SecretStr

from korproxy_addons.recording.har import har_of, overhead_ms
from korproxy_addons.recording.record import BodyShape, RecordedAttempt, RecordedMessage
from korproxy_addons.recording.redact import Redactor
from support.har_format import faults
from support.recordings import ASKED, STARTED_AT, recording, saying

SECRET = "canary-that-looks-like-nothing"


def entries(*recordings: Any) -> list[dict[str, Any]]:
    archive = har_of(recordings)
    assert faults(archive) == []
    found: list[dict[str, Any]] = archive["log"]["entries"]
    return found


def test_an_exchange_is_a_page_with_its_legs() -> None:
    archive = har_of([recording()])
    assert faults(archive) == []
    (page,) = archive["log"]["pages"]
    assert page["id"] == recording().id
    assert page["title"] == "claude-code: claude-opus-5-5"
    legs = [(it["_kp"]["leg"], it["response"]["status"]) for it in archive["log"]["entries"]]
    assert legs == [("client", 200), ("upstream", 503), ("upstream", 200)]


def test_the_clients_leg_says_how_it_went() -> None:
    client = entries(recording())[0]
    assert client["startedDateTime"] == "2026-09-21T14:13:20.250+00:00"
    assert (client["time"], client["timings"]["wait"]) == (91.0, 60.5)
    assert client["request"]["queryString"] == [{"name": "beta", "value": "true"}]
    assert json.loads(client["request"]["postData"]["text"]) == ASKED
    assert client["request"]["postData"]["mimeType"] == "application/json"
    assert client["response"]["content"]["mimeType"].startswith("text/event-stream")
    kp = client["_kp"]
    assert (kp["request_id"], kp["requested_model"], kp["tool"]) == (
        "request-1",
        "claude-opus-5-5",
        "claude-code",
    )
    assert [it["account"] for it in kp["attempts"]] == ["First", "Second"]
    assert kp["why"] == ["first candidate", "failover"]
    assert kp["overhead_ms"] == 91.0 - 19.0 - 66.5


def test_an_attempt_says_where_it_went_and_how_long_it_took() -> None:
    _, first, second = entries(recording())
    assert first["_kp"]["code"] == "KP-PROV-103"
    assert second["startedDateTime"] > first["startedDateTime"]
    assert (second["time"], second["timings"]["wait"]) == (66.5, 36.5)
    assert second["request"]["url"] == "https://api.openai.com/v1/chat/completions"
    assert (second["_kp"]["provider"], second["_kp"]["model"]) == ("codex", "gpt-6")


def test_an_attempt_that_never_left_has_no_entry() -> None:
    """It is named beside the client's request."""
    unsent = RecordedAttempt(
        number=1, account="a", label="A", provider="claude", access="api-key", dialect="x", model="m",
        code="KP-AUTH-001",
    )  # fmt: skip
    (client,) = entries(recording(attempts=(unsent,), first_byte_ms=None))
    (attempt,) = client["_kp"]["attempts"]
    assert (attempt["sent"], attempt["code"]) == (False, "KP-AUTH-001")
    assert client["timings"]["wait"] == client["time"]


def test_a_reply_that_never_came_has_status_0() -> None:
    first = structs.replace(recording().attempts[0], reply=None, first_byte_ms=None, ended_ms=None)
    client, attempt = entries(recording(reply=None, attempts=(first,)))
    for it in (client, attempt):
        assert it["response"]["status"] == 0
        assert it["response"]["content"]["comment"] == "there was no reply"
    assert attempt["time"] == 89.0


def test_shapes_alone_say_so() -> None:
    shape = BodyShape(kind="json", bytes=1234, sha256_8="deadbeef", skeleton={"model": "text[5]"})
    message = RecordedMessage(
        method="POST", url="http://127.0.0.1:1337/v1/messages", note="shapes only", shape=shape
    )
    reply = RecordedMessage(status=599, note="shapes only", shape=shape)
    (client,) = entries(recording(mode="shapes", request=message, reply=reply, attempts=()))
    assert client["request"]["bodySize"] == 1234
    assert client["request"]["postData"]["comment"] == "shapes only"
    assert "text" not in client["response"]["content"]
    assert client["response"]["statusText"] == ""
    assert client["_kp"]["reply_body"]["sha256_8"] == "deadbeef"
    assert client["_kp"]["request_body"]["skeleton"] == {"model": "text[5]"}


def test_a_body_that_was_cut_says_how_much_is_missing() -> None:
    reply = RecordedMessage(status=200, body="abc", cut_bytes=10, note="longer than is kept")
    (client,) = entries(recording(reply=reply, attempts=()))
    assert client["response"]["content"]["size"] == 13
    assert client["response"]["content"]["text"] == "abc"
    assert client["_kp"]["reply_body"]["cut_bytes"] == 10


def test_what_is_no_text_goes_as_base64() -> None:
    data = b"\xff\x00" + SECRET.encode()
    body = base64.b64encode(data).decode()
    asked = RecordedMessage(method="POST", url="http://h/", body=body, base64=True)
    reply = RecordedMessage(status=200, body=body, base64=True)
    redactor = Redactor()
    redactor.learn([SecretStr(SECRET)])
    archive = har_of([recording(request=asked, reply=reply, attempts=())], redactor)
    assert faults(archive) == []
    (client,) = archive["log"]["entries"]
    assert client["response"]["content"]["encoding"] == "base64"
    kept = base64.b64decode(client["response"]["content"]["text"])
    assert kept.startswith(b"\xff\x00")
    assert SECRET.encode() not in kept
    assert client["request"]["postData"]["comment"] == "base64 of bytes"
    assert SECRET.encode() not in base64.b64decode(client["request"]["postData"]["text"])


def test_what_became_a_secret_later_is_taken_out_on_export() -> None:
    """Wherever it stands, names of fields among it."""
    shape = BodyShape(kind="json", bytes=3, skeleton={SECRET: [SECRET]})
    told = structs.replace(
        saying(200, f'{{"said": "{SECRET}"}}', ("x-odd", SECRET)), note=SECRET, shape=shape
    )
    first = structs.replace(recording().attempts[0], label=SECRET, reply=told)
    odd = recording(
        reply=told,
        attempts=(first,),
        why=(SECRET,),
        tool=SECRET,
        request=RecordedMessage(method="GET", url=f"http://h/{SECRET}?a={SECRET}"),
    )
    redactor = Redactor()
    redactor.learn([SecretStr(SECRET)])
    archive = har_of([odd], redactor)
    assert faults(archive) == []
    assert SECRET in json.dumps(har_of([odd]))
    assert SECRET not in json.dumps(archive)


def test_what_looks_like_a_secret_is_taken_out_without_being_known() -> None:
    key = "sk-ant-" + "a1b2c3d4e5f6"
    assert key not in json.dumps(har_of([recording(reply=saying(200, f"key {key}"))]))


def test_a_secret_that_is_split_over_events_is_taken_out() -> None:
    """Each event holds a piece; none of them would be found alone."""
    pieces = [SECRET[:9], SECRET[9:20], SECRET[20:]]
    events = [
        {"choices": [{"index": 0, "delta": {"content": it}, "finish_reason": None}]}
        for it in pieces
    ]
    body = "".join(f"data: {json.dumps(it)}\n\n" for it in events)
    redactor = Redactor()
    redactor.learn([SecretStr(SECRET)])
    text = json.dumps(har_of([recording(reply=saying(200, body), attempts=())], redactor))
    assert [it for it in pieces if it in text] == []


def test_exchanges_stand_in_the_order_of_their_beginnings() -> None:
    later = recording(id="b", started_at=STARTED_AT + 1)
    archive = har_of([later, recording()])
    assert [it["id"] for it in archive["log"]["pages"]] == [recording().id, "b"]
    assert har_of([])["log"]["entries"] == []


def test_no_time_is_below_zero() -> None:
    """Whatever odd order the clock's readings stand in."""
    odd = structs.replace(recording().attempts[0], sent_ms=50.0, first_byte_ms=40.0, ended_ms=45.0)
    assert entries(recording(attempts=(odd,), total_ms=30.0))
    assert overhead_ms(recording(attempts=(odd,), total_ms=30.0)) == 30.0
    assert overhead_ms(recording(attempts=())) == 91.0


def test_mitmproxy_opens_it() -> None:
    """The same requests and replies come out."""
    file = io.BytesIO(json.dumps(har_of([recording()])).encode())
    flows = [it for it in FlowReader(file).stream() if isinstance(it, http.HTTPFlow)]
    assert [it.request.path for it in flows] == [
        "/v1/messages?beta=true",
        "/v1/chat/completions",
        "/v1/chat/completions",
    ]
    assert [it.response.status_code for it in flows if it.response] == [200, 503, 200]
    assert json.loads(flows[0].request.content or b"") == ASKED
    assert flows[2].response is not None
    assert flows[2].response.text == recording().attempts[1].reply.body  # type: ignore[union-attr] # it has one
