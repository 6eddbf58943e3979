"""
Chat streams tell their tokens only if they are asked to: the gateway asks where the client did not, and keeps the answer.

Without it the ledger would know nothing of such a stream, and a limit on tokens would let it pass. Everything else of the
request and of the reply goes on as it is; a client that has any `stream_options` of its own gets what it said.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec

from korproxy_addons.dialects.events import ReplyError
from korproxy_addons.dialects.model import FinishReason, Usage
from korproxy_addons.dialects.translate import Translator
from korproxy_addons.gateway.crossing import Crossing
from korproxy_addons.providers.outgoing import Operation
from korproxy_addons.routing.paths import CHAT

_ASK = b'{"stream_options":{"include_usage":true},'
_NAME = b'"stream_options"'
# As services write it; one that sets its blanks in another way only lets one harmless chunk more through.
_TOLD = (b'"usage":{', b'"usage": {')


class _Chunk(msgspec.Struct):
    choices: list[Any] | None = None
    usage: dict[str, Any] | None = None


_CHUNK = msgspec.json.Decoder(_Chunk)


def asking(crossing: Crossing) -> Crossing | None:
    """The crossing with a body that asks for the tokens; None where there is nothing to ask."""
    exchange, outgoing, encoded = crossing.exchange, crossing.outgoing, crossing.encoded
    body = encoded.body
    if (
        outgoing.operation is not Operation.GENERATE
        or not outgoing.stream
        or not encoded.passed
        or outgoing.dialect != CHAT
        or exchange.dialect != CHAT
        or not crossing.way.habits[CHAT].stream_usage
        or _NAME in body
    ):
        return None
    rest = body.lstrip()
    if not rest.startswith(b"{"):
        return None
    rest = rest[1:].lstrip()
    if rest.startswith(b"}"):
        return None
    return replace(crossing, encoded=msgspec.structs.replace(encoded, body=_ASK + rest))


class UnaskedUsage:
    """
    A chat stream's `Translator`, without the chunk that holds nothing but the tokens nobody asked for.

    Args:
        translator: Of the reply.
    """

    def __init__(self, translator: Translator) -> None:
        self._translator = translator

    @property
    def usage(self) -> Usage | None:
        """The last counts known."""
        return self._translator.usage

    @property
    def finish(self) -> FinishReason | None:
        """Why the answer ended."""
        return self._translator.finish

    @property
    def model(self) -> str:
        """The upstream's name of the model."""
        return self._translator.model

    @property
    def error(self) -> ReplyError | None:
        """What the reply failed with."""
        return self._translator.error

    @property
    def over(self) -> bool:
        """Nothing more will be written."""
        return self._translator.over

    @property
    def mistake(self) -> Exception | None:
        """The exception behind an error of ours."""
        return self._translator.mistake

    def feed(self, data: bytes) -> bytes:
        return _without_usage(self._translator.feed(data))

    def close(self) -> bytes:
        return _without_usage(self._translator.close())

    def fail(self, error: ReplyError) -> bytes:
        return self._translator.fail(error)

    def keep_alive(self) -> bytes:
        return self._translator.keep_alive()


def _without_usage(frames: bytes) -> bytes:
    if not any(told in frames for told in _TOLD):
        return frames
    return b"".join(frame for frame in _split(frames) if not _tells_usage_alone(frame))


def _split(frames: bytes) -> Iterator[bytes]:
    frame = b""
    for line in frames.splitlines(keepends=True):
        frame += line
        if not line.strip(b"\r\n"):
            yield frame
            frame = b""
    yield frame


def _tells_usage_alone(frame: bytes) -> bool:
    lines = frame.splitlines()
    data = b"\n".join(line[5:] for line in lines if line.startswith(b"data:"))
    try:
        chunk = _CHUNK.decode(data)
    except msgspec.MsgspecError:
        return False
    return chunk.choices == [] and chunk.usage is not None
