"""
What dialect, translator and gateway hand each other beside requests and events.

All of it is imported from `base.py`.
"""

from msgspec import Struct, field

from korproxy_addons.config.habits import Habits, ModelFacts
from korproxy_addons.dialects.ids import IdSource, ToolNames
from korproxy_addons.dialects.losses import Loss


class Inbound(Struct, frozen=True):
    """
    A client's request, as far as a dialect reads it.

    Attributes:
        body: As sent, decompressed.
        path_model: Model from the path, percent-decoded, without `models/`; "" if the path has none.
        path_stream: What the path says about streaming (Gemini); None if it says nothing.
        sse: False if a stream is wanted as one JSON array (Gemini without `alt=sse`).
    """

    body: bytes
    path_model: str = ""
    path_stream: bool | None = None
    sse: bool = True


class Peek(Struct, frozen=True):
    """
    What routing needs, read without looking at the rest.

    Attributes:
        model: As the client named it, not empty.
        stream: The client wants events.
        session: What stays the same over a conversation (`prompt_cache_key`, `metadata.user_id`), or "".
        body_dialect: Dialect id of the body where it is not that of the path (T18), else "": the
            request is then decoded by that dialect, and answered in the path's.
    """

    model: str
    stream: bool
    session: str = ""
    body_dialect: str = ""


class Target(Struct, frozen=True):
    """
    The upstream that a request is encoded for.

    Attributes:
        model: The upstream's name of the model; goes into the body where the dialect has it there.
        habits: What the upstream accepts.
        facts: What is known of the model.
        stream: Whether the upstream is asked for events; may differ from the client's wish.
    """

    model: str
    habits: Habits
    facts: ModelFacts
    stream: bool


class EncodedRequest(Struct, frozen=True):
    """
    A request for an upstream, and what the answer's way back has to know.

    Attributes:
        body: JSON, without null values and without fields outside the dialect's allow-list.
        losses: What the upstream will not see as the client said it.
        names: Tool names there and back.
        custom_tools: Upstream names of custom tools that went as functions (`custom.py`).
        answer_tool: Upstream name of the forced tool whose input is the structured answer, else "".
        stops: Stop strings that the upstream was not told: the answer is cut at them (`stops.py`).
        passed: The body is the client's own; nothing was translated.
    """

    body: bytes
    losses: tuple[Loss, ...] = ()
    names: ToolNames = field(default_factory=ToolNames)
    custom_tools: frozenset[str] = frozenset()
    answer_tool: str = ""
    stops: tuple[str, ...] = ()
    passed: bool = False


class DecodeContext(Struct, frozen=True):
    """
    What a decoder is told about the reply it reads.

    Attributes:
        streamed: The reply is a stream of events (by its content type), not one JSON body.
        habits: The upstream's; `state_origin` names whose opaque state comes.
        ids: For calls without an id: `made_id(ids.seed, number)`.
        choices: Answers asked for: with 1 all choices on the wire are one answer (T15), with more only
            the first is read.
    """

    streamed: bool
    habits: Habits
    ids: IdSource
    choices: int = 1


class ReplyContext(Struct, frozen=True):
    """
    What an encoder is told about the answer it writes.

    Attributes:
        streamed: The client wants events; else one JSON body.
        model: As the client named it; the answer says this name, not the upstream's.
        ids: For the answer and its items.
        created_at: Unix seconds.
        include_usage: Chat: the client asked for the usage chunk.
        sse: False: the stream is one JSON array (Gemini).
        input_tokens: An estimate of the prompt for dialects that state it first (T99); 0 if none.
        client_body: The client's request; Responses echoes its settings (T150). b"" if there is none.
    """

    streamed: bool
    model: str
    ids: IdSource
    created_at: int
    include_usage: bool = False
    sse: bool = True
    input_tokens: int = 0
    client_body: bytes = b""
