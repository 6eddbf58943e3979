"""Replies every contract builds on."""

from launcher.simulator.call import Reply
from launcher.simulator.contracts.base import json_reply, refuse, stream_reply


def test_json_keeps_unicode_and_escapes_half_surrogates() -> None:
    assert json_reply({"a": "世\ud83d"}).body == b'{"a":"\xe4\xb8\x96\\ud83d"}'


def test_a_stream_is_not_cached() -> None:
    reply = stream_reply([b"x"], lambda _: [])
    assert reply.content_type == "text/event-stream; charset=utf-8"
    assert ("cache-control", "no-cache") in reply.headers


def test_a_refusal_carries_its_reply() -> None:
    reply = Reply(400)
    assert refuse(reply).reply is reply
