"""
A request in no one's dialect: what every client can say, and what every upstream is told.

Three rules hold for all values here:

- JSON that nobody needs to look into (schemas, hosted tools, citations) stays the client's bytes, as
  `msgspec.Raw`; arguments of tool calls stay TEXT. Nothing is dumped again, so numbers, key order and
  with them the upstream's prompt cache survive.
- `None` and "" mean that the client said nothing. `null` on the wire is read as nothing, too.
- State that only one service can read is an `Opaque` with the name of that service. It is sent to
  that service and to no other.
"""

from enum import StrEnum

from msgspec import Raw, Struct

from korproxy_addons.dialects.outcome import (
    FinishReason,
    Usage,
    settled_finish,
)
from korproxy_addons.dialects.parts import (
    CacheMarker,
    Citation,
    CompactionPart,
    MediaKind,
    MediaPart,
    Message,
    Opaque,
    Part,
    RefusalPart,
    ResultContent,
    Role,
    ServerToolPart,
    Source,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
    UnknownPart,
    WebSearch,
)
from korproxy_addons.dialects.tools import (
    ChoiceMode,
    CustomTool,
    FunctionTool,
    HostedKind,
    HostedTool,
    Tool,
    ToolChoice,
)

__all__ = [
    "CacheMarker",
    "ChatRequest",
    "ChoiceMode",
    "Citation",
    "CompactionPart",
    "Continuation",
    "CustomTool",
    "FinishReason",
    "FormatKind",
    "FunctionTool",
    "HostedKind",
    "HostedTool",
    "MediaKind",
    "MediaPart",
    "Message",
    "Opaque",
    "OutputFormat",
    "Part",
    "Reasoning",
    "RefusalPart",
    "ResultContent",
    "Role",
    "Sampling",
    "ServerToolPart",
    "Source",
    "TextPart",
    "ThinkingMode",
    "ThinkingPart",
    "Tool",
    "ToolCallPart",
    "ToolChoice",
    "ToolResultPart",
    "UnknownPart",
    "Usage",
    "WebSearch",
    "settled_finish",
]


class Sampling(Struct, frozen=True):
    """How the next word is picked; values as the client wrote them, clamped by the encoder."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: Raw | None = None


class ThinkingMode(StrEnum):
    """What the client said of reasoning; UNSET with an effort means: as much as that."""

    UNSET = "unset"
    DISABLED = "disabled"
    BUDGET = "budget"
    ADAPTIVE = "adaptive"


class Reasoning(Struct, frozen=True):
    """
    Reasoning settings; `effort.py` turns one into the other.

    Attributes:
        effort: The client's word ("low", "xhigh"), unknown ones too; "" if none.
        budget_tokens: With BUDGET. Gemini's -1 is decoded as ADAPTIVE, its 0 as DISABLED.
        summary: "auto", "concise", "detailed", or "" if not asked for.
        show: The client wants to see thoughts (True), does not (False), or said nothing (None).
    """

    mode: ThinkingMode = ThinkingMode.UNSET
    effort: str = ""
    budget_tokens: int | None = None
    summary: str = ""
    show: bool | None = None


class FormatKind(StrEnum):
    """The form an answer's text must have."""

    JSON = "json_object"
    SCHEMA = "json_schema"


class OutputFormat(Struct, frozen=True):
    """Structured output: `schema`, `name`, `description` and `strict` with SCHEMA only."""

    kind: FormatKind
    schema: Raw | None = None
    name: str = ""
    description: str = ""
    strict: bool | None = None


class Continuation(Struct, frozen=True):
    """
    State that the client believes the service keeps (Responses); see trap T145.

    Attributes:
        sealed: The client asks for sealed reasoning, so that it can keep it itself.
        message_ids: Ids of the assistant's messages in order, "" where there is none; empty if there are none at all.
    """

    previous_response_id: str = ""
    conversation: str = ""
    store: bool | None = None
    sealed: bool = False
    message_ids: tuple[str, ...] = ()


class ChatRequest(Struct, frozen=True):
    """
    One request for an answer.

    Attributes:
        source: Dialect id it came in.
        model: As the client named it.
        messages: In order. System messages inside keep their place (`order.py` hoists or turns them).
        system: Text of the dialect's own place for it (`system`, `instructions`, `systemInstruction`).
        tools: Without duplicates; () if there are none, and then `tool_choice` and `parallel` are None.
        parallel: False: at most one call at a time.
        max_output_tokens: Limit of the answer, thinking included.
        stop: Stop strings.
        stream: The client wants events.
        stream_usage: The client asked for the usage chunk (Chat); True in dialects that always send it.
        choices: Number of answers asked for (`n`, `candidateCount`).
        logprobs: How many top log-probabilities; 0: those of the chosen tokens only; None: none at all.
        cache_key: `prompt_cache_key`.
        user: Who asks, an opaque word of the client (`user`, `metadata.user_id`, `safety_identifier`).
        metadata: Key-value pairs kept for the client by the service.
        verbosity: "low", "medium", "high".
        modalities: What the answer may hold, in lower case ("text", "image", "audio"); () if not said.
        native: Fields of the source dialect without a meaning elsewhere, by their dotted wire path.
            Only an encoder of `source` may send them; all others list each as a loss.
    """

    source: str
    model: str
    messages: tuple[Message, ...]
    system: tuple[TextPart, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel: bool | None = None
    max_output_tokens: int | None = None
    stop: tuple[str, ...] = ()
    sampling: Sampling = Sampling()
    reasoning: Reasoning | None = None
    output: OutputFormat | None = None
    stream: bool = False
    stream_usage: bool = False
    choices: int = 1
    logprobs: int | None = None
    cache_key: str = ""
    user: str = ""
    metadata: dict[str, str] = {}
    service_tier: str = ""
    verbosity: str = ""
    modalities: tuple[str, ...] = ()
    continuation: Continuation = Continuation()
    native: dict[str, Raw] = {}
