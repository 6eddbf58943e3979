"""Losses are explicit: whatever a request asks for is in the body for its upstream, or is listed as lost."""

from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from korproxy_addons.dialects import dialect
from korproxy_addons.dialects.losses import SERIOUS, Feature
from korproxy_addons.dialects.model import (
    CacheMarker,
    ChatRequest,
    ChoiceMode,
    Continuation,
    CustomTool,
    FormatKind,
    FunctionTool,
    HostedKind,
    HostedTool,
    MediaKind,
    MediaPart,
    Message,
    OutputFormat,
    Reasoning,
    Role,
    Sampling,
    TextPart,
    ThinkingMode,
    ToolChoice,
)
from matrix.cases import DIALECTS
from matrix.upstreams import UPSTREAMS, Upstream

SCHEMA = Raw(b'{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}')
GRAMMAR = Raw(b'{"type":"grammar","syntax":"lark","definition":"start: X"}')
TOOL = FunctionTool("read", "Reads.", SCHEMA)
PLAIN = ChatRequest("elsewhere", "m", (Message(Role.USER, (TextPart("hi"),)),), tools=(TOOL,))


def asking(*parts: Any) -> dict[str, Any]:
    return {"messages": (Message(Role.USER, (TextPart("hi"), *parts)),)}


# Stop strings are kept by the gateway where an upstream takes none; the others are about what a history holds.
NOT_HERE = {Feature.STOP, Feature.REASONING_SHOW, Feature.MEDIA_DETAIL, Feature.SERVER_TOOL_HISTORY}
WISHES: dict[Feature, dict[str, Any]] = {
    Feature.CHOICES: {"choices": 2},
    Feature.LOGPROBS: {"logprobs": 2},
    Feature.LOGIT_BIAS: {"sampling": Sampling(logit_bias=Raw(b'{"5":1}'))},
    Feature.SEED: {"sampling": Sampling(seed=5)},
    Feature.PENALTIES: {"sampling": Sampling(presence_penalty=0.5)},
    Feature.TEMPERATURE: {"sampling": Sampling(temperature=0.5)},
    Feature.TOP_P: {"sampling": Sampling(top_p=0.5)},
    Feature.TOP_K: {"sampling": Sampling(top_k=5)},
    Feature.OUTPUT_LIMIT: {"max_output_tokens": 700},
    Feature.VERBOSITY: {"verbosity": "low"},
    Feature.MODALITIES: {"modalities": ("text", "audio")},
    Feature.SERVICE_TIER: {"service_tier": "flex"},
    Feature.METADATA: {"metadata": {"a": "b"}},
    Feature.USER: {"user": "someone"},
    Feature.CACHE_KEY: {"cache_key": "k"},
    Feature.STORE: {"continuation": Continuation(store=True)},
    Feature.CONTINUATION: {"continuation": Continuation("resp_1")},
    Feature.REASONING: {"reasoning": Reasoning(ThinkingMode.UNSET, effort="high")},
    Feature.PARALLEL: {"parallel": False},
    Feature.TOOL_CHOICE: {"tool_choice": ToolChoice(ChoiceMode.NAMED, ("read",))},
    Feature.STRICT: {"tools": (replace(TOOL, strict=True),)},
    Feature.CUSTOM_GRAMMAR: {"tools": (TOOL, CustomTool("patch", "Edits.", GRAMMAR))},
    Feature.HOSTED_TOOL: {
        "tools": (
            TOOL,
            HostedTool(HostedKind.FILE_SEARCH, "file_search", "", "elsewhere", Raw(b"{}")),
        )
    },
    Feature.OUTPUT_FORMAT: {"output": OutputFormat(FormatKind.SCHEMA, SCHEMA, "answer")},
    Feature.CACHE_MARKER: {
        "messages": (Message(Role.USER, (TextPart("hi", cache=CacheMarker()),)),)
    },
    Feature.MESSAGE_NAME: {"messages": (Message(Role.USER, (TextPart("hi"),), name="ann"),)},
    Feature.IMAGE: asking(MediaPart(MediaKind.IMAGE, url="https://a.example/x.png")),
    Feature.DOCUMENT: asking(
        MediaPart(MediaKind.DOCUMENT, "application/pdf", base64="JVBERi0xLjQ=", name="a.pdf")
    ),
    Feature.AUDIO: asking(MediaPart(MediaKind.AUDIO, "audio/wav", base64="UklGRg==")),
    Feature.VIDEO: asking(MediaPart(MediaKind.VIDEO, "video/mp4", base64="AAAA")),
    Feature.CITATIONS: asking(MediaPart(MediaKind.DOCUMENT, text="plain", name="n", cite=True)),
    Feature.PREFILL: {
        "messages": (
            Message(Role.USER, (TextPart("hi"),)),
            Message(Role.ASSISTANT, (TextPart("So: "),)),
        )
    },
}


def encoded(upstream: Upstream, **wish: Any) -> tuple[bytes, set[Feature]]:
    made = dialect(upstream.dialect).encode_request(
        replace(PLAIN, **wish), upstream.target(stream=False)
    )
    return made.body, {loss.feature for loss in made.losses}


@pytest.mark.parametrize("upstream", UPSTREAMS, ids=lambda it: f"{it.dialect}-{it.name}")
@pytest.mark.parametrize("feature", WISHES)
def test_a_wish_is_in_the_body_or_is_listed_as_lost(feature: Feature, upstream: Upstream) -> None:
    if feature is Feature.CITATIONS:
        without = asking(MediaPart(MediaKind.DOCUMENT, text="plain", name="n"))
        plain, _ = encoded(upstream, **without)
    else:
        plain, _ = encoded(upstream)
    body, lost = encoded(upstream, **WISHES[feature])
    if body == plain:
        assert feature in lost
    if feature in dialect(upstream.dialect).cannot_express:
        assert feature in lost


@pytest.mark.parametrize("dialect_id", DIALECTS)
def test_what_a_dialect_cannot_express_is_among_what_is_tried_here(dialect_id: str) -> None:
    declared = dialect(dialect_id).cannot_express
    assert declared - WISHES.keys() <= NOT_HERE


def test_the_serious_ones_are_tried_too() -> None:
    assert SERIOUS - WISHES.keys() == {Feature.STOP}
