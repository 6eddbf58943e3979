"""
Content codings (RFC 9110, section 8.4.1): request bodies that tools compress, and replies that come compressed unasked.

Decoding is bounded: a few compressed bytes must not become a gigabyte in memory.
"""

import zlib
from collections.abc import Iterator
from typing import Protocol

import brotli
import zstandard

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError

_IDENTITY = ("", "identity")
_STEP_BYTES = 256 * 1024
# zstandard puts no limit on what one call gives back; a block (of 4 bytes or more) gives at most 128 KiB.
_ZSTANDARD_STEP_BYTES = 64
_ZSTANDARD_WINDOW_BYTES = 128 * 1024 * 1024


class BadCodingError(Exception):
    """The bytes are not what their coding says."""


class _Decoder(Protocol):
    def feed(self, data: bytes) -> Iterator[bytes]: ...

    def finish(self) -> None: ...


class _Zlib:
    """gzip, of one member or several (RFC 1952, section 2.2), and deflate, which is always one."""

    def __init__(self, window_bits: int, *, members: bool) -> None:
        self._window_bits = window_bits
        self._members = members
        self._stream = zlib.decompressobj(window_bits)
        self._fed = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        pending = False
        while data or pending:
            if self._stream.eof:
                if not self._members:
                    raise BadCodingError
                self._stream = zlib.decompressobj(self._window_bits)
            self._fed = True
            try:
                piece = self._stream.decompress(data, _STEP_BYTES)
            except zlib.error as error:
                raise BadCodingError from error
            if piece:
                yield piece
            data = self._stream.unconsumed_tail or self._stream.unused_data
            pending = len(piece) == _STEP_BYTES and not self._stream.eof

    def finish(self) -> None:
        if self._fed and not self._stream.eof:
            raise BadCodingError


class _Zstandard:
    """zstd, of one frame or several (RFC 8878, section 3)."""

    def __init__(self) -> None:
        self._library = zstandard.ZstdDecompressor(max_window_size=_ZSTANDARD_WINDOW_BYTES)
        self._stream = self._library.decompressobj()
        self._fed = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        view = memoryview(data)
        try:
            for start in range(0, len(view), _ZSTANDARD_STEP_BYTES):
                step: memoryview | bytes = view[start : start + _ZSTANDARD_STEP_BYTES]
                while step:
                    if self._stream.eof:
                        self._stream = self._library.decompressobj()
                    self._fed = True
                    if piece := self._stream.decompress(step):
                        yield piece
                    step = self._stream.unused_data
        except zstandard.ZstdError as error:
            raise BadCodingError from error

    def finish(self) -> None:
        if self._fed and not self._stream.eof:
            raise BadCodingError


class _Brotli:
    def __init__(self) -> None:
        self._stream = brotli.Decompressor()
        self._fed = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        if not data:
            return
        self._fed = True
        try:
            piece = self._stream.process(data, output_buffer_limit=_STEP_BYTES)
            while piece:
                yield piece
                if self._stream.is_finished():
                    return
                piece = self._stream.process(b"", output_buffer_limit=_STEP_BYTES)
        except brotli.error as error:
            raise BadCodingError from error

    def finish(self) -> None:
        if self._fed and not self._stream.is_finished():
            raise BadCodingError


def _decoder(coding: str) -> _Decoder | None:
    match coding:
        case "gzip" | "x-gzip":
            return _Zlib(zlib.MAX_WBITS | 16, members=True)
        case "deflate":
            return _Zlib(zlib.MAX_WBITS, members=False)
        case "zstd":
            return _Zstandard()
        case "br":
            return _Brotli()
        case _:
            return None


def decoded_request_body(body: bytes, coding: str, limit_bytes: int) -> bytes:
    """
    A request body without its content coding.

    Args:
        body: As it came.
        coding: Value of `content-encoding`.
        limit_bytes: Largest decoded size.
    Raises:
        KorProxyError: BAD_CONTENT_ENCODING (415 for a coding we do not know), BODY_TOO_LARGE.
    """
    coding = coding.strip().lower()
    if coding in _IDENTITY or not body:
        return body
    decoder = _decoder(coding)
    if decoder is None:
        raise KorProxyError(
            catalogue.BAD_CONTENT_ENCODING,
            f"“{coding[:40]}” is not one of gzip, deflate, zstd, br",
            status=415,
            param="content-encoding",
        )
    parts: list[bytes] = []
    size_bytes = 0
    try:
        for piece in decoder.feed(body):
            size_bytes += len(piece)
            if size_bytes > limit_bytes:
                # The exchange keeps the error, whose traceback keeps this frame.
                parts.clear()
                raise KorProxyError(
                    catalogue.BODY_TOO_LARGE, f"the limit is {limit_bytes} bytes, decompressed"
                )
            parts.append(piece)
        decoder.finish()
    except BadCodingError:
        raise KorProxyError(
            catalogue.BAD_CONTENT_ENCODING, f"the body is not {coding}", param="content-encoding"
        ) from None
    return b"".join(parts)


class ReplyDecoder:
    """Takes the coding off a reply, chunk by chunk; made by `reply_decoder`."""

    def __init__(self, decoder: _Decoder) -> None:
        self._decoder = decoder

    def feed(self, data: bytes) -> bytes:
        """
        The decoded bytes of one chunk.

        Raises:
            BadCodingError: the reply is not what its header says.
        """
        parts = list(self._decoder.feed(data))
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def finish(self) -> None:
        """
        Say that the reply has ended.

        Raises:
            BadCodingError: in the middle of its coding.
        """
        self._decoder.finish()


def reply_decoder(coding: str | None) -> ReplyDecoder | None:
    """
    A decoder for a reply's `content-encoding`; None where there is nothing to do.

    Raises:
        BadCodingError: a coding nobody asked for and we do not know.
    """
    coding = (coding or "").strip().lower()
    if coding in _IDENTITY:
        return None
    decoder = _decoder(coding)
    if decoder is None:
        raise BadCodingError
    return ReplyDecoder(decoder)
