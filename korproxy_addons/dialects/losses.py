"""What a dialect cannot express: named features, and the list of those that one request lost."""

from enum import StrEnum
from typing import Final

from msgspec import Struct


class Feature(StrEnum):
    """Something a request can ask for. The words show in the exchange record and `X-KorProxy-Why`."""

    CHOICES = "n"
    LOGPROBS = "logprobs"
    LOGIT_BIAS = "logit_bias"
    SEED = "seed"
    PENALTIES = "penalties"
    TEMPERATURE = "temperature"
    TOP_P = "top_p"
    TOP_K = "top_k"
    OUTPUT_LIMIT = "output_limit"
    STOP = "stop"
    VERBOSITY = "verbosity"
    MODALITIES = "modalities"
    SERVICE_TIER = "service_tier"
    METADATA = "metadata"
    USER = "user"
    CACHE_KEY = "cache_key"
    CACHE_MARKER = "cache_marker"
    STORE = "store"
    CONTINUATION = "previous_response_id"
    REASONING = "reasoning"
    REASONING_SHOW = "reasoning_show"
    FOREIGN_STATE = "foreign_state"
    THINKING = "thinking"
    PARALLEL = "parallel_tool_calls"
    TOOL_CHOICE = "tool_choice"
    STRICT = "strict"
    SCHEMA = "schema"
    CUSTOM_GRAMMAR = "custom_grammar"
    HOSTED_TOOL = "hosted_tool"
    SERVER_TOOL_HISTORY = "server_tool_history"
    DUPLICATE_TOOL = "duplicate_tool"
    TOOL_RESULT = "tool_result"
    OUTPUT_FORMAT = "output_format"
    IMAGE = "image"
    DOCUMENT = "document"
    AUDIO = "audio"
    VIDEO = "video"
    MEDIA_DETAIL = "media_detail"
    CITATIONS = "citations"
    MESSAGE_NAME = "message_name"
    PREFILL = "prefill"
    UNKNOWN_PART = "unknown_part"
    NATIVE_FIELD = "native_field"


# Without these the answer is another one than was asked for: a request that needs one is refused
# (KP-REQ CANNOT_TRANSLATE) unless the user's config allows degradation. A hosted tool is none of them: coding tools
# always offer some and do without; where the client forces one, that is a lost TOOL_CHOICE.
SERIOUS: Final = frozenset(
    {
        Feature.CHOICES,
        Feature.LOGPROBS,
        Feature.STOP,
        Feature.MODALITIES,
        Feature.CONTINUATION,
        Feature.TOOL_CHOICE,
        Feature.OUTPUT_FORMAT,
        Feature.IMAGE,
        Feature.DOCUMENT,
        Feature.AUDIO,
        Feature.VIDEO,
    }
)


class Loss(Struct, frozen=True):
    """
    One thing of the request that the upstream will not see as the client said it.

    Attributes:
        feature: What.
        detail: Which one and what was done instead, without any of the request's own text: field
            names, tool names, numbers.
    """

    feature: Feature
    detail: str = ""

    @property
    def serious(self) -> bool:
        """Whether the request may go on only where the user allows degradation."""
        return self.feature in SERIOUS

    def __str__(self) -> str:
        return f"{self.feature}: {self.detail}" if self.detail else str(self.feature)


class Losses:
    """Collects the losses of one request, each once, in order."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: dict[Loss, None] = {}

    def add(self, feature: Feature, detail: str = "") -> None:
        """Note a loss."""
        self._seen[Loss(feature, detail)] = None

    def all(self) -> tuple[Loss, ...]:
        """What was noted."""
        return tuple(self._seen)
