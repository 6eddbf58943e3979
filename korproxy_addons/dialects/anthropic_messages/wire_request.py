"""The Messages API's requests as typed structs; every field may be absent or null (T182), blocks are flat."""

from typing import Final

import msgspec
from msgspec import Raw, Struct

from korproxy_addons.dialects.anthropic_messages.wire import NOTHING


class WireMetadata(Struct):
    """Who asks."""

    user_id: str | None = None


class WirePeek(Struct):
    """What routing needs of a request."""

    model: str | None = None
    stream: bool | None = None
    metadata: WireMetadata | None = None


class WireTurn(Struct):
    """One message."""

    role: str
    content: str | list[Raw] | None = None


class WireThinking(Struct):
    """`thinking`."""

    type: str | None = None
    budget_tokens: int | None = None
    display: str | None = None


class WireFormat(Struct):
    """The form of the answer."""

    type: str | None = None
    schema: Raw = NOTHING


class WireOutputConfig(Struct):
    """`output_config`."""

    effort: str | None = None
    format: WireFormat | None = None


class WireRequest(Struct):
    """A request, as far as its fields mean something elsewhere; `tool_choice` and `tools` come in several forms."""

    messages: list[WireTurn]
    model: str | None = None
    system: str | list[Raw] | None = None
    max_tokens: int | None = None
    metadata: WireMetadata | None = None
    stop_sequences: list[str] | None = None
    stream: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    tools: list[Raw] | None = None
    tool_choice: Raw = NOTHING
    thinking: WireThinking | None = None
    output_config: WireOutputConfig | None = None
    output_format: WireFormat | None = None
    service_tier: str | None = None


class WireCache(Struct):
    """`cache_control`."""

    ttl: str | None = None


class WireSource(Struct):
    """Where an image or a document is."""

    type: str | None = None
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    file_id: str | None = None
    content: str | list[Raw] | None = None


class WireBlock(Struct):
    """A block of a message whose type has a meaning elsewhere."""

    type: str | None = None
    cache_control: WireCache | None = None
    text: str | None = None
    citations: Raw = NOTHING
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: Raw = NOTHING
    tool_use_id: str | None = None
    content: str | list[Raw] | None = None
    is_error: bool | None = None
    source: WireSource | None = None
    title: str | None = None
    context: str | None = None


class WireCitationsConfig(Struct):
    """Whether a document is to be cited."""

    enabled: bool | None = None


class WireTool(Struct):
    """A tool of any type."""

    type: str | None = None
    name: str | None = None
    description: str | None = None
    input_schema: Raw = NOTHING
    strict: bool | None = None
    cache_control: WireCache | None = None


class WireChosen(Struct):
    """The named function, where a client uses the form of another dialect."""

    name: str | None = None


class WireToolChoice(Struct):
    """`tool_choice` as an object."""

    type: str | None = None
    name: str | None = None
    function: WireChosen | None = None
    disable_parallel_tool_use: bool | None = None


PEEK: Final = msgspec.json.Decoder(WirePeek)
REQUEST: Final = msgspec.json.Decoder(WireRequest)
BLOCK: Final = msgspec.json.Decoder(WireBlock)
RAWS: Final = msgspec.json.Decoder(list[Raw])
CITATIONS_CONFIG: Final = msgspec.json.Decoder(WireCitationsConfig)
TOOL: Final = msgspec.json.Decoder(WireTool)
TOOL_CHOICE: Final = msgspec.json.Decoder(WireToolChoice | str)

KNOWN_FIELDS: Final = frozenset(WireRequest.__struct_fields__)
KNOWN_TOOL_FIELDS: Final = frozenset(WireTool.__struct_fields__)
