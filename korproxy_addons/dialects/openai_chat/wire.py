"""
Requests of the Chat Completions API as clients send them.

Beside OpenAI's own fields stand those of compatible servers and, because clients mix them in (T18), parts and tools of
Anthropic's and of the Responses API. Every field but `model` and `messages` may be missing or null (T182).
"""

from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from korproxy_addons.dialects.openai_chat.reasoning_details import Detail


class PeekWire(Struct):
    """What routing reads. `messages` and `input` are looked at, not read."""

    model: str | None = None
    stream: bool | None = None
    messages: Raw = Raw()
    input: Raw = Raw()
    prompt_cache_key: str | None = None
    user: str | None = None


class StreamOptions(Struct):
    """`stream_options`."""

    include_usage: bool | None = None


class JsonSchema(Struct):
    """`response_format.json_schema`."""

    name: str | None = None
    description: str | None = None
    schema: Raw = Raw()
    strict: bool | None = None


class ResponseFormat(Struct):
    """`response_format`."""

    type: str | None = None
    json_schema: JsonSchema | None = None


class ThinkingWire(Struct):
    """`thinking` of GLM, Kimi, DeepSeek, and of Anthropic's clients."""

    type: str | None = None
    budget_tokens: int | None = None


class ReasoningWire(Struct):
    """`reasoning` of OpenRouter."""

    effort: str | None = None
    max_tokens: int | None = None
    enabled: bool | None = None
    exclude: bool | None = None
    summary: str | None = None


class RequestWire(Struct):
    """The body. Fields that are named nowhere here are carried as `ChatRequest.native`."""

    model: str | None = None
    messages: list[Raw] | None = None
    system: str | list[Raw] | None = None
    tools: list[Raw] | None = None
    functions: list[Raw] | None = None
    tool_choice: Raw = Raw()
    function_call: Raw = Raw()
    parallel_tool_calls: bool | None = None
    max_completion_tokens: int | None = None
    max_tokens: int | None = None
    stop: str | list[str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: Raw = Raw()
    logprobs: bool | None = None
    top_logprobs: int | None = None
    n: int | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    reasoning_effort: str | None = None
    thinking: ThinkingWire | None = None
    enable_thinking: bool | None = None
    thinking_budget: int | None = None
    reasoning: ReasoningWire | None = None
    response_format: ResponseFormat | None = None
    prompt_cache_key: str | None = None
    user: str | None = None
    safety_identifier: str | None = None
    metadata: dict[str, Any] | None = None
    service_tier: str | None = None
    verbosity: str | None = None
    modalities: list[str] | None = None
    store: bool | None = None
    web_search_options: Raw = Raw()


class CacheWire(Struct):
    """`cache_control` (T92)."""

    type: str | None = None
    ttl: str | None = None


class CallBody(Struct):
    """`function` or `custom` of a call."""

    name: str | None = None
    arguments: Raw = Raw()
    input: str | None = None


class GoogleExtra(Struct):
    """State of a call for Google."""

    thought_signature: str | None = None


class ExtraContent(Struct):
    """`extra_content` of a call."""

    google: GoogleExtra | None = None


class CallWire(Struct):
    """A call in the history."""

    id: str | None = None
    type: str | None = None
    function: CallBody | None = None
    custom: CallBody | None = None
    extra_content: ExtraContent | None = None


class MessageWire(Struct):
    """A message of any role."""

    role: str
    content: str | list[Raw] | None = None
    name: str | None = None
    tool_calls: list[CallWire] | None = None
    function_call: CallBody | None = None
    tool_call_id: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[Detail] | None = None
    cache_control: CacheWire | None = None
    images: Raw = Raw()
    audio: Raw = Raw()
    annotations: Raw = Raw()


class UrlWire(Struct):
    """`image_url` or `video_url`."""

    url: str
    detail: str | None = None


class AudioWire(Struct):
    """`input_audio`."""

    data: str
    format: str | None = None


class FileWire(Struct):
    """`file`; Responses has the same fields in the part itself."""

    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class SourceWire(Struct):
    """`source` of Anthropic's images and documents."""

    type: str | None = None
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    file_id: str | None = None


class PartWire(Struct):
    """A part of `content`: Chat's own, Responses' and Anthropic's (T18)."""

    type: str | None = None
    text: str | None = None
    image_url: UrlWire | str | None = None
    video_url: UrlWire | str | None = None
    input_audio: AudioWire | None = None
    file: FileWire | None = None
    refusal: str | None = None
    detail: str | None = None
    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None
    file_url: str | None = None
    source: SourceWire | None = None
    title: str | None = None
    context: str | None = None
    thinking: Raw = Raw()
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: Raw = Raw()
    tool_use_id: str | None = None
    content: Raw = Raw()
    is_error: bool | None = None
    cache_control: CacheWire | None = None


class ToolBody(Struct):
    """`function` or `custom` of a tool; Responses and Anthropic have the same fields in the tool itself."""

    name: str | None = None
    description: str | None = None
    parameters: Raw = Raw()
    strict: bool | None = None
    format: Raw = Raw()


class ToolWire(Struct):
    """A tool: nested, flat or Anthropic's."""

    type: str | None = None
    function: ToolBody | None = None
    custom: ToolBody | None = None
    name: str | None = None
    description: str | None = None
    parameters: Raw = Raw()
    input_schema: Raw = Raw()
    strict: bool | None = None
    format: Raw = Raw()
    cache_control: CacheWire | None = None


class NamedWire(Struct):
    """Something that is its name."""

    name: str | None = None


class AllowedTool(Struct):
    """A tool in `allowed_tools`."""

    type: str | None = None
    name: str | None = None
    function: NamedWire | None = None
    custom: NamedWire | None = None


class AllowedTools(Struct):
    """`allowed_tools` (T40)."""

    mode: str | None = None
    tools: list[AllowedTool] | None = None


class ChoiceWire(Struct):
    """`tool_choice` as an object: Chat's, Responses' flat and Anthropic's form."""

    type: str | None = None
    name: str | None = None
    mode: str | None = None
    function: NamedWire | None = None
    custom: NamedWire | None = None
    allowed_tools: AllowedTools | None = None
    tools: list[AllowedTool] | None = None
    disable_parallel_tool_use: bool | None = None


_NULL: Final = b"null"

PEEK: Final = msgspec.json.Decoder(PeekWire)
REQUEST: Final = msgspec.json.Decoder(RequestWire)
MESSAGE: Final = msgspec.json.Decoder(MessageWire)
PART: Final = msgspec.json.Decoder(PartWire)
TOOL: Final = msgspec.json.Decoder(ToolWire)
CHOICE: Final = msgspec.json.Decoder(ChoiceWire | str)
LEGACY_CHOICE: Final = msgspec.json.Decoder(NamedWire | str)
FIELDS: Final = msgspec.json.Decoder(dict[str, Raw])
TEXT_OR_PARTS: Final = msgspec.json.Decoder(str | list[Raw] | None)


def is_set(raw: Raw) -> bool:
    """Whether a field was sent, and not as null."""
    view = memoryview(raw)
    return len(view) > len(_NULL) or bytes(view) not in {b"", _NULL}


def is_text(raw: Raw) -> bool:
    """Whether a value is a string."""
    return bytes(memoryview(raw)[:1]) == b'"'
