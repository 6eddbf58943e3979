"""
What an upstream of a dialect accepts: plain values that providers state and dialects obey.

`dialects` and `providers` don't know each other. A provider names a preset of `HABITS` for each way in,
a config entry may change single fields (`with_settings`), and the dialect's encoder reads the result.
What differs from model to model stands in `ModelFacts`.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import get_type_hints

import msgspec
from msgspec import Struct


class Thinking(StrEnum):
    """
    How a model is told to reason.

    UNKNOWN: nothing is known, the encoder uses its dialect's most common form. NONE: it cannot. BUDGET: a
    number of tokens. ADAPTIVE: it decides, led by an effort. LEVEL: one of few words (Gemini 3). EFFORT: an
    effort word alone. SWITCH: on or off.
    """

    UNKNOWN = "unknown"
    NONE = "none"
    BUDGET = "budget"
    ADAPTIVE = "adaptive"
    LEVEL = "level"
    EFFORT = "effort"
    SWITCH = "switch"


class ModelFacts(Struct, frozen=True):
    """
    What is known of one model; None and () mean unknown, never none.

    Attributes:
        id: The upstream's name of it.
        display_name: For people; "" if there is none.
        created_at: Unix seconds, 0 if unknown.
        owner: Who makes it ("anthropic"), for lists.
        context_tokens: The longest prompt.
        max_output_tokens: The longest answer; no request asks for more (T115).
        thinking: How it is told to reason.
        efforts: Effort words or levels it knows, weakest first.
        min_budget_tokens, max_budget_tokens: Limits of a thinking budget (T83, T85).
        can_disable_thinking: False for models that always think (Gemini Pro).
        prefill: Whether a trailing assistant turn is continued (T11).
        both_samplings: Whether temperature and top_p may stand together (T121).
        inputs: Sorts of input in lower case ("text", "image", "document", "audio", "video").
        recommended: A list may show it; False for hidden ones.
    """

    id: str
    display_name: str = ""
    created_at: int = 0
    owner: str = ""
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    thinking: Thinking = Thinking.UNKNOWN
    efforts: tuple[str, ...] = ()
    min_budget_tokens: int | None = None
    max_budget_tokens: int | None = None
    can_disable_thinking: bool | None = None
    prefill: bool | None = None
    both_samplings: bool | None = None
    inputs: tuple[str, ...] = ()
    recommended: bool = True


class ReasoningSwitch(StrEnum):
    """
    The request field by which a Chat server is told to reason.

    EFFORT: `reasoning_effort`. ENABLE_THINKING: `enable_thinking` and `thinking_budget` (Qwen). THINKING:
    `thinking{type}` (GLM, Kimi, DeepSeek). REASONING: `reasoning{effort,max_tokens}` (OpenRouter). NONE:
    it has no such field.
    """

    EFFORT = "effort"
    ENABLE_THINKING = "enable_thinking"
    THINKING = "thinking"
    REASONING = "reasoning"
    NONE = "none"


class Habits(Struct, frozen=True, kw_only=True):
    """
    What one upstream accepts within its dialect. A field that a dialect does not know is ignored by it.

    Attributes:
        dialect: Dialect id.
        state_origin: Name of the service whose opaque state it reads (`Opaque.origin`); "": it has none.
        refused_fields: Top-level wire fields it answers with 400; the encoder leaves them out and lists
            the loss (T117).
        image_urls: Takes http(s) URLs of images; else they are a loss (T125).
        strict_tools: Takes `strict` on tools.
        schema_output: Takes a JSON schema for its answer; else a forced tool or JSON mode stands in (T130).
        json_output: Has a JSON mode without a schema.
        stop_limit: The most stop strings it takes; 0: none.

        developer_role: Chat, Responses: knows the role `developer` (T09).
        system_role: Responses: knows the role `system` inside `input`.
        limit_field: Chat: name of the field for the output limit (T116).
        stream_usage: Chat: takes `stream_options.include_usage` (T100).
        reasoning_switch: Chat: how it is told to reason.
        reasoning_field: Chat: name under which an assistant turn carries its reasoning back; "": it must
            not be sent (T81).
        think_tags: Chat: reasoning may come as `<think>` in the text (T82).
        custom_tools: Chat, Responses: takes custom tools as they are (T139, T142).
        tool_images: Chat: tool messages take images (T66).
        forced_choice: Chat: takes `tool_choice` other than "auto" and "none".
        seed_and_penalties: Chat: takes `seed` and penalties.
        wants_system: Chat: wants a system message to be present.

        stores: Responses: keeps answers (`store`, `previous_response_id`). If not, `store:false` is sent, and
            reasoning is asked for, and sent back, in encrypted form (T76, T146).
        wants_instructions: Responses: `instructions` must be a non-empty string (T146).

        mid_system: Anthropic: takes `system` turns inside `messages` (T07).
        cache_markers: Anthropic: the most cache markers it takes (T90).

        call_ids: Gemini: takes ids on calls and responses (T58).
        result_media: Gemini: takes media inside `functionResponse.parts` (T66).
        json_schema: Gemini: takes `parametersJsonSchema` and `responseJsonSchema`.
        tools_with_search: Gemini: takes functions and its own tools in one request, from Gemini 3 on (T33).
        json_with_tools: Gemini: takes a JSON answer format beside functions, from Gemini 3 on (T132).
    """

    dialect: str
    state_origin: str = ""
    refused_fields: frozenset[str] = frozenset()
    image_urls: bool = True
    strict_tools: bool = True
    schema_output: bool = True
    json_output: bool = True
    stop_limit: int = 4

    developer_role: bool = True
    system_role: bool = True
    limit_field: str = "max_completion_tokens"
    stream_usage: bool = True
    reasoning_switch: ReasoningSwitch = ReasoningSwitch.EFFORT
    reasoning_field: str = ""
    think_tags: bool = False
    custom_tools: bool = True
    tool_images: bool = False
    forced_choice: bool = True
    seed_and_penalties: bool = True
    wants_system: bool = False

    stores: bool = True
    wants_instructions: bool = False

    mid_system: bool = False
    cache_markers: int = 4

    call_ids: bool = True
    result_media: bool = True
    json_schema: bool = True
    tools_with_search: bool = False
    json_with_tools: bool = True


OPENAI_CHAT = Habits(dialect="openai-chat", state_origin="openai")

# A server of which we know nothing but its dialect gets what all of them know: "system", `max_tokens`.
COMPATIBLE_CHAT = Habits(
    dialect="openai-chat",
    developer_role=False,
    limit_field="max_tokens",
    strict_tools=False,
    think_tags=True,
    custom_tools=False,
)
QWEN_CHAT = msgspec.structs.replace(
    COMPATIBLE_CHAT,
    reasoning_switch=ReasoningSwitch.ENABLE_THINKING,
    reasoning_field="reasoning_content",
)
IFLOW_CHAT = msgspec.structs.replace(
    COMPATIBLE_CHAT,
    reasoning_switch=ReasoningSwitch.THINKING,
    reasoning_field="reasoning_content",
)

OPENAI_RESPONSES = Habits(dialect="openai-responses", state_origin="openai", stop_limit=0)
COMPATIBLE_RESPONSES = msgspec.structs.replace(OPENAI_RESPONSES, state_origin="", stores=False)
CODEX_BACKEND = Habits(
    dialect="openai-responses",
    state_origin="openai",
    stop_limit=0,
    system_role=False,
    stores=False,
    wants_instructions=True,
    # providers.md 3b, mode B; `service_tier` is the plan's own affair and passes only as "priority".
    refused_fields=frozenset(
        {
            "background",
            "conversation",
            "max_output_tokens",
            "max_tool_calls",
            "metadata",
            "previous_response_id",
            "prompt",
            "prompt_cache_options",
            "prompt_cache_retention",
            "safety_identifier",
            "stream_options",
            "temperature",
            "top_logprobs",
            "top_p",
            "truncation",
            "user",
        }
    ),
)

ANTHROPIC_API = Habits(
    dialect="anthropic-messages", state_origin="anthropic", json_output=False, stop_limit=8191
)
COMPATIBLE_ANTHROPIC = msgspec.structs.replace(
    ANTHROPIC_API, state_origin="", strict_tools=False, schema_output=False
)

GEMINI_API = Habits(
    dialect="gemini",
    state_origin="google",
    strict_tools=False,
    stop_limit=5,
    tools_with_search=True,
)
# Code Assist is stricter than the public API (T20).
CODE_ASSIST = msgspec.structs.replace(GEMINI_API, json_schema=False, image_urls=False)
COMPATIBLE_GEMINI = msgspec.structs.replace(
    GEMINI_API, state_origin="", json_schema=False, image_urls=False, tools_with_search=False
)

HABITS: Mapping[str, Habits] = {
    "openai-chat": OPENAI_CHAT,
    "compatible-chat": COMPATIBLE_CHAT,
    "qwen-chat": QWEN_CHAT,
    "iflow-chat": IFLOW_CHAT,
    "openai-responses": OPENAI_RESPONSES,
    "compatible-responses": COMPATIBLE_RESPONSES,
    "codex-backend": CODEX_BACKEND,
    "anthropic-api": ANTHROPIC_API,
    "compatible-anthropic": COMPATIBLE_ANTHROPIC,
    "gemini-api": GEMINI_API,
    "code-assist": CODE_ASSIST,
    "compatible-gemini": COMPATIBLE_GEMINI,
}

# For an endpoint that a user adds: the preset of its dialect.
COMPATIBLE: Mapping[str, Habits] = {
    "openai-chat": COMPATIBLE_CHAT,
    "openai-responses": COMPATIBLE_RESPONSES,
    "anthropic-messages": COMPATIBLE_ANTHROPIC,
    "gemini": COMPATIBLE_GEMINI,
}

_SETTABLE = tuple(name for name in Habits.__struct_fields__ if name != "dialect")
_TYPES = get_type_hints(Habits)


def with_settings(habits: Habits, settings: Mapping[str, object]) -> Habits:
    """
    `habits` with single fields changed, as a config entry asks for.

    Args:
        habits: A preset.
        settings: Field name to value as YAML gives it; a set is a list, an enum its word.

    Raises:
        ValueError: A field is unknown or its value has the wrong type; the text names the field and
            what is expected.
    """
    changes: dict[str, object] = {}
    for name, value in settings.items():
        if name not in _SETTABLE:
            raise ValueError(f"{name}: unknown habit; known are {', '.join(_SETTABLE)}")
        try:
            changes[name] = msgspec.convert(value, _TYPES[name])
        except msgspec.ValidationError as error:
            raise ValueError(f"{name}: {error}") from None
    return msgspec.structs.replace(habits, **changes)
