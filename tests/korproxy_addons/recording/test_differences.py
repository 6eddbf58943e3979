"""What became of an exchange on its way, told from its recording."""

import json
from typing import Any

import pytest
from msgspec import structs

from korproxy_addons.recording.answer import Answer, Call
from korproxy_addons.recording.bodies import How
from korproxy_addons.recording.differences import (
    AttemptDifference,
    answer_of,
    answers_differ,
    difference_of,
    usage_of,
)
from korproxy_addons.recording.record import BodyShape, RecordedMessage, Recording
from korproxy_addons.recording.redact import MASK
from support.recordings import (
    ASKED,
    JSON,
    SENT,
    asking,
    chat_stream,
    messages_stream,
    recording,
    saying,
)


def last(changed: Recording) -> AttemptDifference:
    return difference_of(changed).attempts[-1]


def told(changes: Any) -> list[tuple[str, str, Any, Any]]:
    return [(it.path, it.kind.value, it.before, it.after) for it in changes]


def native(body: Any = None, reply: str | None = None, came: str | None = None) -> Recording:
    """A client of Chat with an upstream of Chat."""
    whole = recording(client_dialect="openai-chat")
    client = asking("http://127.0.0.1:1337/v1/chat/completions", SENT if body is None else body)
    attempt = structs.replace(
        whole.attempts[1], reply=saying(200, chat_stream() if came is None else came)
    )
    given = saying(200, chat_stream() if reply is None else reply)
    return structs.replace(whole, request=client, attempts=(attempt,), reply=given)


def test_each_attempt_is_told_of() -> None:
    found = difference_of(recording())
    assert (found.tool, found.dialect, found.model) == (
        "claude-code",
        "anthropic-messages",
        "claude-opus-5-5",
    )
    first, second = found.attempts
    assert (first.number, first.account, first.status, first.code) == (
        1,
        "First",
        503,
        "KP-PROV-103",
    )
    assert first.error == "overloaded"
    assert first.reply is None
    assert (second.status, second.error, second.code) == (200, "", "")
    assert second.reply is not None
    assert not found.own_reply


def test_the_request_by_line_and_header() -> None:
    request = last(recording()).request
    assert request is not None
    assert told(request.line) == [
        (
            "url",
            "changed",
            "http://127.0.0.1:1337/v1/messages?beta=true",
            "https://api.openai.com/v1/chat/completions",
        )
    ]
    assert [(it.path, it.kind.value) for it in request.headers] == [
        ("x-api-key", "removed"),
        ("anthropic-version", "removed"),
        ("user-agent", "removed"),
        ("authorization", "added"),
    ]


def test_a_request_in_another_dialect_by_field_and_by_meaning() -> None:
    request = last(recording()).request
    assert request is not None
    body = request.body
    assert body.dialects == ("anthropic-messages", "openai-chat")
    assert told(body.changes) == [
        ("model", "changed", "claude-opus-5-5", "gpt-6"),
        ("max_tokens", "removed", 64, None),
        ("max_completion_tokens", "added", None, 64),
        ("stream_options", "added", None, {"include_usage": True}),
    ]
    assert told(body.meaning) == [("model", "changed", "claude-opus-5-5", "gpt-6")]
    assert body.before_bytes == len(json.dumps(ASKED))


def test_a_streamed_reply_in_another_dialect_says_the_same_but_for_the_model() -> None:
    reply = last(recording()).reply
    assert reply is not None
    assert reply.body.how is How.CHANGED
    assert told(reply.body.meaning) == [("model", "changed", "gpt-6", "claude-opus-5-5")]
    assert told(reply.line) == []
    assert ("x-korproxy-account", "added") in [(it.path, it.kind) for it in reply.headers]


def test_a_reply_that_says_something_else_is_found_out() -> None:
    found = last(recording(reply=saying(200, messages_stream("Nay", model="gpt-6")))).reply
    assert found is not None
    assert told(found.body.meaning) == [("text", "changed", "Aye", "Nay")]


def test_bytes_that_passed_are_the_same() -> None:
    found = last(native())
    assert found.request is not None
    assert found.reply is not None
    assert found.request.body.how is How.SAME
    assert found.reply.body.how is How.SAME
    assert found.reply.body.changes == ()
    assert found.reply.body.dialects is None


def test_json_written_another_way_is_told_from_bytes_that_passed() -> None:
    spaced = structs.replace(native(), request=asking("http://h/", SENT))
    spaced = structs.replace(
        spaced, request=structs.replace(spaced.request, body=json.dumps(SENT, indent=2))
    )
    found = last(spaced).request
    assert found is not None
    assert found.body.how is How.SAME_JSON


def test_events_of_one_dialect_are_compared_one_by_one() -> None:
    """The second event has another text; the path says which event."""
    found = last(native(came=chat_stream("Aye"), reply=chat_stream("Axe"))).reply
    assert found is not None
    assert told(found.body.changes) == [("[1].choices[0].delta.content", "changed", "y", "x")]
    assert told(found.body.meaning) == [("text", "changed", "Aye", "Axe")]


def test_a_whole_reply_is_compared_by_path() -> None:
    whole = {
        "id": "1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Aye"}}],
    }
    other = {**whole, "id": "2"}
    changed = native()
    attempt = structs.replace(changed.attempts[0], reply=saying(200, json.dumps(whole), JSON))
    changed = structs.replace(
        changed, attempts=(attempt,), reply=saying(200, json.dumps(other), JSON)
    )
    found = last(changed).reply
    assert found is not None
    assert told(found.body.changes) == [("id", "changed", "1", "2")]
    assert found.body.meaning == ()


def test_what_is_no_json_is_compared_as_text() -> None:
    html = saying(502, "<html>a</html>", ("content-type", "text/html"))
    changed = native()
    attempt = structs.replace(changed.attempts[0], reply=html)
    changed = structs.replace(
        changed, attempts=(attempt,), reply=structs.replace(html, body="<html>b</html>")
    )
    found = last(changed)
    assert found.reply is not None
    assert told(found.reply.body.changes) == [("", "changed", "<html>a</html>", "<html>b</html>")]


def test_equal_masks_are_not_taken_for_equal_values() -> None:
    """Two credentials that are both taken out: what can be told is that neither is shown."""
    changed = native()
    client = asking("http://h/", SENT, ("Authorization", MASK), ("x-app", "sha256:12345678"))
    sent = asking("http://h/", SENT, ("authorization", MASK), ("x-app", "sha256:12345678"))
    attempt = structs.replace(changed.attempts[0], request=sent)
    found = last(structs.replace(changed, request=client, attempts=(attempt,))).request
    assert found is not None
    assert told(found.headers) == [("authorization", "changed", MASK, MASK)]


def test_a_header_that_stands_twice_is_one() -> None:
    changed = native()
    client = asking("http://h/", SENT, ("x-a", "1"), ("X-A", "2"))
    sent = asking("http://h/", SENT, ("x-a", "1, 2"))
    attempt = structs.replace(changed.attempts[0], request=sent)
    found = last(structs.replace(changed, request=client, attempts=(attempt,))).request
    assert found is not None
    assert found.headers == ()


def shaped(**shape: Any) -> RecordedMessage:
    return RecordedMessage(
        method="POST", url="http://h/", note="shapes only", shape=BodyShape(kind="json", **shape)
    )


def with_requests(client: RecordedMessage, sent: RecordedMessage) -> AttemptDifference:
    changed = native()
    attempt = structs.replace(changed.attempts[0], request=sent)
    return last(structs.replace(changed, request=client, attempts=(attempt,)))


def test_shapes_alone_say_why_nothing_can_be_compared_and_what_the_shapes_show() -> None:
    found = with_requests(
        shaped(bytes=10, sha256_8="a", skeleton={"model": "text[3]", "n": "number"}),
        shaped(bytes=12, sha256_8="b", skeleton={"model": "text[5]"}),
    ).request
    assert found is not None
    body = found.body
    assert (body.how, body.note) == (How.UNKNOWN, "shapes only")
    assert (body.before_bytes, body.after_bytes) == (10, 12)
    assert told(body.changes) == [
        ("model", "changed", "text[3]", "text[5]"),
        ("n", "removed", "number", None),
    ]


def test_shapes_with_one_hash_are_of_one_body() -> None:
    found = with_requests(shaped(bytes=10, sha256_8="a"), shaped(bytes=10, sha256_8="a")).request
    assert found is not None
    assert found.body.how is How.SAME


def test_shapes_without_a_hash_prove_nothing() -> None:
    found = with_requests(shaped(bytes=10), shaped(bytes=10)).request
    assert found is not None
    assert found.body.how is How.UNKNOWN


def test_a_body_that_was_cut_is_compared_as_far_as_it_goes() -> None:
    cut = structs.replace(saying(200, chat_stream(done=False)), cut_bytes=1234)
    changed = native()
    found = last(structs.replace(changed, reply=cut, attempts=(changed.attempts[0],))).reply
    assert found is not None
    assert found.body.how is How.CHANGED
    assert found.body.note == "the second goes on for 1,234 bytes that were not kept"
    assert {it.kind.value for it in found.body.changes} == {"removed"}


def test_a_reply_that_broke_off_says_so() -> None:
    changed = native(reply="data: {}\n\n")
    assert changed.reply is not None
    broken = structs.replace(changed.reply, ended=False)
    found = last(structs.replace(changed, reply=broken)).reply
    assert found is not None
    assert found.body.note == "the second broke off"


def test_what_is_no_text_is_not_compared() -> None:
    sound = RecordedMessage(method="POST", url="http://h/", body="AAEC", base64=True)
    other = structs.replace(sound, body="AAED")
    found = with_requests(sound, other).request
    assert found is not None
    assert (found.body.how, found.body.note) == (How.UNKNOWN, "it is no text")
    same = with_requests(sound, sound).request
    assert same is not None
    assert same.body.how is How.SAME


@pytest.mark.parametrize("status", [400, 503])
def test_words_of_our_own_are_nobodys_reply(status: int) -> None:
    """The client was told something by KorProxy: no upstream's reply stands beside it."""
    refused = recording(attempts=(), reply=saying(status, "{}", JSON))
    assert difference_of(refused).own_reply
    whole = difference_of(recording(reply=saying(504, "{}", JSON)))
    assert whole.own_reply
    assert all(it.reply is None for it in whole.attempts)


def test_a_client_that_left_was_given_nothing() -> None:
    found = difference_of(recording(reply=None))
    assert not found.own_reply
    assert found.attempts[-1].reply is None


def test_an_attempt_that_never_left_has_no_request() -> None:
    unsent = structs.replace(recording().attempts[0], request=None, reply=None)
    (found,) = difference_of(recording(attempts=(unsent,))).attempts
    assert (found.request, found.reply, found.status) == (None, None, None)


def test_gemini_in_its_envelope_is_compared_with_what_lies_in_it() -> None:
    inner = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
    changed = recording(
        client_dialect="gemini", request=asking("http://h/v1beta/models/m:generateContent", inner)
    )
    sent = asking(
        "https://g/v1internal:generateContent", {"model": "m", "project": "p", "request": inner}
    )
    attempt = structs.replace(changed.attempts[0], dialect="gemini", request=sent)
    found = last(structs.replace(changed, attempts=(attempt,), reply=None)).request
    assert found is not None
    assert found.body.how is How.SAME_JSON
    chat = structs.replace(attempt, dialect="openai-chat", request=asking("http://h/", SENT))
    crossed = last(structs.replace(changed, attempts=(chat,), reply=None)).request
    assert crossed is not None
    assert crossed.body.meaning


def test_two_answers_differ_in_what_they_say_alone() -> None:
    one = Answer(text="a", calls=(Call("read", '{"a":1}'),), events=3)
    other = Answer(text="a", calls=(Call("read", '{"a": 2}'),), events=9)
    assert told(answers_differ(one, other)) == [("calls[0].arguments.(json).a", "changed", 1, 2)]
    assert answers_differ(one, one) == ()


def test_an_answer_that_is_not_there_cannot_be_read() -> None:
    assert answer_of(RecordedMessage(status=200, note="shapes only"), "openai-chat") is None
    assert answer_of(RecordedMessage(status=200, body="AA==", base64=True), "openai-chat") is None
    assert answer_of(RecordedMessage(body="{}"), "openai-chat") is None
    found = answer_of(saying(200, chat_stream("Hé")), "openai-chat")
    assert found is not None
    assert found.text == "Hé"


def test_what_an_answer_took_is_asked_of_whoever_says_it() -> None:
    """The client's reply first, then the upstream's; the failed first try says nothing."""
    whole = recording()
    usage = usage_of(whole)
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens) == (9, 2)
    told = usage_of(structs.replace(whole, reply=None))
    assert told is not None
    assert told.input_tokens == 9
    assert usage_of(structs.replace(whole, reply=None, attempts=whole.attempts[:1])) is None
    silent = RecordedMessage(status=200, note="shapes only")
    assert usage_of(structs.replace(whole, reply=silent, attempts=())) is None


def test_what_is_no_generation_is_compared_by_path_alone() -> None:
    """A count has no text and no calls that could be the same."""
    counted = native(reply="{}")
    attempt = structs.replace(counted.attempts[0], reply=saying(200, '{"input_tokens": 5}', JSON))
    reply = saying(200, '{"input_tokens": 6}', JSON)
    changed = structs.replace(counted, attempts=(attempt,), reply=reply, operation="count_tokens")
    found = last(changed).reply
    assert found is not None
    assert told(found.body.changes) == [("input_tokens", "changed", 5, 6)]
    assert found.body.meaning is None
