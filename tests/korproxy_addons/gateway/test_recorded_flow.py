import base64
from io import BytesIO
from typing import Any

import pytest
from mitmproxy.http import HTTPFlow
from mitmproxy.io import FlowReader
from msgspec import structs

from korproxy_addons.gateway.recorded_flow import flow_file, flows_of
from korproxy_addons.recording.record import BodyShape, RecordedMessage, Recording
from support.recordings import STARTED_AT, recording


def read(data: bytes) -> list[HTTPFlow]:
    found = list(FlowReader(BytesIO(data)).stream())
    assert all(isinstance(it, HTTPFlow) for it in found)
    return [it for it in found if isinstance(it, HTTPFlow)]


def asking(**fields: Any) -> Recording:
    made = recording()
    return structs.replace(made, request=structs.replace(made.request, **fields))


def test_mitmproxy_reads_what_was_written() -> None:
    """The client's flow first, then each attempt's, with times, addresses and comments."""
    made = recording()
    client, first, second = read(flow_file(made))
    assert client.request.pretty_url == "http://127.0.0.1:1337/v1/messages?beta=true"
    assert client.request.headers["anthropic-version"] == "2023-06-01"
    assert client.request.text == made.request.body
    assert made.reply is not None
    assert client.response is not None
    assert (client.response.status_code, client.response.text) == (200, made.reply.body)
    assert (client.request.timestamp_start, client.response.timestamp_end) == (
        STARTED_AT,
        STARTED_AT + 0.091,
    )
    assert client.comment == "request-1: claude-code and KorProxy (first candidate, failover)"
    assert client.metadata == {"korproxy_id": made.id, "korproxy_request_id": "request-1"}
    assert first.request.pretty_url == "https://api.openai.com/v1/chat/completions"
    assert (first.server_conn.address, first.server_conn.tls, first.server_conn.sni) == (
        ("api.openai.com", 443), True, "api.openai.com",
    )  # fmt: skip
    assert first.response is not None
    assert (first.response.status_code, first.comment) == (
        503,
        "request-1: attempt 1, First (KP-PROV-103)",
    )
    assert second.response is not None
    assert (second.response.status_code, second.metadata["korproxy_attempt"]) == (200, 2)
    assert second.request.timestamp_start == STARTED_AT + 0.0235


def test_several_files_one_behind_the_other_are_one() -> None:
    """So that a program without mitmproxy can put them together."""
    assert len(read(flow_file(recording()) * 3)) == 9


def test_one_that_nobody_answered_is_an_error() -> None:
    made = recording()
    lonely = structs.replace(made.attempts[0], reply=None)
    unsent = structs.replace(made.attempts[0], request=None)
    client, attempt = read(
        flow_file(structs.replace(made, attempts=(unsent, lonely), reply=None, why=(), tool=""))
    )
    assert (client.response, client.error, client.comment) == (
        None,
        None,
        "request-1: client and KorProxy",
    )
    assert attempt.error is not None
    assert (attempt.response, attempt.error.msg) == (None, "KP-PROV-103")


@pytest.mark.parametrize(
    ("fields", "content"),
    [
        ({"body": "é"}, "é".encode()),
        ({"body": base64.b64encode(b"\0\xff").decode(), "base64": True}, b"\0\xff"),
        ({"body": None, "shape": BodyShape(kind="json", bytes=9)}, None),
        ({"body": None, "shape": BodyShape(kind="empty", bytes=0)}, b""),
        ({"body": None}, None),
    ],
)
def test_a_body_is_there_or_said_to_be_missing(
    fields: dict[str, Any], content: bytes | None
) -> None:
    (client, *_) = read(flow_file(asking(**fields)))
    assert client.request.raw_content == content


def test_the_length_is_that_of_what_is_there() -> None:
    """Headers that speak of the body as it was sent would have it misread."""
    headers = (
        ("Content-Length", "999"),
        ("content-encoding", "gzip"),
        ("Transfer-Encoding", "chunked"),
        ("x", "y"),
    )
    (client, *_) = flows_of(asking(headers=headers, body="abc"))
    assert client.request.headers.fields == ((b"x", b"y"), (b"content-length", b"3"))
    (client, *_) = flows_of(asking(headers=headers, body=None))
    assert client.request.headers.fields == ((b"x", b"y"),)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://h.example", "http://h.example/"),
        ("", "http://localhost/"),
        ("https://h.example:8443/a?b=c", "https://h.example:8443/a?b=c"),
    ],
)
def test_any_address_can_be_shown(url: str, shown: str) -> None:
    (client, *_) = read(flow_file(asking(url=url)))
    assert client.request.pretty_url == shown


def test_a_reply_without_a_status_is_none() -> None:
    made = structs.replace(recording(), reply=RecordedMessage())
    assert flows_of(made)[0].response is None
