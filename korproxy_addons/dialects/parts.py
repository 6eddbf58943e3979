"""
What messages are made of: text, media, thinking, calls, results.

The rules for all values stand in `model.py`, from which everything here is imported.
"""

from enum import StrEnum

from msgspec import Raw, Struct


class Role(StrEnum):
    """
    Who speaks. Results of tools are parts of a USER message, in every dialect.

    SYSTEM and DEVELOPER differ on the wire only; both may stand anywhere in a conversation.
    """

    SYSTEM = "system"
    DEVELOPER = "developer"
    USER = "user"
    ASSISTANT = "assistant"


class Opaque(Struct, frozen=True):
    """
    State that one service made and reads back unchanged: signature, encrypted or redacted reasoning.

    Attributes:
        origin: Service that made it, as in `Habits.state_origin` ("anthropic", "openai", "google").
        data: The state itself, as that service's wire carries it.
        item_id: Id that must travel with it, else "" (Responses: `rs_...` of a reasoning item).
    """

    origin: str
    data: str
    item_id: str = ""


class CacheMarker(Struct, frozen=True):
    """The prompt up to and with this part is to be cached; `ttl` as the client wrote it ("1h")."""

    ttl: str = ""


class Citation(Struct, frozen=True):
    """
    Where a piece of text comes from.

    Attributes:
        origin: Dialect id whose wire form `raw` is; another dialect builds its own from the rest.
        raw: The citation as it was on the wire.
        url, title, cited_text: "" where unknown.
        start, end: Characters of the answer's text part that it covers; -1 where unknown.
    """

    origin: str
    raw: Raw
    url: str = ""
    title: str = ""
    cited_text: str = ""
    start: int = -1
    end: int = -1


class TextPart(Struct, frozen=True):
    """Words. `state` is set where a service signs plain text (Gemini); then `text` may be empty."""

    text: str
    citations: tuple[Citation, ...] = ()
    cache: CacheMarker | None = None
    state: Opaque | None = None


class RefusalPart(Struct, frozen=True):
    """Words by which the model refuses; the user should see them."""

    text: str


class ThinkingPart(Struct, frozen=True):
    """
    Reasoning.

    Attributes:
        text: What may be shown; several summary parts are joined by a blank line. May be empty.
        state: What the service wants back; None for services without such a thing.
        redacted: The service hid the text (Anthropic `redacted_thinking`; `state` is its data).
        is_summary: `text` sums up hidden reasoning (Responses `summary`) and is not the thing itself.
    """

    text: str
    state: Opaque | None = None
    redacted: bool = False
    is_summary: bool = False


class MediaKind(StrEnum):
    """What sort of media a part holds."""

    IMAGE = "image"
    DOCUMENT = "document"
    AUDIO = "audio"
    VIDEO = "video"


class MediaPart(Struct, frozen=True):
    """
    A file that the model is to look at, or (in an answer) one that it made.

    Exactly one of `base64`, `url`, `file_id` and `text` is set; `media.py` splits and builds data URLs.

    Attributes:
        kind: Image, document, audio or video.
        mime: Media type in lower case without parameters; "" where unknown (`media.sniffed_mime`).
        base64: The content, standard alphabet, as the client sent it.
        url: http(s) or a service's own scheme (`gs:`).
        file_id: Id of a file stored at `origin`.
        text: Content of a plain-text document.
        origin: Service that `file_id` belongs to; "" else.
        name: File name or title.
        context: Words about the document that are not part of it (Anthropic).
        detail: How closely to look ("low", "high", "auto"; Gemini's media resolution).
        cite: The client asks for citations from it.
        state: What the service that made the file wants back with it (Gemini's signature on a picture).
    """

    kind: MediaKind
    mime: str = ""
    base64: str = ""
    url: str = ""
    file_id: str = ""
    text: str = ""
    origin: str = ""
    name: str = ""
    context: str = ""
    detail: str = ""
    cite: bool = False
    cache: CacheMarker | None = None
    state: Opaque | None = None


class ToolCallPart(Struct, frozen=True):
    """
    The model wants one of the client's own tools.

    Attributes:
        call_id: Id that the result refers to; never empty. In requests in the form its maker gave it
            (decoders apply `ids.restored_id`), in answers as the upstream gave it.
        name: The tool, by the client's name for it.
        arguments: JSON text of an object; for a custom tool the raw input. "" never stands for {}.
        custom: A custom (freeform) tool.
        item_id: Second id of the call itself (Responses `fc_...`), "" elsewhere.
        namespace: Responses namespace that the tool is in, else "".
        state: What the service wants back with the call (Gemini's thought signature).
    """

    call_id: str
    name: str
    arguments: str = ""
    custom: bool = False
    item_id: str = ""
    namespace: str = ""
    state: Opaque | None = None
    cache: CacheMarker | None = None


class UnknownPart(Struct, frozen=True):
    """
    A part or item that only its own dialect can say.

    Attributes:
        origin: Dialect id.
        type: Its `type` on the wire.
        raw: All of it, as it was on the wire.
        text: What it says in words; other dialects send this, and nothing if it is "".
        item: It stands among the turns (of Responses), and not in what one of them says.
    """

    origin: str
    type: str
    raw: Raw
    text: str = ""
    item: bool = False


class Source(Struct, frozen=True):
    """A page that a search found."""

    url: str
    title: str = ""


class WebSearch(Struct, frozen=True):
    """
    What every service can say of a search of its own.

    Attributes:
        query: What was searched for; "" on a part that only holds what was found.
        sources: The pages, () where the service does not tell, or tells them in another part.
    """

    query: str = ""
    sources: tuple[Source, ...] = ()


class ServerToolPart(Struct, frozen=True):
    """
    A tool that the service runs by itself (web search and the like): its call, its result, or both.

    To its `service` it goes back as it was, `raw` in place and paired; elsewhere it is `text` or dropped.

    Attributes:
        origin: Dialect id whose wire form `raw` is.
        service: Service that may read it, as in `Habits.state_origin`.
        type: Its `type` on the wire (`server_tool_use`, `web_search_call`).
        call_id: What pairs call and result; "" where they are one item.
        raw: All of it, as it was on the wire.
        text: What it says in words, or "".
        search: In an answer: what is known of it if it is a search of the web. Clients of other services are told that.
    """

    origin: str
    service: str
    type: str
    call_id: str
    raw: Raw
    text: str = ""
    search: WebSearch | None = None


class CompactionPart(Struct, frozen=True):
    """A conversation's earlier part, shortened by the service: `text` to read, `state` for its maker."""

    text: str = ""
    state: Opaque | None = None
    cache: CacheMarker | None = None


type ResultContent = TextPart | MediaPart | UnknownPart


class ToolResultPart(Struct, frozen=True):
    """
    What one of the client's tools gave back.

    Attributes:
        call_id: The call's `call_id` (not an item id).
        content: Parts; () for an empty result, which is legal.
        name: The tool's name where the wire carries it (Gemini), else "": `order.named_results` fills it.
        is_error: The tool failed. Only Anthropic has a field for it; others say it in the text.
        custom: Answers a custom tool's call.
        item_id: Id of the result item itself (Responses `fco_...`), "" elsewhere.
    """

    call_id: str
    content: tuple[ResultContent, ...] = ()
    name: str = ""
    is_error: bool = False
    custom: bool = False
    item_id: str = ""
    cache: CacheMarker | None = None


type Part = (
    TextPart
    | MediaPart
    | ThinkingPart
    | ToolCallPart
    | ToolResultPart
    | ServerToolPart
    | RefusalPart
    | CompactionPart
    | UnknownPart
)


class Message(Struct, frozen=True):
    """One turn or one piece of it: `order.py` merges, moves and repairs; decoders only translate."""

    role: Role
    parts: tuple[Part, ...]
    name: str = ""
