"""
What must hold for any bytes whatever, for every decoder of the four dialects: one input, one check.

The first byte of an input says which check, the second which client's dialect and how the rest is cut. `run.py` has these
found by a coverage-guided fuzzer; `test_checks.py` replays what it has found.
"""

import contextlib
from collections.abc import Callable

from korproxy_addons.config.habits import (
    ANTHROPIC_API,
    CODE_ASSIST,
    CODEX_BACKEND,
    COMPATIBLE_ANTHROPIC,
    COMPATIBLE_CHAT,
    GEMINI_API,
    IFLOW_CHAT,
    OPENAI_CHAT,
    OPENAI_RESPONSES,
    QWEN_CHAT,
    Habits,
    ModelFacts,
)
from korproxy_addons.dialects import dialect
from korproxy_addons.dialects.base import (
    DecodeContext,
    EncodedRequest,
    Inbound,
    ReplyContext,
    Target,
)
from korproxy_addons.dialects.ids import IdSource
from korproxy_addons.dialects.opaque import SEAL
from korproxy_addons.dialects.sse import Frame, SseParser
from korproxy_addons.dialects.translate import Translator, reply_translator
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.socket_talk import SocketTalk
from support.cut import cut

IDS = ("openai-chat", "openai-responses", "anthropic-messages", "gemini")
HABITS: dict[str, tuple[Habits, ...]] = {
    "openai-chat": (OPENAI_CHAT, COMPATIBLE_CHAT, QWEN_CHAT, IFLOW_CHAT),
    "openai-responses": (OPENAI_RESPONSES, CODEX_BACKEND),
    "anthropic-messages": (ANTHROPIC_API, COMPATIBLE_ANTHROPIC),
    "gemini": (GEMINI_API, CODE_ASSIST),
}
FACTS = ModelFacts(
    "m", max_output_tokens=4096, min_budget_tokens=1024, max_budget_tokens=2000, efforts=("low",)
)

type Check = Callable[[bytes, int], None]


def request(dialect_id: str) -> Check:
    """A request is read and said in all dialects, or refused with an error of ours; what we say can be read again."""

    def check(data: bytes, choice: int) -> None:
        own = dialect(dialect_id)
        inbound = Inbound(data, "m" if choice & 1 else "", path_stream=bool(choice & 2))
        with contextlib.suppress(KorProxyError):
            own.peek_request(inbound)
        if SEAL in data:
            own.without_sealed(data)
        try:
            read = own.decode_request(inbound)
        except KorProxyError:
            return
        if not _is_text(data):
            return  # such a body does not come in (`addons/ingress.py`)
        for upstream_id in IDS:
            habits = _one(HABITS[upstream_id], choice >> 2)
            target = Target("m", habits, FACTS, stream=bool(choice & 2))
            with contextlib.suppress(KorProxyError):
                dialect(upstream_id).encode_count_request(read, target)
            try:
                body = dialect(upstream_id).encode_request(read, target).body
            except KorProxyError:
                continue
            if upstream_id != dialect_id:
                # With the same dialect at both ends the body passes, unknown parts and all.
                dialect(upstream_id).decode_request(Inbound(body, "m"))

    return check


def reply(dialect_id: str, *, streamed: bool) -> Check:
    """A reply is translated without a mistake of ours, and however it is cut the client is sent the same."""

    def check(data: bytes, choice: int) -> None:
        client_id = IDS[choice % 4]
        habits = _one(HABITS[dialect_id], choice >> 2)

        def said(size_bytes: int) -> bytes:
            translator = reply_translator(
                dialect(client_id),
                dialect(dialect_id),
                EncodedRequest(b"{}", passed=client_id == dialect_id),
                DecodeContext(streamed=streamed, habits=habits, ids=IdSource("fuzz")),
                ReplyContext(
                    streamed=streamed,
                    model="m",
                    ids=IdSource("fuzz"),
                    created_at=1,
                    client_body=b"{}",
                ),
            )
            return _told(translator, data, size_bytes)

        # All in one piece, and in pieces of some size: what is said may not depend on it. Empty lines say nothing.
        at_once, in_pieces = said(len(data) or 1), said((choice >> 4) + 1)
        assert at_once == in_pieces or (
            streamed and _frames(at_once, 1 << 20) == _frames(in_pieces, 1 << 20)
        )

    return check


def _told(translator: Translator, data: bytes, size_bytes: int) -> bytes:
    out = b"".join(translator.feed(piece) for piece in cut(data, size_bytes))
    out += translator.close()
    if translator.mistake is not None:
        raise translator.mistake
    return out


def _frames(data: bytes, size_bytes: int) -> list[Frame]:
    parser = SseParser()
    found = [it for piece in cut(data, size_bytes) for it in parser.feed(piece)]
    return [*found, *parser.close()]


def tap(dialect_id: str, *, streamed: bool) -> Check:
    """Reading on the side never raises."""

    def check(data: bytes, choice: int) -> None:
        found = dialect(dialect_id).usage_tap(streamed=streamed)
        for piece in cut(data, choice + 1):
            found.feed(piece)
        found.close()

    return check


def error(dialect_id: str) -> Check:
    """An error's body is always readable, a count or a refusal of ours."""

    def check(data: bytes, choice: int) -> None:
        own = dialect(dialect_id)
        read = own.read_error(400 + choice % 200, data)
        assert len(read.message) <= 2000
        for client_id in IDS:
            dialect(client_id).error_body(read, 400, "kp")
        with contextlib.suppress(KorProxyError):
            own.read_count(data)

    return check


def sse(data: bytes, choice: int) -> None:
    """The frames of a stream are the same however it is cut."""

    assert _frames(data, len(data) or 1) == _frames(data, choice % 16 + 1)


def socket(data: bytes, choice: int) -> None:
    """Messages on a WebSocket, and replies to them, raise errors of ours alone."""
    talk = SocketTalk(lambda: "resp_fuzz")
    for message in data.split(b"\n"):
        with contextlib.suppress(KorProxyError):
            talk.take(message)
    talk.head(200 if choice & 1 else 500, [("x-codex-primary-used-percent", "1")])
    for piece in cut(data, choice + 1):
        talk.feed(piece)
    talk.end()


CHECKS: dict[str, Check] = {
    **{f"{it} request": request(it) for it in IDS},
    **{f"{it} stream": reply(it, streamed=True) for it in IDS},
    **{f"{it} whole": reply(it, streamed=False) for it in IDS},
    **{f"{it} stream tap": tap(it, streamed=True) for it in IDS},
    **{f"{it} whole tap": tap(it, streamed=False) for it in IDS},
    **{f"{it} error": error(it) for it in IDS},
    "sse": sse,
    "socket": socket,
}
NAMES = tuple(CHECKS)


def check(data: bytes) -> None:
    """
    Check one input.

    Raises:
        Exception: Whatever it is, something is wrong.
    """
    if len(data) >= 2:
        CHECKS[NAMES[data[0] % len(NAMES)]](data[2:], data[1])


def input_for(name: str, data: bytes, choice: int = 0) -> bytes:
    """The input that has `data` checked by the check of that name."""
    return bytes((NAMES.index(name), choice)) + data


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _one(habits: tuple[Habits, ...], choice: int) -> Habits:
    return habits[choice % len(habits)]
