"""The dialect as a whole: recordings, made-up cases, the real SDK, random answers and conversations."""

import json
from pathlib import Path
from typing import Any

import httpx2 as httpx
import msgspec
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from openai.lib.streaming.chat import ChatCompletionStreamState

from korproxy_addons.config.habits import (
    COMPATIBLE_CHAT,
    IFLOW_CHAT,
    OPENAI_CHAT,
    QWEN_CHAT,
    ModelFacts,
)
from korproxy_addons.dialects import dialect
from korproxy_addons.dialects.base import Inbound, Target
from korproxy_addons.dialects.effort import wanted_effort
from korproxy_addons.dialects.error_text import shown_text
from korproxy_addons.dialects.events import (
    Event,
    KeepAlive,
    MessageEnd,
    MessageStart,
    PartDelta,
    PartEnd,
    PartStart,
    ReplyError,
    StreamFailed,
)
from korproxy_addons.dialects.grammar import violation
from korproxy_addons.dialects.model import (
    ChatRequest,
    FinishReason,
    MediaKind,
    MediaPart,
    Message,
    Opaque,
    Reasoning,
    RefusalPart,
    Role,
    TextPart,
    ThinkingMode,
    ThinkingPart,
    ToolCallPart,
    Usage,
    settled_finish,
)
from korproxy_addons.dialects.openai_chat import DIALECT
from korproxy_addons.errors.catalogue import NOT_OFFERED
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import Kind
from support.chat_wire import DONE, PLAIN, asked, decoded, encoded, sent, told
from support.cut import cut
from support.needs import ROOT, needs_recordings

CORPUS = sorted((ROOT / "tests" / "corpus" / "openai-chat").iterdir())
_ANSWER = frozenset({"choices", "error"})  # a list of models has neither
FULL = replace(OPENAI_CHAT, reasoning_field="reasoning_content")  # loses nothing that Chat can say


def recordings() -> list[Any]:
    """All recorded exchanges of this dialect, and the name of each."""
    folder = needs_recordings() / "openai_chat"
    return [(path.name, json.loads(path.read_bytes())) for path in sorted(folder.iterdir())]


def reply_bytes(exchange: Any) -> tuple[bytes, bool]:
    body = exchange["response"]["body"]
    return (body.encode(), True) if isinstance(body, str) else (json.dumps(body).encode(), False)


def answers() -> list[tuple[str, bytes, bool, int]]:
    """Name, bytes, streamed and number of choices of each recorded answer."""
    return [
        (
            name,
            *reply_bytes(exchange),
            ((exchange["request"] or {}).get("body") or {}).get("n") or 1,
        )
        for name, exchange in recordings()
        if isinstance(exchange["response"]["body"], str)
        or (exchange["response"]["status"] == 200 and _ANSWER & exchange["response"]["body"].keys())
    ]


def without_start(events: list[Event]) -> list[Event]:
    return [event for event in events if not isinstance(event, MessageStart | KeepAlive)]


def as_whole(events: list[Event]) -> dict[str, Any]:
    """What an answer says if its parts of one kind stand in one field."""
    out = told(events)
    parts: dict[str, Any] = {}
    for part in out.pop("parts"):
        if part["kind"] == "ToolCall":
            parts.setdefault("calls", []).append(part)
        else:
            parts[part["kind"]] = parts.get(part["kind"], "") + part["text"]
    return {**out, **{kind: text for kind, text in parts.items() if text}}


# --- recordings


def test_every_recorded_answer_decodes_legally_however_it_is_cut() -> None:
    for name, reply, streamed, choices in answers():
        events = decoded(reply, streamed=streamed, choices=choices)
        sizes = [3, 61, 4096] if len(reply) > 3000 else range(1, len(reply), 1 + len(reply) // 40)
        for size in sizes:
            again = decoded(reply, streamed=streamed, choices=choices, size=size)
            assert again == events, f"{name} in pieces of {size}"


def test_every_recorded_answer_is_written_again_as_it_was() -> None:
    for name, reply, streamed, choices in answers():
        events = decoded(reply, streamed=streamed, choices=choices)
        failed = isinstance(events[-1], StreamFailed)
        again = decoded(encoded(events))
        if failed:
            assert told(again)["error"][0] == told(events)["error"][0], name
            assert encoded(events, streamed=False) == b""
            continue
        assert without_start(again) == without_start(events), name
        whole = decoded(encoded(events, streamed=False), streamed=False)
        assert as_whole(whole) == as_whole(events), name


def test_t104_the_tap_sees_what_the_decoder_sees_in_every_recorded_answer() -> None:
    for name, reply, streamed, choices in answers():
        if choices > 1:
            continue  # the tap does not know which answer counts
        end = decoded(reply, streamed=streamed)[-1]
        tap = DIALECT.usage_tap(streamed=streamed)
        frames = [frame + b"\n\n" for frame in reply.split(b"\n\n")] if streamed else cut(reply, 77)
        for piece in frames:
            tap.feed(piece)
        tap.close()
        assert tap.ended, name
        if isinstance(end, MessageEnd):
            assert (tap.usage, tap.finish) == (end.usage, end.finish), name
        else:
            assert isinstance(end, StreamFailed)
            assert tap.error == end.error, name


def test_every_recorded_error_is_read() -> None:
    for name, exchange in recordings():
        status, body = exchange["response"]["status"], exchange["response"]["body"]
        if status < 400:
            continue
        error = DIALECT.read_error(status, json.dumps(body).encode())
        said = body.get("error", body) if isinstance(body, dict) else {"message": body}
        assert error.message == shown_text(said["message"]), name
        assert DIALECT.error_status(error, status) == status


def test_every_recorded_request_says_the_same_after_decoding_and_encoding() -> None:
    for name, exchange in recordings():
        body = (exchange["request"] or {}).get("body")
        if not body:
            continue
        request = asked(body)
        again, lost = sent(request, FULL, ModelFacts("m"), stream=request.stream)
        decoded_again = asked({**again, "model": body["model"]})
        told_before = replace(joined(request), stream_usage=False)
        assert replace(joined(decoded_again), stream_usage=False) == told_before, name
        allowed = {
            "reasoning: turned on without an effort",
            "native_field: thinking.clear_thinking",
            "reasoning_show",
        }
        assert set(lost) <= allowed, name


def joined(request: ChatRequest) -> ChatRequest:
    """The request with what Chat has two forms for in one of them."""
    messages: list[Message] = []
    for message in request.messages:
        parts = tuple(part for part in message.parts if part != TextPart(""))
        if messages and messages[-1].role is message.role is Role.ASSISTANT:
            text = "\n\n".join(
                part.text for part in (*messages[-1].parts, *parts) if isinstance(part, TextPart)
            )
            messages[-1] = Message(Role.ASSISTANT, (TextPart(text),))
        else:
            messages.append(Message(message.role, parts, message.name))
    asked_for = request.reasoning
    reasoning = None
    if asked_for is not None and (asked_for.effort or asked_for.mode is ThinkingMode.DISABLED):
        reasoning = Reasoning(effort=wanted_effort(asked_for))
    native = {name: value for name, value in request.native.items() if "." not in name}
    return replace(request, messages=tuple(messages), reasoning=reasoning, native=canonical(native))


def canonical(native: Any) -> Any:
    return {
        name: msgspec.Raw(json.dumps(json.loads(bytes(raw))).encode())
        for name, raw in native.items()
    }


# --- made-up cases


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_a_made_up_case(case: Path) -> None:
    expected = json.loads((case / "expected.json").read_bytes())
    if (case / "request.json").exists():
        habits = {"qwen": QWEN_CHAT, "iflow": IFLOW_CHAT, "openai": OPENAI_CHAT}
        target = habits.get(expected["habits"], COMPATIBLE_CHAT)
        body, lost = sent(json.loads((case / "request.json").read_bytes()), target)
        assert {"body": body, "losses": lost} == {
            "body": expected["body"],
            "losses": expected["losses"],
        }
        return
    streamed = (case / "reply.sse").exists()
    reply = (case / ("reply.sse" if streamed else "reply.json")).read_bytes()
    for size in (0, 1, 7):
        events = decoded(reply, streamed=streamed, habits=COMPATIBLE_CHAT, size=size)
        assert told(events) == expected


# --- the real SDK


def sdk(reply: bytes, content_type: str, status: int = 200) -> openai.OpenAI:
    """A client whose every call gets this reply."""
    answer = httpx.Response(status, content=reply, headers={"content-type": content_type})
    transport = httpx.MockTransport(lambda _: answer)
    client = httpx.Client(transport=transport)
    return openai.OpenAI(api_key="k", base_url="http://x/v1", http_client=client, max_retries=0)


def sdk_whole(events: list[Event]) -> Any:
    client = sdk(encoded(events, streamed=False), DIALECT.content_type(streamed=False))
    return client.chat.completions.create(model="m", messages=[])


def sdk_streamed(events: list[Event]) -> Any:
    """What the SDK makes of the stream, chunk by chunk."""
    client = sdk(encoded(events), DIALECT.content_type(streamed=True))
    state = ChatCompletionStreamState()
    for chunk in client.chat.completions.create(model="m", messages=[], stream=True):
        state.handle_chunk(chunk)
    return state.current_completion_snapshot


ANSWER: list[Event] = [
    MessageStart("up", "up-1"),
    *(PartStart(ThinkingPart("")), PartDelta("hm"), PartEnd(Opaque("anthropic", "c2ln"))),
    *(PartStart(TextPart("")), PartDelta("Ich schaue "), PartDelta("nach 🙂."), PartEnd()),
    *(PartStart(ToolCallPart("x", "f")), PartDelta('{"a"'), PartDelta(":1}"), PartEnd()),
    *(PartStart(ToolCallPart("y", "g")), PartDelta("{}"), PartEnd(Opaque("google", "c2ln"))),
    MessageEnd(FinishReason.TOOL_CALLS, usage=Usage(9, 4, output_tokens=5, reasoning_tokens=2)),
]


@pytest.mark.parametrize("read", [sdk_whole, sdk_streamed])
def test_the_sdk_reads_our_answers(read: Any) -> None:
    assert violation(ANSWER) == ""
    found = read(ANSWER)
    choice = found.choices[0]
    assert (found.model, found.created) == ("m", 1_795_000_000)
    assert choice.message.content == "Ich schaue nach 🙂."
    assert choice.message.reasoning_content == "hm"
    calls = [
        (call.id, call.function.name, call.function.arguments) for call in choice.message.tool_calls
    ]
    assert calls == [("x", "f", '{"a":1}'), ("y", "g", "{}")]
    assert choice.finish_reason == "tool_calls"
    assert (found.usage.prompt_tokens, found.usage.completion_tokens) == (9, 5)
    assert found.usage.prompt_tokens_details.cached_tokens == 4
    assert found.usage.completion_tokens_details.reasoning_tokens == 2


def test_what_the_sdk_sends_back_is_what_we_gave() -> None:
    turn = sdk_whole(ANSWER).choices[0].message.model_dump(exclude_none=True)
    results = [{"role": "tool", "tool_call_id": call_id, "content": "r"} for call_id in "xy"]
    request = asked({"model": "m", "messages": [{"role": "user", "content": "q"}, turn, *results]})
    assert request.messages[1].parts == (
        ThinkingPart("hm", Opaque("anthropic", "c2ln")),
        TextPart("Ich schaue nach 🙂."),
        ToolCallPart("x", "f", '{"a":1}'),
        ToolCallPart("y", "g", "{}", state=Opaque("google", "c2ln")),
    )


def test_t165_the_sdk_raises_on_an_error_in_the_stream() -> None:
    error = StreamFailed(ReplyError(Kind.RATE_LIMIT, "slow down"))
    client = sdk(encoded([*ANSWER[:3], error]), "text/event-stream")
    with pytest.raises(openai.APIError, match="slow down"):
        list(client.chat.completions.create(model="m", messages=[], stream=True))


@pytest.mark.parametrize(
    ("kind", "raised"),
    [
        (Kind.INVALID_REQUEST, openai.BadRequestError),
        (Kind.AUTHENTICATION, openai.AuthenticationError),
        (Kind.PERMISSION, openai.PermissionDeniedError),
        (Kind.NOT_FOUND, openai.NotFoundError),
        (Kind.RATE_LIMIT, openai.RateLimitError),
        (Kind.OVERLOADED, openai.InternalServerError),
    ],
)
def test_t164_the_sdk_knows_our_errors(kind: Kind, raised: type[openai.APIStatusError]) -> None:
    error = ReplyError(kind, "what it is")
    status = DIALECT.error_status(error, 0)
    body = DIALECT.error_body(error, status, "req")
    with pytest.raises(raised, match="what it is"):
        sdk(body, "application/json", status).chat.completions.create(model="m", messages=[])


def test_t173_the_sdk_reads_our_lists() -> None:
    facts = [ModelFacts("a", created_at=1, owner="x"), ModelFacts("b")]
    client = sdk(DIALECT.encode_models(facts), "application/json")
    assert [model.id for model in client.models.list()] == ["a", "b"]
    one = sdk(DIALECT.encode_model(facts[0]), "application/json").models.retrieve("a")
    assert (one.id, one.owned_by) == ("a", "x")


# --- random answers and conversations

WORDS = st.text(alphabet='abc <>{}"\\\n🙂ü', min_size=1, max_size=8)
IDS = st.sampled_from(["call_1", "toolu_x", "functions.f:0", "kpx_a", "a|b"])
STATE = st.none() | st.builds(Opaque, st.sampled_from(["anthropic", "google"]), WORDS)
SHELLS = st.sampled_from(
    [
        TextPart(""),
        RefusalPart(""),
        ThinkingPart(""),
        MediaPart(MediaKind.IMAGE, "image/png", "AA=="),
    ]
)


@st.composite
def random_answers(draw: st.DrawFn) -> list[Event]:
    """Answers as Chat can say them: neighbours differ in kind, calls have ids of their own."""
    events: list[Event] = [MessageStart("c", "up-1")]
    ids = draw(st.lists(IDS, unique=True, max_size=3))
    parts: list[Any] = draw(st.lists(SHELLS, max_size=4)) + [ToolCallPart(i, "f") for i in ids]
    parts = draw(st.permutations(parts))
    parts = [
        part
        for place, part in enumerate(parts)
        if not place
        or isinstance(part, MediaPart | ToolCallPart)
        or type(parts[place - 1]) is not type(part)
    ]
    limit = draw(st.booleans())
    for place, part in enumerate(parts):
        if isinstance(part, MediaPart):
            events += (PartStart(part), PartEnd())
            continue
        events.append(PartStart(part))
        if isinstance(part, ToolCallPart):
            events += map(PartDelta, draw(st.sampled_from([["{}"], ["{", '"a":"}"', "}"]])))
            events.append(PartEnd())
        else:
            events += map(PartDelta, draw(st.lists(WORDS, min_size=1, max_size=3)))
            last = place == len(parts) - 1
            events.append(PartEnd(complete=not (limit and last)))
    refused = any(isinstance(part, RefusalPart) for part in parts)
    finish = settled_finish(FinishReason.STOP, called=bool(ids))
    if refused and finish is FinishReason.STOP:
        finish = FinishReason.REFUSAL
    usage = draw(
        st.none() | st.builds(Usage, *[st.integers(0, 9)] * 3, output_tokens=st.integers(9, 99))
    )
    events.append(MessageEnd(FinishReason.LENGTH if limit else finish, usage=usage))
    return events


def portable(events: list[Event]) -> list[Event]:
    return [
        PartStart(replace(event.part, call_id=asked_id(event.part.call_id)))
        if isinstance(event, PartStart) and isinstance(event.part, ToolCallPart)
        else event
        for event in events
    ]


def asked_id(call_id: str) -> str:
    """The id as it comes back in a history."""
    call = {"id": call_id, "function": {"name": "f"}}
    part = (
        asked({"model": "m", "messages": [{"role": "assistant", "tool_calls": [call]}]})
        .messages[0]
        .parts[0]
    )
    assert isinstance(part, ToolCallPart)
    return part.call_id


@settings(max_examples=200, deadline=None)
@given(random_answers(), st.integers(1, 90))
def test_an_answer_that_is_written_and_read_again_is_the_same(
    events: list[Event], size: int
) -> None:
    assert violation(events) == ""
    again = portable(decoded(encoded(events), habits=PLAIN, size=size))
    assert without_start(again) == without_start(events)
    whole = portable(decoded(encoded(events, streamed=False), streamed=False, habits=PLAIN))
    assert as_whole(whole) == as_whole(events)


@settings(max_examples=100, deadline=None)
@given(random_answers(), st.data())
def test_a_cut_stream_of_ours_never_looks_whole(events: list[Event], draw: st.DataObject) -> None:
    stream = encoded(events)
    place = draw.draw(st.integers(0, stream.rindex(b'"finish_reason":"') - 1))
    assert isinstance(decoded(stream[:place])[-1], StreamFailed)


# --- the rest of the protocol


def test_it_is_the_dialect_of_its_id() -> None:
    assert dialect("openai-chat") is DIALECT
    assert (DIALECT.id, DIALECT.own_origin) == ("openai-chat", "")


def test_content_types() -> None:
    assert DIALECT.content_type(streamed=True) == "text/event-stream"
    assert DIALECT.content_type(streamed=False) == "application/json"


def test_t155_what_may_be_sent_to_a_waiting_client_is_what_the_encoder_sends() -> None:
    assert DIALECT.keep_alive() == encoded([KeepAlive()])


def test_it_cannot_count() -> None:
    request = asked({"model": "m", "messages": [{"role": "user", "content": "q"}]})
    target = Target("m", COMPATIBLE_CHAT, ModelFacts("m"), stream=False)
    for ask in (
        lambda: DIALECT.encode_count_request(request, target),
        lambda: DIALECT.read_count(b"{}"),
        lambda: DIALECT.encode_count(5),
    ):
        with pytest.raises(KorProxyError) as caught:
            ask()
        assert caught.value.spec is NOT_OFFERED


def test_the_dialect_hands_on_to_its_parts() -> None:
    body = b'{"model":"m","messages":[{"role":"user","content":"q"}]}'
    assert DIALECT.peek_request(Inbound(body)).model == "m"
    assert DIALECT.without_sealed(body) == body
    assert told(decoded(DONE))["finish"] == "stop"
