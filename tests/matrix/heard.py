"""What a request asks for, in whatever dialect it stands: the parts of it that no translation may lose unlisted."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from korproxy_addons.dialects.base import EncodedRequest
from korproxy_addons.dialects.custom import as_arguments
from korproxy_addons.dialects.losses import Feature
from korproxy_addons.dialects.media import document_text
from korproxy_addons.dialects.model import (
    ChatRequest,
    CustomTool,
    FunctionTool,
    HostedTool,
    MediaPart,
    Opaque,
    Part,
    RefusalPart,
    Role,
    ServerToolPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
)
from korproxy_addons.dialects.payload import arguments_object
from matrix.said import canonical

MEDIA = frozenset({Feature.IMAGE, Feature.DOCUMENT, Feature.AUDIO, Feature.VIDEO})


@dataclass(frozen=True)
class Heard:
    """
    One request.

    Attributes:
        texts: Every piece of text that is not white space, system text first.
        calls: Name and arguments of each call, in order.
        results: For each result, which of the calls it answers; -1 for none.
        media: Beginning of each file.
        made: Those of them that the model made.
        tools: Names of the client's own tools.
    """

    texts: tuple[str, ...]
    calls: tuple[tuple[str, str], ...]
    results: tuple[int, ...]
    media: Counter[str]
    made: Counter[str]
    tools: frozenset[str]


def heard(request: ChatRequest, encoded: EncodedRequest | None = None) -> Heard:
    """What a request says; `encoded` takes tool names back to what the client called them."""
    parts = list(parts_of(request))
    original = encoded.names.original if encoded else str
    calls = []
    ids: list[str] = []
    for part in parts:
        if isinstance(part, ToolCallPart):
            text = as_arguments(part.arguments) if part.custom else part.arguments
            calls.append((original(part.name), canonical(arguments_object(text))))
            ids.append(part.call_id)
    answered = [it.call_id for it in parts if isinstance(it, ToolResultPart)]
    return Heard(
        texts=tuple(_texts([*request.system, *parts])),
        calls=tuple(calls),
        results=tuple(ids.index(it) if it in ids else -1 for it in answered),
        media=Counter(_media(parts)),
        made=Counter(_media(_made(request))),
        tools=frozenset(
            original(tool.name) for tool in request.tools if not isinstance(tool, HostedTool)
        ),
    )


def parts_of(request: ChatRequest) -> Iterator[Part]:
    """All parts of the conversation, in order."""
    return (part for message in request.messages for part in message.parts)


def _made(request: ChatRequest) -> Iterator[Part]:
    return (it for turn in request.messages if turn.role is Role.ASSISTANT for it in turn.parts)


def opaque_of(request: ChatRequest) -> Iterator[Opaque]:
    """All state in the conversation that only its maker can read."""
    for part in parts_of(request):
        state = getattr(part, "state", None)
        if isinstance(state, Opaque):
            yield state


def features_of(request: ChatRequest) -> Iterator[str]:
    """The columns of the table that a request has something in."""
    parts = list(parts_of(request))
    kinds = {type(part) for part in parts}
    inner = [it for part in parts if isinstance(part, ToolResultPart) for it in part.content]
    found = {
        "text": TextPart in kinds,
        "system": bool(request.system) or any(m.role in _SYSTEM for m in request.messages),
        "tools": any(isinstance(tool, FunctionTool) for tool in request.tools),
        "custom": any(isinstance(tool, CustomTool) for tool in request.tools),
        "hosted": any(isinstance(tool, HostedTool) for tool in request.tools),
        "choice": request.tool_choice is not None,
        "calls": ToolCallPart in kinds,
        "results": ToolResultPart in kinds,
        "thinking": ThinkingPart in kinds,
        "state": any(True for _ in opaque_of(request)),
        "reasoning": request.reasoning is not None,
        "media": any(isinstance(part, MediaPart) for part in [*parts, *inner]),
        "format": request.output is not None,
        "stop": bool(request.stop),
        "cache": any(getattr(part, "cache", None) for part in [*request.system, *parts]),
        "server": ServerToolPart in kinds,
    }
    return (name for name, present in found.items() if present)


_SYSTEM = frozenset({"system", "developer"})


def _texts(parts: Iterable[Part]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, TextPart | RefusalPart | MediaPart):
            text = document_text(part) if isinstance(part, MediaPart) else part.text
            yield from [text] if text.strip() else []
        elif isinstance(part, ToolResultPart):
            yield from _texts(it for it in part.content if isinstance(it, TextPart | MediaPart))


def _media(parts: Iterable[Part]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, MediaPart) and not document_text(part):
            yield (part.base64 or part.url or part.file_id)[:64]
        elif isinstance(part, ToolResultPart):
            yield from _media(it for it in part.content if isinstance(it, MediaPart))
