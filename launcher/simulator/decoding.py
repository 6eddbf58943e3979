"""Request bodies as they come: gzip, deflate or zstd, as clients compress them."""

import gzip
import zlib

MAX_BYTES = 256 * 1024 * 1024


class UnsupportedEncoding(Exception):
    """Nobody here knows this `Content-Encoding`."""


def decoded(body: bytes, encoding: str | None) -> bytes:
    """
    The body without its content encoding.

    Raises:
        UnsupportedEncoding: the encoding is unknown, or its library is not installed.
        ValueError: the bytes are not what the header says.
    """
    name = (encoding or "identity").strip().lower()
    try:
        if name in {"identity", ""}:
            return body
        if name in {"gzip", "x-gzip"}:
            return gzip.decompress(body)
        if name == "deflate":
            return zlib.decompress(body)
    except (OSError, EOFError, zlib.error) as bad:
        raise ValueError(f"the body is no {name}: {bad}") from bad
    if name == "zstd":
        return _zstd(body)
    raise UnsupportedEncoding(name)


def _zstd(body: bytes) -> bytes:
    try:
        import zstandard  # noqa: PLC0415
    except ImportError as missing:
        raise UnsupportedEncoding("zstd") from missing
    try:
        return zstandard.ZstdDecompressor().decompressobj().decompress(body)
    except zstandard.ZstdError as bad:
        raise ValueError(f"the body is no zstd: {bad}") from bad
