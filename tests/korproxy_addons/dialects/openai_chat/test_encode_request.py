import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from korproxy_addons.config.habits import (
    COMPATIBLE_CHAT,
    OPENAI_CHAT,
    Habits,
    ModelFacts,
    Thinking,
)
from korproxy_addons.dialects.base import Target
from korproxy_addons.dialects.model import (
    ChatRequest,
    Continuation,
    MediaKind,
    MediaPart,
    Message,
    Reasoning,
    Role,
    Sampling,
    TextPart,
    ThinkingMode,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
)
from korproxy_addons.dialects.openai_chat.encode_request import encode_request
from korproxy_addons.errors.catalogue import CANNOT_TRANSLATE
from korproxy_addons.errors.exceptions import KorProxyError
from support.chat_wire import asked, sent

ASK = Message(Role.USER, (TextPart("q"),))
OWN = "openai-chat"
OTHER = "anthropic-messages"
UNKNOWN = ModelFacts("m")
REASONER = ModelFacts("m", thinking=Thinking.EFFORT)


def encoded(
    source: str = OTHER,
    habits: Habits = COMPATIBLE_CHAT,
    facts: ModelFacts | None = None,
    **fields: Any,
) -> tuple[dict[str, Any], list[str]]:
    request = ChatRequest(source, "m", fields.pop("messages", (ASK,)), **fields)
    body, lost = sent(request, habits, facts or ModelFacts("m"), stream=request.stream)
    del body["model"], body["messages"]
    return body, lost


def kept_stops(habits: Habits, *stops: str, facts: ModelFacts = UNKNOWN) -> tuple[str, ...]:
    request = ChatRequest(OTHER, "m", (ASK,), stop=stops)
    return encode_request(request, Target("m", habits, facts, stream=False)).stops


def test_the_least_there_is() -> None:
    body, lost = sent(ChatRequest(OTHER, "m", (ASK,)))
    assert body == {"model": "up-1", "messages": [{"role": "user", "content": "q"}]}
    assert lost == []


def test_nothing_to_send_is_an_error_that_names_the_field() -> None:
    with pytest.raises(KorProxyError) as caught:
        encoded(messages=())
    assert (caught.value.spec, caught.value.param) == (CANNOT_TRANSLATE, "messages")


def test_t116_the_limit_has_the_name_that_the_server_knows() -> None:
    assert encoded(max_output_tokens=9) == ({"max_tokens": 9}, [])
    assert encoded(max_output_tokens=9, habits=OPENAI_CHAT)[0] == {"max_completion_tokens": 9}


def test_t115_the_limit_is_within_the_models() -> None:
    facts = ModelFacts("m", max_output_tokens=5)
    assert encoded(max_output_tokens=9, facts=facts)[0] == {"max_tokens": 5}
    assert encoded(facts=facts)[0] == {}


def test_t119_stops_beyond_the_limit_are_kept_by_the_gateway() -> None:
    assert encoded(stop=("a",))[0] == {"stop": ["a"]}
    assert encoded(stop=tuple("abcdef")) == ({"stop": list("abcd")}, [])
    assert kept_stops(COMPATIBLE_CHAT, *"abcdef") == ("e", "f")
    for habits in (
        replace(COMPATIBLE_CHAT, stop_limit=0),
        replace(COMPATIBLE_CHAT, refused_fields=frozenset({"stop"})),
    ):
        assert encoded(stop=("a",), habits=habits) == ({}, [])
        assert kept_stops(habits, "a") == ("a",)


def test_t116_openais_reasoning_models_are_told_no_stop_strings_and_give_no_logprobs() -> None:
    body, lost = encoded(OWN, habits=OPENAI_CHAT, facts=REASONER, stop=("a",), logprobs=2)
    assert (body, lost) == (
        {},
        ["logprobs: the model reasons"],
    )
    assert kept_stops(OPENAI_CHAT, "a", facts=REASONER) == ("a",)


def test_t122_sampling() -> None:
    sampling = Sampling(0.5, 0.9, 4, 1, 0.1, 0.2, Raw(b'{"5":1}'))
    body, lost = encoded(sampling=sampling)
    assert body == {
        "temperature": 0.5,
        "top_p": 0.9,
        "seed": 1,
        "presence_penalty": 0.1,
        "frequency_penalty": 0.2,
        "logit_bias": {"5": 1},
    }
    assert lost == ["top_k"]
    assert encoded(OWN, sampling=Sampling(top_k=4)) == ({"top_k": 4}, [])
    assert encoded(OWN, logprobs=3)[0] == {"logprobs": True, "top_logprobs": 3}
    assert encoded(OWN, logprobs=0)[0] == {"logprobs": True}
    # the answer's own would be lost on the way to a client of another dialect
    assert encoded(logprobs=3) == ({}, ["logprobs"])


def test_a_server_without_seed_and_penalties_gets_none() -> None:
    habits = replace(COMPATIBLE_CHAT, seed_and_penalties=False)
    lost = ["seed: seed", "penalties: presence_penalty"]
    assert encoded(sampling=Sampling(seed=1, presence_penalty=0.5), habits=habits) == ({}, lost)


def test_t116_openais_reasoning_models_get_no_sampling() -> None:
    sampling = Sampling(0.5, top_p=1, presence_penalty=0)
    body, lost = encoded(habits=OPENAI_CHAT, facts=REASONER, sampling=sampling)
    assert (body, lost) == ({}, ["temperature: the model reasons"])
    off = Reasoning(ThinkingMode.DISABLED)
    facts = replace(REASONER, efforts=("none", "low"))
    asked_off, _ = encoded(habits=OPENAI_CHAT, facts=facts, sampling=sampling, reasoning=off)
    assert asked_off["temperature"] == 0.5
    assert encoded(facts=REASONER, sampling=sampling)[0]["temperature"] == 0.5


def test_t122_several_answers_cross_no_border() -> None:
    assert encoded(OWN, choices=2)[0] == {"n": 2}
    assert encoded(choices=2) == ({}, ["n: 2"])


def test_t100_usage_is_always_asked_for_in_streams() -> None:
    assert encoded(stream=True)[0] == {"stream": True, "stream_options": {"include_usage": True}}
    shy = replace(COMPATIBLE_CHAT, stream_usage=False)
    assert encoded(stream=True, habits=shy)[0] == {"stream": True}


def test_t11_a_prefill_that_is_not_continued_is_listed() -> None:
    turns = (ASK, Message(Role.ASSISTANT, (TextPart("So"),)))
    assert encoded(messages=turns)[1] == ["prefill: the model answers anew"]
    assert encoded(messages=turns, facts=ModelFacts("m", prefill=True))[1] == []
    assert encoded(OWN, messages=turns)[1] == []


def test_t123_openais_own_fields_go_to_openai_or_from_chat_clients() -> None:
    fields: dict[str, Any] = {
        "service_tier": "flex",
        "verbosity": "low",
        "continuation": Continuation(store=True),
        "metadata": {"a": "b"},
        "cache_key": "k",
        "modalities": ("text", "audio"),
    }
    own = {
        "service_tier": "flex",
        "verbosity": "low",
        "store": True,
        "metadata": {"a": "b"},
        "prompt_cache_key": "k",
        "modalities": ["text", "audio"],
    }
    assert encoded(OWN, **fields) == (own, [])
    body, lost = encoded(habits=OPENAI_CHAT, **fields)
    assert body == {name: value for name, value in own.items() if name != "modalities"}
    assert lost == ["modalities: text audio"]
    body, lost = encoded(**fields)
    assert body == {}
    assert {loss.partition(":")[0] for loss in lost} == {
        "service_tier", "verbosity", "store", "metadata", "cache_key", "modalities",
    }  # fmt: skip


def test_metadata_without_store_is_refused_by_openai() -> None:
    assert encoded(habits=OPENAI_CHAT, metadata={"a": "b"}) == ({}, ["metadata"])


def test_t145_state_of_responses_is_lost() -> None:
    assert encoded(continuation=Continuation("resp_1"))[1] == ["previous_response_id"]
    assert encoded(continuation=Continuation(conversation="conv"))[1] == ["previous_response_id"]


def test_t94_the_conversation_has_a_stable_key_and_the_person_stays_unknown() -> None:
    body, lost = encoded(habits=OPENAI_CHAT, user="device-7-account-9")
    assert lost == ["user"]
    assert "device" not in str(body)
    assert len(body["prompt_cache_key"]) == 32
    assert encoded(habits=OPENAI_CHAT, user="device-7-account-9")[0] == body
    assert encoded(habits=OPENAI_CHAT, cache_key="k" * 99)[0]["prompt_cache_key"] != "k" * 99
    assert encoded(OWN, user="u")[0] == {"user": "u"}


def test_t123_fields_known_nowhere_go_back_where_they_came_from_only() -> None:
    body = {
        "model": "m",
        "stream": True,
        "messages": [{"role": "user", "content": "q", "weight": 1}],
        "brand_new": 1.0,
        "stream_options": {"include_obfuscation": False},
        "thinking": {"type": "enabled", "clear": True},
    }
    request = asked(body)
    own, lost = sent(request, COMPATIBLE_CHAT, stream=True)
    assert own["brand_new"] == 1.0
    assert own["stream_options"] == {"include_usage": True, "include_obfuscation": False}
    assert lost[-2:] == ["native_field: thinking.clear", "native_field: messages[].weight"]
    _, all_lost = sent(replace(request, source=OTHER), COMPATIBLE_CHAT)
    assert "native_field: brand_new" in all_lost


def test_t117_refused_fields_go_last_of_all() -> None:
    habits = replace(COMPATIBLE_CHAT, refused_fields=frozenset({"temperature", "odd"}))
    body, lost = encoded(OWN, habits=habits, sampling=Sampling(0.5), native={"odd": Raw(b"1")})
    assert body == {}
    assert sorted(lost) == ["native_field: odd", "temperature: temperature"]


def test_t93_the_same_request_gives_the_same_bytes_and_a_longer_one_begins_with_them() -> None:
    history = [
        {"role": "system", "content": "s"},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"function": {"name": "a.b", "arguments": "{}"}}],
        },
        {"role": "tool", "content": "r"},
        {"role": "assistant", "content": "done"},
    ]
    target = Target("m", COMPATIBLE_CHAT, ModelFacts("m"), stream=False)

    def bytes_of(count: int) -> bytes:
        return encode_request(asked({"model": "m", "messages": history[:count]}), target).body

    assert bytes_of(5) == bytes_of(5)
    for count in (1, 2, 4):
        head = bytes_of(count).removesuffix(b"]}")
        assert bytes_of(5).startswith(head)


def test_t69_no_null_is_ever_sent_but_for_an_assistants_missing_words() -> None:
    request = asked(
        {
            "model": "m",
            "messages": [
                {"role": "user", "content": "a", "name": None},
                {"role": "assistant", "content": "b", "refusal": None, "tool_calls": None},
            ],
            "tools": [
                {"type": "function", "function": {"name": "f", "strict": None, "parameters": None}}
            ],
            "tool_choice": None,
            "temperature": None,
            "metadata": None,
        }
    )
    assert "null" not in json.dumps(sent(request)[0])


# --- random conversations

FULL = replace(OPENAI_CHAT, reasoning_field="reasoning_content")  # loses nothing that Chat can say
WORDS = st.text(alphabet='abc <>{}"\\\n🙂ü', min_size=1, max_size=8)


@st.composite
def random_conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """Conversations as Chat can say them."""
    turns: list[Message] = []
    number = 0
    texts = st.builds(TextPart, WORDS)
    image = st.just(MediaPart(MediaKind.IMAGE, "image/png", "iVBORw0KGgo="))
    for kind in draw(
        st.lists(st.sampled_from(["system", "user", "assistant", "calls"]), min_size=1, max_size=6)
    ):
        if kind == "system":
            turns.append(
                Message(draw(st.sampled_from([Role.SYSTEM, Role.DEVELOPER])), (draw(texts),))
            )
        elif kind == "user":
            parts = draw(st.lists(texts | image, min_size=1, max_size=3))
            turns.append(Message(Role.USER, tuple(parts), draw(st.sampled_from(["", "ann"]))))
        else:
            said: list[Any] = [ThinkingPart(draw(WORDS))] if draw(st.booleans()) else []
            said += [draw(texts)]
            results: list[Message] = []
            for _ in range(draw(st.integers(1, 3)) if kind == "calls" else 0):
                number += 1
                said.append(
                    ToolCallPart(f"call_{number}", "f", draw(st.sampled_from(["{}", '{"a": 1.0}'])))
                )
                content = (TextPart(draw(WORDS)),) if draw(st.booleans()) else ()
                results.append(Message(Role.USER, (ToolResultPart(f"call_{number}", content),)))
            if turns and turns[-1].role is Role.ASSISTANT:
                turns.append(Message(Role.USER, (TextPart("."),)))
            turns += [Message(Role.ASSISTANT, tuple(said)), *results]
    return tuple(turns)


@settings(max_examples=150, deadline=None)
@given(random_conversations())
def test_a_conversation_that_is_sent_and_read_again_is_the_same(
    messages: tuple[Message, ...],
) -> None:
    request = ChatRequest("openai-chat", "up-1", messages)
    body, lost = sent(request, FULL)
    assert lost == []
    again = asked(body).messages
    assert [part for message in again for part in message.parts if part != ThinkingPart("")] == [
        part for message in messages for part in message.parts
    ]
    assert [message.role for message in again] == [message.role for message in messages]
