"""Any conversation that a client could have had, to every upstream: repaired, never refused, its state never abroad."""

import json

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Raw

from korproxy_addons.dialects import dialect
from korproxy_addons.dialects.base import EncodedRequest, Inbound
from korproxy_addons.dialects.model import (
    CacheMarker,
    ChatRequest,
    ChoiceMode,
    CustomTool,
    FormatKind,
    FunctionTool,
    HostedKind,
    HostedTool,
    MediaKind,
    MediaPart,
    Message,
    Opaque,
    OutputFormat,
    Part,
    Reasoning,
    RefusalPart,
    Role,
    Sampling,
    TextPart,
    ThinkingMode,
    ThinkingPart,
    Tool,
    ToolCallPart,
    ToolChoice,
    ToolResultPart,
)
from korproxy_addons.errors.catalogue import CANNOT_TRANSLATE
from korproxy_addons.errors.exceptions import KorProxyError
from matrix.heard import MEDIA, heard, opaque_of
from matrix.upstreams import UPSTREAMS, Upstream

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABXvMqOgAAAABJRU5ErkJggg=="
NAMES = ("read", "mcp__files__list.all", "größer", "1st", "x" * 90, "")
IDS = ("c1", "functions.read:0", "call_2|fc_2", "ü" * 40, "kpm_0_1", "toolu_" + "9" * 80)
SCHEMAS = (
    b'{"type":"object","properties":{"a":{"type":["string","null"]}},"additionalProperties":false}',
    b'{"type":"object","properties":{"title":{"enum":[1,2]},"l":{"type":"array"}},"required":["title","gone"]}',
    b'{"$defs":{"N":{"type":"object","properties":{"n":{"$ref":"#/$defs/N"}}}},"$ref":"#/$defs/N"}',
    b'{"anyOf":[{"type":"object"},{"type":"string"}]}',
    b"{}",
    b'{"type":"object","oneOf":[{"required":["a"]}],"patternProperties":{"^x":{"const":3}}}',
)
ORIGINS = ("anthropic", "openai", "google")

words = st.sampled_from(["Hello", " ", "", "a\u2028b\x00", "größer 🙂", "trailing ", "\n"])
states = st.none() | st.builds(
    lambda origin, number: Opaque(
        origin, f"STATE-{origin}-{number}".ljust(24, "="), "rs_1" if origin == "openai" else ""
    ),
    st.sampled_from(ORIGINS),
    st.integers(0, 9),
)
caches = st.none() | st.just(CacheMarker())
arguments = st.sampled_from(["{}", '{"a":1.0}', "[1]", '"{\\"a\\":1}"', "not json", "null", '{"a"'])
texts = st.builds(TextPart, words, cache=caches)
media = st.sampled_from(
    [
        MediaPart(MediaKind.IMAGE, "image/png", base64=PNG),
        MediaPart(MediaKind.IMAGE, url="https://a.example/x.png"),
        MediaPart(MediaKind.DOCUMENT, "application/pdf", base64="JVBERi0xLjQ=", name="a b.pdf"),
        MediaPart(MediaKind.DOCUMENT, text="plain", name="notes"),
        MediaPart(MediaKind.AUDIO, "audio/wav", base64="UklGRg=="),
        MediaPart(MediaKind.IMAGE, file_id="file-1", origin="openai"),
    ]
)
calls = st.builds(
    ToolCallPart,
    st.sampled_from(IDS),
    st.sampled_from(NAMES[:5]),
    arguments,
    state=states,
    cache=caches,
)
results = st.builds(
    ToolResultPart,
    st.sampled_from(IDS),
    st.lists(texts | media, max_size=2).map(tuple),
    is_error=st.booleans(),
    cache=caches,
)
thoughts = st.builds(ThinkingPart, words, states, redacted=st.booleans())
signed_texts = st.builds(TextPart, words, state=states)


def messages_of(role: Role) -> st.SearchStrategy[Message]:
    spoken: st.SearchStrategy[Part] = texts
    if role is Role.USER:
        spoken = st.one_of(texts, media, results)
    elif role is Role.ASSISTANT:
        refusals = st.just(RefusalPart("no"))
        spoken = st.one_of(texts, signed_texts, thoughts, calls, refusals)
    return st.lists(spoken, max_size=4).map(lambda parts: Message(role, tuple(parts)))


conversations = st.lists(st.sampled_from(list(Role)).flatmap(messages_of), max_size=7).map(tuple)
functions = st.builds(
    FunctionTool,
    st.sampled_from(NAMES[:5]),
    st.sampled_from(["", "Reads."]),
    st.none() | st.sampled_from(SCHEMAS).map(Raw),
    st.none() | st.booleans(),
    cache=caches,
)
tools: st.SearchStrategy[Tool] = st.one_of(
    functions,
    st.just(
        CustomTool("patch", "Edits.", Raw(b'{"type":"grammar","syntax":"lark","definition":"x"}'))
    ),
    st.builds(
        lambda kind: HostedTool(
            kind, "its_type", "its_name", "elsewhere", Raw(b'{"type":"its_type"}')
        ),
        st.sampled_from(list(HostedKind)),
    ),
)
choices = st.none() | st.builds(
    lambda mode, name: ToolChoice(mode, (name,) if mode is ChoiceMode.NAMED else ()),
    st.sampled_from(list(ChoiceMode)),
    st.sampled_from(NAMES[:5]),
)
reasonings = st.none() | st.builds(
    Reasoning,
    st.sampled_from(list(ThinkingMode)),
    st.sampled_from(["", "none", "minimal", "low", "xhigh", "max"]),
    st.none() | st.sampled_from([100, 1024, 60_000]),
    show=st.none() | st.booleans(),
)
formats = st.none() | st.builds(
    OutputFormat,
    st.sampled_from(list(FormatKind)),
    st.sampled_from(SCHEMAS[:2]).map(Raw),
    st.sampled_from(["", "answer", "not legal!"]),
    strict=st.none() | st.booleans(),
)


def unique(offered: list[Tool]) -> tuple[Tool, ...]:
    """As decoders give them: no name twice, and with tools only a choice."""
    return tuple({getattr(tool, "name", ""): tool for tool in offered}.values())


requests = st.builds(
    ChatRequest,
    st.just("elsewhere"),
    st.just("m"),
    conversations,
    st.lists(texts, max_size=2).map(tuple),
    st.lists(tools, max_size=3).map(unique),
    choices,
    st.none() | st.booleans(),
    st.none() | st.sampled_from([1, 900, 5000, 500_000]),
    st.lists(st.sampled_from(["a", " ", "END", "b", "c", "d"]), max_size=6, unique=True).map(tuple),
    st.builds(
        Sampling,
        st.none() | st.sampled_from([0.0, 1.0, 1.9]),
        st.none() | st.sampled_from([0.1, 1.0]),
        st.none() | st.just(40),
        st.none() | st.just(2**40),
        st.none() | st.just(0.5),
    ),
    reasonings,
    formats,
    st.booleans(),
    user=st.sampled_from(["", "u" * 300, "someone"]),
    cache_key=st.sampled_from(["", "k" * 100]),
    metadata=st.sampled_from([{}, {"a": "b"}]),
    verbosity=st.sampled_from(["", "low"]),
    service_tier=st.sampled_from(["", "auto", "flex", "priority"]),
)


def made_for(request: ChatRequest, upstream: Upstream) -> EncodedRequest | None:
    """The request for an upstream; None if nothing of it can be said."""
    try:
        return dialect(upstream.dialect).encode_request(
            request, upstream.target(stream=request.stream)
        )
    except KorProxyError as error:
        assert error.spec is CANNOT_TRANSLATE  # noqa: PT017 - any other is a defect
        return None


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(requests)
def test_any_conversation_is_taken_by_every_upstream(request: ChatRequest) -> None:
    """Invariants 5, 8, 9 and 11 of section 21; T10, T12, T13, T17, T29, T61, T71, T90."""
    if not request.tools:
        request = msgspec.structs.replace(request, tool_choice=None, parallel=None)
    for upstream in UPSTREAMS:
        made = made_for(request, upstream)
        if made is None:
            continue
        body = upstream.sent(made.body, stream=request.stream)
        # the made-up state is nobody's own: the double would not know it
        assert upstream.refusal(body, foreign=True) == "", upstream.name
        for state in opaque_of(request):
            if state.origin != upstream.habits.state_origin:
                assert state.data.encode() not in made.body, upstream.name
        again = dialect(upstream.dialect).decode_request(Inbound(made.body, upstream.facts.id))
        said = heard(again, made)
        assert sorted(said.results) == sorted(set(said.results) - {-1}), upstream.name
        json.loads(made.body)


# --- what every dialect can express comes back as it was

plain_words = st.sampled_from(
    ["Hello", "größer 🙂", "a\u2028b", " two  spaces ", '{"json": 1}', "# x\n"]
)
objects = st.sampled_from(
    ["{}", '{"a":1.0}', '{"n":12345678901234567890}', '{"s":"\\ud83d\\ude42"}']
)
pictures = st.just(MediaPart(MediaKind.IMAGE, "image/png", base64=PNG))
tool_names = st.sampled_from(["read", "write_file", "mcp__files__list"])


@st.composite
def orderly(draw: st.DrawFn) -> ChatRequest:
    """A conversation as a good client has it: every call answered at once, nothing empty, nothing foreign."""
    messages: list[Message] = []
    for turn in range(draw(st.integers(1, 4))):
        asked: list[Part] = [TextPart(draw(plain_words))]
        if draw(st.booleans()):
            asked.append(draw(pictures))
        messages.append(Message(Role.USER, tuple(asked)))
        if turn and draw(st.booleans()):
            messages.append(Message(Role.ASSISTANT, (TextPart(draw(plain_words)),)))
            continue
        called = [
            ToolCallPart(f"call_{turn}_{number}", draw(tool_names), draw(objects))
            for number in range(draw(st.integers(1, 3)))
        ]
        answered = tuple(
            ToolResultPart(call.call_id, (TextPart(draw(plain_words)),)) for call in called
        )
        messages += [
            Message(Role.ASSISTANT, (TextPart(draw(plain_words)), *called)),
            Message(Role.USER, answered),
        ]
    if messages[-1].role is Role.ASSISTANT:
        messages.append(Message(Role.USER, (TextPart("go on"),)))
    system = [TextPart(draw(plain_words))]
    names = ["read", "write_file", "mcp__files__list"]
    schema = Raw(b'{"type":"object","properties":{"a":{"type":"number"}},"required":["a"]}')
    return ChatRequest(
        "elsewhere",
        "m",
        tuple(messages),
        tuple(system),
        tuple(FunctionTool(name, "Does it.", schema) for name in names),
        draw(
            st.none() | st.builds(ToolChoice, st.sampled_from([ChoiceMode.AUTO, ChoiceMode.NONE]))
        ),
        max_output_tokens=draw(st.none() | st.just(5000)),
        stream=draw(st.booleans()),
    )


def turns_of(request: ChatRequest) -> list[tuple[str, tuple[str, ...]]]:
    """Who speaks, and what sort of parts; turns of one speaker on end are one."""
    found: list[tuple[str, tuple[str, ...]]] = []
    for message in request.messages:
        kinds = tuple(type(part).__name__ for part in message.parts)
        if found and found[-1][0] == message.role:
            found[-1] = (message.role, found[-1][1] + kinds)
        else:
            found.append((message.role, kinds))
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(orderly())
def test_what_every_dialect_can_say_comes_back_as_it_was(request: ChatRequest) -> None:
    """Invariants 5, 6 and 7 of section 21, for each upstream's dialect; once more encoded, it is the same."""
    for upstream in UPSTREAMS:
        made = dialect(upstream.dialect).encode_request(
            request, upstream.target(stream=request.stream)
        )
        where = f"{upstream.name}: {[str(loss) for loss in made.losses]}"
        reader = dialect(upstream.dialect)
        again = reader.decode_request(Inbound(made.body, upstream.facts.id))
        if not MEDIA & {loss.feature for loss in made.losses}:
            assert heard(again, made) == heard(request), where
            said = [it for it in turns_of(again) if it[0] in {Role.USER, Role.ASSISTANT}]
            assert [it[0] for it in said] == [it[0] for it in turns_of(request)], where
        twice = reader.encode_request(again, upstream.target(stream=request.stream))
        third = reader.encode_request(
            reader.decode_request(Inbound(twice.body, upstream.facts.id)),
            upstream.target(stream=request.stream),
        )
        assert json.loads(third.body) == json.loads(twice.body), where
