"""Compressed request bodies."""

import gzip
import zlib

import pytest
import zstandard

from launcher.simulator.decoding import UnsupportedEncoding, decoded

BODY = b'{"a": 1}' * 100


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        (None, BODY),
        ("identity", BODY),
        ("GZIP", gzip.compress(BODY)),
        ("deflate", zlib.compress(BODY)),
        ("zstd", zstandard.ZstdCompressor().compress(BODY)),
    ],
)
def test_bodies_are_read(encoding: str | None, data: bytes) -> None:
    assert decoded(data, encoding) == BODY


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
def test_a_lie_in_the_header(encoding: str) -> None:
    with pytest.raises(ValueError, match=f"no {encoding}"):
        decoded(BODY, encoding)


def test_unknown_encodings() -> None:
    with pytest.raises(UnsupportedEncoding):
        decoded(BODY, "br")
