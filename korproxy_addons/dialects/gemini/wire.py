"""
Gemini's JSON as structs, as far as both ways read it.

Google's servers write camelCase, its clients mix it with snake_case inside one body, at any level: every field of
two words is read under both names, and code sees one attribute. What nobody has to look into stays `Raw`.
"""

from typing import Any, Final

import msgspec
from msgspec import Raw, Struct, field

DIALECT_ID: Final = "gemini"
ORIGIN: Final = "google"

# Google documents this word for calls that another model made: it stands in for their signature (T77).
NO_SIGNATURE: Final = "skip_thought_signature_validator"

MODELS_PREFIX: Final = "models/"

# A field of any JSON that was not given. (A `Raw | None` would only take null.)
ABSENT: Final = Raw()

type Fields = dict[str, Raw]
type Count = int | float | str | None


def _snake(name: str, default: Any = None) -> Any:
    """A second name for a field: its attribute is emptied into the first one's after decoding."""
    return field(default=default, name=name)


def is_null(raw: Raw) -> bool:
    """Whether a field says nothing: it is absent or null (T182)."""
    return bytes(raw) in {b"", b"null"}


class Blob(Struct, rename="camel"):
    """Media inside the body."""

    mime_type: str | None = None
    data: str | None = None
    display_name: str | None = None
    snake_mime_type: str | None = _snake("mime_type")
    snake_display_name: str | None = _snake("display_name")

    def __post_init__(self) -> None:
        self.mime_type = self.mime_type or self.snake_mime_type
        self.display_name = self.display_name or self.snake_display_name


class FileData(Struct, rename="camel"):
    """Media by address."""

    mime_type: str | None = None
    file_uri: str | None = None
    display_name: str | None = None
    snake_mime_type: str | None = _snake("mime_type")
    snake_file_uri: str | None = _snake("file_uri")
    snake_display_name: str | None = _snake("display_name")

    def __post_init__(self) -> None:
        self.mime_type = self.mime_type or self.snake_mime_type
        self.file_uri = self.file_uri or self.snake_file_uri
        self.display_name = self.display_name or self.snake_display_name


class PartialArg(Struct, rename="camel"):
    """A piece of a call's arguments, where they are streamed; no value at all is a null."""

    json_path: str = ""
    string_value: str | None = None
    number_value: Raw = ABSENT
    bool_value: bool | None = None
    will_continue: bool | None = None
    snake_json_path: str | None = _snake("json_path")
    snake_string_value: str | None = _snake("string_value")
    snake_number_value: Raw = _snake("number_value", ABSENT)
    snake_bool_value: bool | None = _snake("bool_value")
    snake_will_continue: bool | None = _snake("will_continue")

    def __post_init__(self) -> None:
        self.json_path = self.json_path or self.snake_json_path or ""
        if self.string_value is None:
            self.string_value = self.snake_string_value
        if is_null(self.number_value):
            self.number_value = self.snake_number_value
        if self.bool_value is None:
            self.bool_value = self.snake_bool_value
        self.will_continue = self.will_continue or self.snake_will_continue


class FunctionCall(Struct, rename="camel"):
    """A call; whole in one part, unless streaming of arguments was asked for."""

    name: str | None = None
    id: str | None = None
    args: Raw = ABSENT
    partial_args: list[PartialArg] | None = None
    will_continue: bool | None = None
    snake_partial_args: list[PartialArg] | None = _snake("partial_args")
    snake_will_continue: bool | None = _snake("will_continue")

    def __post_init__(self) -> None:
        self.partial_args = self.partial_args or self.snake_partial_args
        self.will_continue = self.will_continue or self.snake_will_continue


class FunctionResponse(Struct):
    """A call's result."""

    name: str | None = None
    id: str | None = None
    response: Raw = ABSENT
    parts: list[Raw] | None = None


class Resolution(Struct):
    """How closely to look at a part's media."""

    level: str | None = None


class Part(Struct, rename="camel"):
    """One part of a content; a part of another kind leaves all but thought and signature empty."""

    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: FunctionCall | None = None
    function_response: FunctionResponse | None = None
    inline_data: Blob | None = None
    file_data: FileData | None = None
    media_resolution: Resolution | None = None
    video_metadata: Raw = ABSENT
    snake_thought_signature: str | None = _snake("thought_signature")
    snake_function_call: FunctionCall | None = _snake("function_call")
    snake_function_response: FunctionResponse | None = _snake("function_response")
    snake_inline_data: Blob | None = _snake("inline_data")
    snake_file_data: FileData | None = _snake("file_data")
    snake_media_resolution: Resolution | None = _snake("media_resolution")
    snake_video_metadata: Raw = _snake("video_metadata", ABSENT)

    def __post_init__(self) -> None:
        self.thought_signature = self.thought_signature or self.snake_thought_signature
        if self.text is not None:
            return
        self.function_call = self.function_call or self.snake_function_call
        self.function_response = self.function_response or self.snake_function_response
        self.inline_data = self.inline_data or self.snake_inline_data
        self.file_data = self.file_data or self.snake_file_data
        self.media_resolution = self.media_resolution or self.snake_media_resolution
        if is_null(self.video_metadata):
            self.video_metadata = self.snake_video_metadata


class Content(Struct):
    """A turn of an answer."""

    role: str | None = None
    parts: list[Raw] | None = None


class UsageMetadata(Struct, rename="camel"):
    """Counts of one answer so far."""

    prompt_token_count: Count = None
    candidates_token_count: Count = None
    thoughts_token_count: Count = None
    tool_use_prompt_token_count: Count = None
    cached_content_token_count: Count = None
    total_token_count: Count = None
    service_tier: str | None = None
    snake_prompt_token_count: Count = _snake("prompt_token_count")
    snake_candidates_token_count: Count = _snake("candidates_token_count")
    snake_thoughts_token_count: Count = _snake("thoughts_token_count")
    snake_tool_use_prompt_token_count: Count = _snake("tool_use_prompt_token_count")
    snake_cached_content_token_count: Count = _snake("cached_content_token_count")
    snake_total_token_count: Count = _snake("total_token_count")
    snake_service_tier: str | None = _snake("service_tier")


class PromptFeedback(Struct, rename="camel"):
    """Why the prompt was refused, where it was."""

    block_reason: str | None = None
    block_reason_message: str | None = None
    snake_block_reason: str | None = _snake("block_reason")
    snake_block_reason_message: str | None = _snake("block_reason_message")

    def __post_init__(self) -> None:
        self.block_reason = self.block_reason or self.snake_block_reason
        self.block_reason_message = self.block_reason_message or self.snake_block_reason_message


class CandidateHead(Struct, rename="camel"):
    """What a candidate says beside its content."""

    index: int | None = None
    finish_reason: str | None = None
    finish_message: str | None = None
    snake_finish_reason: str | None = _snake("finish_reason")
    snake_finish_message: str | None = _snake("finish_message")

    def __post_init__(self) -> None:
        self.finish_reason = self.finish_reason or self.snake_finish_reason
        self.finish_message = self.finish_message or self.snake_finish_message


class Candidate(CandidateHead, rename="camel"):
    """One answer, or a chunk of it; the sources are decoded where there are some."""

    content: Content | None = None
    grounding_metadata: Raw = ABSENT
    citation_metadata: Raw = ABSENT
    snake_grounding_metadata: Raw = _snake("grounding_metadata", ABSENT)
    snake_citation_metadata: Raw = _snake("citation_metadata", ABSENT)

    def __post_init__(self) -> None:
        CandidateHead.__post_init__(self)
        if is_null(self.grounding_metadata):
            self.grounding_metadata = self.snake_grounding_metadata
        if is_null(self.citation_metadata):
            self.citation_metadata = self.snake_citation_metadata


class ChunkHead(Struct, rename="camel"):
    """What a chunk, or a whole reply, says beside its candidates."""

    usage_metadata: UsageMetadata | None = None
    model_version: str | None = None
    response_id: str | None = None
    prompt_feedback: PromptFeedback | None = None
    error: Raw = ABSENT
    snake_usage_metadata: UsageMetadata | None = _snake("usage_metadata")
    snake_model_version: str | None = _snake("model_version")
    snake_response_id: str | None = _snake("response_id")
    snake_prompt_feedback: PromptFeedback | None = _snake("prompt_feedback")

    def __post_init__(self) -> None:
        self.usage_metadata = self.usage_metadata or self.snake_usage_metadata
        self.model_version = self.model_version or self.snake_model_version
        self.response_id = self.response_id or self.snake_response_id
        self.prompt_feedback = self.prompt_feedback or self.snake_prompt_feedback


class Chunk(ChunkHead, rename="camel"):
    """A chunk, or a whole reply: they have one shape."""

    candidates: list[Candidate] | None = None


CHUNK: Final = msgspec.json.Decoder(Chunk)
PART: Final = msgspec.json.Decoder(Part)
FIELDS: Final = msgspec.json.Decoder(Fields)


def camel(name: str) -> str:
    """The camelCase form of a field's name; leading underscores stay."""
    if "_" not in name:
        return name
    head, *words = name.lstrip("_").split("_")
    start = name[: len(name) - len(name.lstrip("_"))]
    return start + head + "".join(word[:1].upper() + word[1:] for word in words)
