"""What goes through the matrix: every recorded exchange, and every case of the corpus."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from korproxy_addons.config.habits import (
    ANTHROPIC_API,
    COMPATIBLE_CHAT,
    GEMINI_API,
    OPENAI_CHAT,
    OPENAI_RESPONSES,
    Habits,
)
from korproxy_addons.dialects.base import Inbound
from support.needs import ROOT, needs_recordings

CORPUS = ROOT / "tests" / "corpus"
DIALECTS = ("openai-chat", "openai-responses", "anthropic-messages", "gemini")
_OF_FOLDER = {
    "anthropic": "anthropic-messages",
    "openai_chat": "openai-chat",
    "openai_responses": "openai-responses",
    "gemini": "gemini",
}
HABITS = {
    "openai-chat": COMPATIBLE_CHAT,
    "openai-responses": OPENAI_RESPONSES,
    "anthropic-messages": ANTHROPIC_API,
    "gemini": GEMINI_API,
}
_ANSWERS = {
    "openai-chat": frozenset({"choices", "error"}),
    "openai-responses": frozenset({"output", "error"}),
    "anthropic-messages": frozenset({"content", "error", "input_tokens"}),
    "gemini": frozenset({"candidates", "promptFeedback", "usageMetadata", "error", "totalTokens"}),
}
_COUNTS = frozenset({"count_tokens", "countTokens"})


@dataclass(frozen=True)
class Case:
    """
    One exchange.

    Attributes:
        name: Dialect's folder and file.
        dialect: Dialect id.
        inbound: The request; None if only the reply was kept.
        reply: Its bytes, b"" if there is none.
        streamed: The reply is a stream.
        status: HTTP status of the reply.
        habits: Those of the service behind it.
        counts: It is a question for a count of tokens.
        choices: Answers asked for.
        betas: Names in the request's `anthropic-beta` header.
    """

    name: str
    dialect: str
    inbound: Inbound | None
    reply: bytes
    streamed: bool
    status: int
    habits: Habits
    counts: bool = False
    choices: int = 1
    betas: frozenset[str] = frozenset()

    @property
    def answered(self) -> bool:
        """The reply is an answer: no error status, no count, no list."""
        return self.status == 200 and bool(self.reply) and not self.counts


@cache
def all_cases() -> tuple[Case, ...]:
    """Recordings and corpus."""
    return (*_recorded(needs_recordings()), *_made_up())


def _recorded(folder: Path) -> Iterator[Case]:
    for path in sorted(folder.glob("*/*.json")):
        record = json.loads(path.read_bytes())
        dialect_id = _OF_FOLDER[record["dialect"]]
        if record["endpoint"] == "models":
            continue
        asked, answer = record["request"] or {}, record["response"]
        body = answer["body"]
        said = asked.get("body")
        habits = HABITS[dialect_id]
        if dialect_id == "openai-chat" and record["provider"] == "openai":
            habits = OPENAI_CHAT
        yield Case(
            name=f"{path.parent.name}/{path.stem}",
            dialect=dialect_id,
            inbound=_inbound(said, asked.get("url", ""), dialect_id) if said else None,
            reply=_bytes(body) if _is_reply(body, dialect_id) else b"",
            streamed=isinstance(body, str),
            status=answer["status"],
            habits=habits,
            counts=record["endpoint"] in _COUNTS,
            choices=(said or {}).get("n") or 1,
            betas=frozenset(((asked.get("headers") or {}).get("anthropic-beta") or "").split(",")),
        )


def _made_up() -> Iterator[Case]:
    for path in sorted(path for path in CORPUS.glob("*/*") if path.is_dir()):
        dialect_id = path.parent.name
        request, whole, stream = (
            path / name for name in ("request.json", "reply.json", "reply.sse")
        )
        reply = stream if stream.exists() else whole
        if not (request.exists() or reply.exists()):
            continue
        asked = json.loads(request.read_bytes()) if request.exists() else None
        yield Case(
            name=f"corpus/{dialect_id}/{path.name}",
            dialect=dialect_id,
            inbound=_inbound(asked, "", dialect_id) if asked else None,
            reply=reply.read_bytes() if reply.exists() else b"",
            streamed=stream.exists(),
            status=200,
            habits=HABITS[dialect_id],
        )


def _is_reply(body: Any, dialect_id: str) -> bool:
    """Whether it is of the dialect at all; some recordings show what a client makes of a server that is none."""
    return not isinstance(body, dict) or not _ANSWERS[dialect_id].isdisjoint(body)


def _bytes(body: Any) -> bytes:
    if isinstance(body, str):
        return body.encode()
    return b"" if body is None else json.dumps(body).encode()


def _inbound(body: Any, url: str, dialect_id: str) -> Inbound:
    data = json.dumps(body).encode()
    if dialect_id != "gemini":
        return Inbound(data)
    path = url.partition("?")[0]
    model, _, verb = path.rpartition("/")[2].partition(":")
    return Inbound(data, model or "gemini-3.8-flash", verb.startswith("stream"))
