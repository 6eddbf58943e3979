"""
A conversation shortened for a client of Responses by an upstream that has no such service: its model is asked for a summary.

Clients ask in two ways: by a path of its own, whose answer is the new history, or by a last item `compaction_trigger` in an
ordinary request, whose answer is one `compaction` item. Codex has no way of its own once it asked for either, so a refusal
would end the session. The summary travels in the item as words of ours (`carried.py`) and comes back as a user's turn.
"""

from typing import Final

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from korproxy_addons.dialects.base import Encoder, ReplyContext
from korproxy_addons.dialects.events import (
    Event,
    MessageEnd,
    PartCitation,
    PartDelta,
    PartEnd,
    PartStart,
)
from korproxy_addons.dialects.model import (
    ChatRequest,
    ChoiceMode,
    CompactionPart,
    Continuation,
    FinishReason,
    HostedTool,
    Message,
    Role,
    TextPart,
    ToolChoice,
)
from korproxy_addons.dialects.openai_responses.carried import compaction_carrier
from korproxy_addons.dialects.openai_responses.encoder import ReplyEncoder
from korproxy_addons.dialects.openai_responses.frames import json_bytes
from korproxy_addons.dialects.openai_responses.usage import encoded_usage
from korproxy_addons.errors.catalogue import UPSTREAM_INVALID_REPLY
from korproxy_addons.errors.exceptions import KorProxyError

TRIGGER: Final = b'"compaction_trigger"'
ASKED: Final = (
    "Write a summary of the conversation up to here, so that an assistant who sees only the summary can go on with the work. "
    "Say what the user wants, which decisions and constraints hold, which files, commands and results matter and what they "
    "showed, what is done and what is still to do. Quote names, paths, numbers and error messages exactly. Write the summary "
    "and nothing else, and call no tool."
)
LEAD: Final = "Summary of the conversation so far:\n\n"
KEPT_BYTES: Final = 64 * 1024
"""So much of the user's own words stays beside the summary, the newest first."""


class _Item(Struct):
    type: str | None = None
    role: str | None = None
    content: Raw = Raw()


class _Body(Struct):
    input: str | list[Raw] | None = None


_ITEM: Final = msgspec.json.Decoder(_Item)
_BODY: Final = msgspec.json.Decoder(_Body)


def wants_compaction(body: bytes) -> bool:
    """Whether an ordinary request ends with the item that asks for a compaction."""
    if TRIGGER not in body:
        return False
    items = _items(body)
    return bool(items) and _kind(items[-1]) == "compaction_trigger"


def summary_request(request: ChatRequest) -> ChatRequest:
    """The request that asks an upstream for the summary: the same conversation, and one more turn."""
    tools = tuple(tool for tool in request.tools if not isinstance(tool, HostedTool))
    return replace(
        request,
        messages=(*request.messages, Message(Role.USER, (TextPart(ASKED),))),
        tools=tools,
        tool_choice=ToolChoice(ChoiceMode.NONE) if tools else None,
        parallel=None,
        max_output_tokens=None,
        stop=(),
        output=None,
        choices=1,
        logprobs=None,
        modalities=(),
        continuation=Continuation(),
        native={},
    )


def kept_messages(body: bytes) -> list[Raw]:
    """The user's own messages in a request, in their order, as far as they fit."""
    kept: list[Raw] = []
    left_bytes = KEPT_BYTES
    for raw in reversed(_items(body)):
        if not _is_users(raw):
            continue
        left_bytes -= len(bytes(raw))
        if left_bytes < 0:
            break
        kept.append(raw)
    return kept[::-1]


class SummaryEncoder:
    """
    Events of an answer to the client's compaction: of its text, everything else is left out.

    Args:
        context: How the client wants its answer; `client_body` is its request.
        as_item: The answer is an ordinary one with one `compaction` item; else the body of the path of its own.
    """

    def __init__(self, context: ReplyContext, *, as_item: bool) -> None:
        self._inner: Encoder | None = ReplyEncoder(context) if as_item else None
        self._context = context
        self._text: list[str] = []
        self._in_text = False

    def feed(self, event: Event) -> bytes:
        """See `base.Encoder`."""
        if isinstance(event, PartStart):
            self._in_text = isinstance(event.part, TextPart)
        elif isinstance(event, PartDelta):
            if self._in_text:
                self._text.append(event.text)
        elif isinstance(event, MessageEnd):
            return self._finish(event)
        elif self._inner is not None and not isinstance(event, PartEnd | PartCitation):
            return self._inner.feed(event)
        return b""

    def _finish(self, end: MessageEnd) -> bytes:
        summary = "".join(self._text).strip()
        if not summary:
            raise KorProxyError(UPSTREAM_INVALID_REPLY, "it was asked for a summary and wrote none")
        part = CompactionPart(text=LEAD + summary)
        if self._inner is not None:
            events = (PartStart(part), PartEnd(), replace(end, finish=FinishReason.STOP))
            return b"".join(self._inner.feed(event) for event in events)
        item = {
            "id": self._context.ids.make("cmp_"),
            "type": "compaction",
            "encrypted_content": compaction_carrier(part),
        }
        return json_bytes(
            {
                "id": self._context.ids.make("resp_"),
                "object": "response.compaction",
                "created_at": self._context.created_at,
                "output": [*kept_messages(self._context.client_body), item],
                "usage": encoded_usage(end.usage),
            }
        )


def _items(body: bytes) -> list[Raw]:
    try:
        given = _BODY.decode(body).input
    except (ValueError, RecursionError):
        return []
    if isinstance(given, str):
        content = [{"type": "input_text", "text": given}]
        message = {"type": "message", "role": "user", "content": content}
        return [Raw(msgspec.json.encode(message))]
    return given or []


def _kind(raw: Raw) -> str:
    try:
        return _ITEM.decode(raw).type or ""
    except (ValueError, RecursionError):
        return ""


def _is_users(raw: Raw) -> bool:
    try:
        item = _ITEM.decode(raw)
    except (ValueError, RecursionError):
        return False
    return item.role == "user" and item.type in {None, "message"}
