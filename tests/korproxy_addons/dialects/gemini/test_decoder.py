import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from korproxy_addons.config.habits import GEMINI_API
from korproxy_addons.dialects.events import (
    Event,
    MessageEnd,
    MessageStart,
    PartEnd,
    PartStart,
    StreamFailed,
)
from korproxy_addons.dialects.gemini.decoder import arguments_of
from korproxy_addons.dialects.grammar import violation
from korproxy_addons.dialects.model import (
    FinishReason,
    MediaPart,
    ServerToolPart,
    ToolCallPart,
    UnknownPart,
    Usage,
)
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import Kind
from support.cut import cut_in_two
from support.gemini_wire import (
    chunk,
    decoded,
    decoder,
    end,
    joined,
    sse,
    states,
    words,
)

USAGE = {"promptTokenCount": 9, "candidatesTokenCount": 2, "totalTokenCount": 11}
ANSWER = (
    chunk({"text": "Plan…", "thought": True}, modelVersion="gemini-3.8-flash", responseId="r1"),
    chunk({"text": "Hällo"}),
    chunk({"text": " 😀"}, usageMetadata={"promptTokenCount": 9, "totalTokenCount": 9}),
    chunk(
        {"functionCall": {"id": "a", "name": "read", "args": {"p": 1}}, "thoughtSignature": "QQ=="},
        {"functionCall": {"name": "list"}},
    ),
    chunk({"text": ""}, finish="STOP", usageMetadata=USAGE),
)


def failed(events: list[Event]) -> StreamFailed:
    last = events[-1]
    assert isinstance(last, StreamFailed)
    return last


def calls(events: list[Event]) -> list[ToolCallPart]:
    starts = [event.part for event in events if isinstance(event, PartStart)]
    return [part for part in starts if isinstance(part, ToolCallPart)]


def test_a_stream_in_order() -> None:
    events = decoded(sse(*ANSWER))
    assert events[0] == MessageStart("r1", "gemini-3.8-flash")
    assert words(events) == [
        ("thinking", "Plan…"),
        ("text", "Hällo 😀"),
        ("read", '{"p": 1}'),
        ("list", "{}"),
    ]
    assert end(events).usage == Usage(input_tokens=9, output_tokens=2)


def test_t104_stream_array_and_body_say_the_same() -> None:
    texts = [part for each in ANSWER for part in each["candidates"][0]["content"]["parts"]]
    thought, _, _, *calls_, _ = texts
    body = chunk(thought, {"text": "Hällo 😀"}, *calls_, finish="STOP", usageMetadata=USAGE)
    streamed = joined(decoded(sse(*ANSWER)))
    assert joined(decoded(json.dumps(body).encode(), streamed=False))[1:] == streamed[1:]
    assert joined(decoded(json.dumps(ANSWER).encode(), streamed=False)) == streamed


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_t151_any_size_of_pieces_gives_the_same_events(size: int) -> None:
    assert decoded(sse(*ANSWER), size=size) == decoded(sse(*ANSWER))


def test_t151_a_cut_at_every_byte_gives_the_same_events() -> None:
    data = sse(*ANSWER)
    expected = decoded(data)
    for one, two in cut_in_two(data):
        reading = decoder()
        assert [*reading.feed(one), *reading.feed(two), *reading.close()] == expected


def test_t57_a_call_without_an_id_gets_one_that_stays() -> None:
    one, two = calls(decoded(sse(*ANSWER)))
    assert (one.call_id, two.call_id) == ("a", "kpm_seed_2")


def test_t41_calls_in_several_chunks_have_ids_of_their_own() -> None:
    call = {"functionCall": {"name": "f", "args": {}}}
    events = decoded(sse(chunk(call), chunk(call), chunk(call, finish="STOP")))
    assert [part.call_id for part in calls(events)] == ["kpm_seed_1", "kpm_seed_2", "kpm_seed_3"]


def test_t45_t48_a_call_right_after_text_keeps_its_arguments() -> None:
    events = decoded(
        sse(
            chunk({"text": "t", "thought": True}, {"text": "now"}),
            chunk(
                {"functionCall": {"name": "f", "args": {"a": 1}}}, {"text": "then"}, finish="STOP"
            ),
        )
    )
    assert words(events) == [
        ("thinking", "t"),
        ("text", "now"),
        ("f", '{"a": 1}'),
        ("text", "then"),
    ]


def test_t105_stop_after_calls_in_an_earlier_chunk_means_tools() -> None:
    call = {"functionCall": {"name": "f", "args": {}}}
    events = decoded(sse(chunk(call), chunk({"text": ""}, finish="STOP")))
    assert end(events).finish is FinishReason.TOOL_CALLS


def test_t112_text_after_a_finish_reason_still_counts() -> None:
    events = decoded(
        sse(chunk({"text": "a"}, finish="STOP"), chunk({"text": "b"}, finish="STOP"), chunk())
    )
    assert words(events) == [("text", "ab")]
    assert end(events).finish is FinishReason.STOP


@pytest.mark.parametrize("finish", [True, False])
def test_t111_a_stream_without_a_finish_reason_is_cut(finish: bool) -> None:
    reading = decoder()
    events = list(reading.feed(sse(chunk({"text": "a"}))))
    if finish:
        events += reading.feed(sse(chunk(finish="FINISH_REASON_UNSPECIFIED")))
    events += reading.close()
    assert violation(events) == ""
    assert events[-2] == PartEnd(complete=False)
    assert failed(events).error.code == "KP-PROV-109"


def test_a_whole_body_needs_no_finish_reason() -> None:
    events = decoded(json.dumps(chunk({"text": "a"})).encode(), streamed=False)
    assert end(events).finish is FinishReason.STOP


@pytest.mark.parametrize("body", [b"{}", b'{"usageMetadata":{"promptTokenCount":1}}'])
def test_a_body_without_candidates_is_no_answer(body: bytes) -> None:
    assert failed(decoded(body, streamed=False)).error.code == "KP-PROV-102"


def test_t159_an_empty_stream_fails() -> None:
    assert decoded(b"") == [failed(decoded(b""))]


def test_t79_a_signature_on_empty_text_ends_the_text() -> None:
    events = decoded(
        sse(
            chunk({"text": "Hi"}),
            chunk({"text": "", "thoughtSignature": "QQ=="}),
            chunk({"text": " more"}, finish="STOP"),
        )
    )
    assert words(events) == [("text", "Hi"), ("text", " more")]
    assert states(events) == ["QQ==", ""]


def test_t79_a_signature_alone_is_no_content_and_no_end() -> None:
    events = decoded(
        sse(
            chunk({"functionCall": {"name": "f", "args": {}}}),
            chunk({"thoughtSignature": "QQ=="}),
            chunk({"text": ""}, finish="STOP"),
        )
    )
    assert words(events) == [("f", "{}"), ("text", "")]
    assert states(events) == ["", "QQ=="]


def test_t80_a_thought_is_never_text() -> None:
    events = decoded(
        sse(chunk({"text": "a", "thought": True}, {"text": "b", "thought": False}, finish="STOP"))
    )
    assert words(events) == [("thinking", "a"), ("text", "b")]


def test_t78_only_the_first_call_of_a_batch_is_signed() -> None:
    call = {"functionCall": {"name": "f", "args": {}}}
    events = decoded(sse(chunk({**call, "thoughtSignature": "QQ=="}, call, finish="STOP")))
    assert states(events) == ["QQ==", ""]


def test_a_server_whose_state_means_nothing_gives_none() -> None:
    reading = decoder(habits=replace(GEMINI_API, state_origin=""))
    data = sse(chunk({"text": "a", "thoughtSignature": "QQ=="}, {"thoughtSignature": "QQ=="}))
    assert not any(isinstance(event, PartEnd) for event in reading.feed(data))


def test_googles_word_for_no_signature_is_none() -> None:
    call = {"functionCall": {"name": "f"}, "thoughtSignature": "skip_thought_signature_validator"}
    assert states(decoded(sse(chunk(call, finish="STOP")))) == [""]


def partial(path: str, text: str, *, more: bool = False) -> dict[str, Any]:
    piece = {"jsonPath": path, "stringValue": text, **({"willContinue": True} if more else {})}
    return {"functionCall": {"partialArgs": [piece], "willContinue": True}}


OPENED = {"functionCall": {"name": "edit", "willContinue": True}, "thoughtSignature": "QQ=="}


def test_arguments_that_come_in_pieces() -> None:
    events = decoded(
        sse(
            chunk(OPENED),
            chunk(partial("$.path", "a", more=True)),
            chunk(partial("$.path", ".py")),
            chunk({"functionCall": {}}),
            chunk({"functionCall": {}}),
            chunk({"text": ""}, finish="STOP"),
        )
    )
    assert words(events) == [("edit", '{"path":"a.py"}')]
    assert states(events) == ["QQ=="]
    assert end(events).finish is FinishReason.TOOL_CALLS


@pytest.mark.parametrize("finish", ["STOP", "MAX_TOKENS"])
def test_t56_a_call_that_never_ended_is_not_complete(finish: str) -> None:
    events = decoded(sse(chunk(OPENED), chunk(partial("$.a", "x")), chunk(finish=finish)))
    assert words(events) == [("edit", "")]
    assert events[-2].complete is False if isinstance(events[-2], PartEnd) else False


def test_a_call_without_a_name_cannot_be_read() -> None:
    with pytest.raises(KorProxyError) as refused:
        decoded(sse(chunk({"functionCall": {"args": {"a": 1}}})))
    assert refused.value.spec.code == "KP-PROV-102"


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (b"", "{}"),
        (b"null", "{}"),
        (b'{"a": 1.0}', '{"a": 1.0}'),
        (b"[1]", '{"value":[1]}'),
        (b'{"a":"\xff"}', '{"a":"\ufffd"}'),
    ],
)
def test_t61_t179_arguments_are_an_object_and_keep_their_text(args: bytes, text: str) -> None:
    assert arguments_of(Raw(args)) == text


@pytest.mark.parametrize(
    "word", ["SAFETY", "RECITATION", "MODEL_ARMOR", "IMAGE_SAFETY", "SOMETHING_NEW"]
)
def test_t109_a_filtered_answer(word: str) -> None:
    reply = {"candidates": [{"finishReason": word, "finishMessage": "Because."}]}
    last = end(decoded(sse(reply)))
    assert last.finish is FinishReason.CONTENT_FILTER
    assert (last.reason, last.explanation) == (word, "Because.")


def test_t109_a_blocked_prompt_has_no_candidates() -> None:
    reply = {
        "promptFeedback": {"blockReason": "PROHIBITED_CONTENT", "blockReasonMessage": "No."},
        "usageMetadata": {"promptTokenCount": 4},
    }
    for data, streamed in ((sse(reply), True), (json.dumps(reply).encode(), False)):
        last = end(decoded(data, streamed=streamed))
        assert last == MessageEnd(
            FinishReason.CONTENT_FILTER,
            usage=Usage(input_tokens=4),
            reason="PROHIBITED_CONTENT",
            explanation="No.",
        )


@pytest.mark.parametrize(
    "word", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "OTHER", "MALFORMED_RESPONSE"]
)
def test_t62_a_broken_answer_is_an_error(word: str) -> None:
    events = decoded(sse(chunk({"text": "half"}, finish=word)))
    assert failed(events).error.code == word
    assert events[-2] == PartEnd(complete=False)


def test_t118_t176_thinking_may_eat_the_whole_answer() -> None:
    reply = {
        "candidates": [{"content": {"role": "model"}, "finishReason": "MAX_TOKENS"}],
        "usageMetadata": {"promptTokenCount": 15, "thoughtsTokenCount": 2, "totalTokenCount": 17},
    }
    events = decoded(json.dumps(reply).encode(), streamed=False)
    assert words(events) == []
    assert end(events).finish is FinishReason.LENGTH
    assert end(events).usage == Usage(input_tokens=15, output_tokens=2, reasoning_tokens=2)


@pytest.mark.parametrize("content", [None, {}, {"parts": None}, {"parts": []}, {"parts": [{}]}])
def test_t176_t182_a_candidate_may_say_nothing(content: Any) -> None:
    reply = {"candidates": [{"content": content, "finishReason": "STOP", "index": None}]}
    events = decoded(json.dumps(reply).encode(), streamed=False)
    assert words(events) == []
    assert end(events).finish is FinishReason.STOP


def test_text_that_is_cut_by_the_limit_is_not_complete() -> None:
    events = decoded(sse(chunk({"text": "a"}, finish="MAX_TOKENS")))
    assert events[-2] == PartEnd(complete=False)


@pytest.mark.parametrize("array", [False, True])
def test_t166_an_error_in_the_stream_ends_it(array: bool) -> None:
    error = {"error": {"code": 503, "message": "Overloaded.", "status": "UNAVAILABLE"}}
    reply = [chunk({"text": "a"}), error, chunk({"text": "b"}, finish="STOP")]
    data = json.dumps(reply).encode() if array else sse(*reply)
    events = decoded(data)
    assert words(events) == [("text", "a")]
    assert failed(events).error.kind is Kind.OVERLOADED
    assert failed(events).error.message == "Overloaded."


@pytest.mark.parametrize("body", [b'{"error":{"code":400}}', b'[{"error":{"code":400}}]'])
def test_t166_an_error_in_place_of_a_body(body: bytes) -> None:
    events = decoded(body, streamed=False)
    assert len(events) == 1
    assert failed(events).error.kind is Kind.INVALID_REQUEST


def test_usage_of_the_last_chunk_that_counts_wins() -> None:
    events = decoded(
        sse(
            chunk({"text": "a"}, usageMetadata={"promptTokenCount": 7, "totalTokenCount": 7}),
            chunk({"text": "b"}, usageMetadata=USAGE),
            chunk(finish="STOP", usageMetadata={"trafficType": "X", "serviceTier": "flex"}),
        )
    )
    assert events[0] == MessageStart(usage=Usage(input_tokens=7))
    assert end(events).usage == Usage(input_tokens=9, output_tokens=2)
    assert end(events).service_tier == "flex"


def test_googles_own_tools_stay_as_they_were() -> None:
    part = {"toolCall": {"toolType": "GOOGLE_SEARCH_WEB", "id": "s1"}, "thoughtSignature": "QQ=="}
    code = {"executableCode": {"language": "PYTHON", "code": "1+1"}}
    events = decoded(sse(chunk({"text": "a"}, part, code, {"oddPart": {}}, finish="STOP")))
    parts = [event.part for event in events if isinstance(event, PartStart)]
    assert isinstance(parts[1], ServerToolPart)
    assert (parts[1].type, parts[1].call_id, parts[1].service) == ("toolCall", "s1", "google")
    assert json.loads(bytes(parts[1].raw)) == part
    assert isinstance(parts[2], ServerToolPart)
    assert parts[2].text == "```python\n1+1\n```"
    assert isinstance(parts[3], UnknownPart)
    assert end(events).finish is FinishReason.STOP


def test_t128_an_image_in_the_answer() -> None:
    image = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}
    events = decoded(sse(chunk(image, finish="STOP")))
    media = events[1].part if isinstance(events[1], PartStart) else None
    assert isinstance(media, MediaPart)
    assert (media.mime, media.base64) == ("image/png", "iVBORw0KGgo=")


def test_t15_all_choices_are_one_answer_unless_more_were_asked_for() -> None:
    reply = {
        "candidates": [
            {"index": 0, "content": {"parts": [{"text": "a"}]}, "finishReason": "STOP"},
            {"index": 1, "content": {"parts": [{"functionCall": {"name": "f"}}]}},
        ]
    }
    data = json.dumps(reply).encode()
    assert words(decoded(data, streamed=False)) == [("text", "a"), ("f", "{}")]
    reading = decoder(streamed=False, choices=2)
    assert words([*reading.feed(data), *reading.close()]) == [("text", "a")]


def test_t113_nothing_follows_the_end() -> None:
    reading = decoder()
    events = [*reading.feed(sse(*ANSWER)), *reading.close()]
    assert violation(events) == ""
    assert list(reading.feed(sse(*ANSWER))) == []
    assert list(reading.close()) == []


def test_t178_half_an_emoji_does_not_break_the_stream() -> None:
    data = b'data: {"candidates":[{"content":{"parts":[{"text":"\\ud83d"}]}}]}\n\n'
    data += b'data: {"candidates":[{"content":{"parts":[{"text":"\\ude00"}]},"finishReason":"STOP"}]}\n\n'
    assert len(words(decoded(data))) == 1


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_garbage_raises_our_error_and_nothing_else(data: st.DataObject) -> None:
    whole = bytearray(sse(*ANSWER))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(whole) - 1))
        if data.draw(st.booleans()):
            whole[at] = data.draw(st.integers(0, 255))
        else:
            del whole[at : at + data.draw(st.integers(1, 40))]
        if not whole:
            return
    events: list[Event] = []
    reading = decoder(streamed=data.draw(st.booleans()))
    try:
        events += reading.feed(bytes(whole))
        events += reading.close()
    except KorProxyError:
        return
    assert violation(events) == ""


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_end_in_an_error(data: bytes, streamed: bool) -> None:
    reading = decoder(streamed=streamed)
    try:
        events = [*reading.feed(data), *reading.close()]
    except KorProxyError:
        return
    assert isinstance(events[-1], StreamFailed)


def test_any_truncation_ends_in_an_error() -> None:
    data = sse(*ANSWER).rstrip()
    for place in range(len(data) - 1):
        last = failed(decoded(data[:place]))
        assert last.error.code == "KP-PROV-109", place
    assert isinstance(decoded(data)[-1], MessageEnd)  # without its empty line (T152)


def test_a_stream_that_says_stop_on_every_chunk_can_be_cut_too() -> None:
    """T111, T112"""
    chunks = [chunk({"text": "a"}, finish="STOP"), chunk({"text": "b"}, finish="STOP")]
    for data in (sse(*chunks), json.dumps(chunks).encode()):
        assert failed(decoded(data[:-12])).error.code == "KP-PROV-109"
