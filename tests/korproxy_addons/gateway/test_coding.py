import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.coding import (
    BadCodingError,
    decoded_request_body,
    reply_decoder,
)
from support.cut import cut, cut_in_two

BODY = (
    b'{"model": "claude-opus-5", "messages": [{"role": "user", "content": "hi \xf0\x9f\x99\x82"}]}'
    * 9
)
MIB = 1024 * 1024


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstd,
    "br": brotli.compress,
}
SEVERAL = {"gzip": gzip.compress, "zstd": zstd}
SKIPPABLE = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"
codings = pytest.mark.parametrize("coding", ENCODERS)


def decoded(coding: str, pieces: list[bytes]) -> bytes:
    decoder = reply_decoder(coding)
    assert decoder is not None
    out = b"".join(decoder.feed(piece) for piece in pieces)
    decoder.finish()
    return out


def refusal(body: bytes, coding: str, limit_bytes: int = MIB) -> KorProxyError:
    with pytest.raises(KorProxyError) as found:
        decoded_request_body(body, coding, limit_bytes)
    return found.value


@codings
@pytest.mark.parametrize(
    "body", [BODY, b"", b"x", bytes(MIB)], ids=["json", "empty", "one", "zeros"]
)
def test_a_compressed_body_is_what_it_was(coding: str, body: bytes) -> None:
    assert decoded_request_body(ENCODERS[coding](body), f" {coding.upper()} ", MIB) == body


@pytest.mark.parametrize("coding", ["", "identity", "Identity"])
def test_a_plain_body_stays_as_it_is(coding: str) -> None:
    assert decoded_request_body(BODY, coding, 1) is BODY
    assert reply_decoder(coding) is None
    assert reply_decoder(None) is None


def test_no_body_has_no_coding() -> None:
    assert decoded_request_body(b"", "gzip", MIB) == b""


@codings
def test_a_truncated_body_is_refused(coding: str) -> None:
    whole = ENCODERS[coding](BODY)
    for keep in (len(whole) - 1, len(whole) // 2, 1):
        error = refusal(whole[:keep], coding)
        assert error.spec is catalogue.BAD_CONTENT_ENCODING
        assert error.status == 400
        assert error.param == "content-encoding"


@codings
def test_what_is_not_its_coding_is_refused(coding: str) -> None:
    for body in (BODY, ENCODERS[coding](BODY) + b"trailing junk"):
        assert refusal(body, coding).spec is catalogue.BAD_CONTENT_ENCODING


@codings
def test_a_flipped_byte_does_no_harm(coding: str) -> None:
    whole = bytearray(ENCODERS[coding](BODY))
    for place in range(0, len(whole), 7):
        whole[place] ^= 0x55
        try:
            decoded_request_body(bytes(whole), coding, MIB)
        except KorProxyError as error:
            assert error.spec in (catalogue.BAD_CONTENT_ENCODING, catalogue.BODY_TOO_LARGE)  # noqa: PT017
        whole[place] ^= 0x55


@pytest.mark.parametrize("coding", ["compress", "gzip, br", "utf-8", "zstd;q=1"])
def test_an_unknown_coding_is_said_so(coding: str) -> None:
    error = refusal(BODY, coding)
    assert error.spec is catalogue.BAD_CONTENT_ENCODING
    assert error.status == 415
    with pytest.raises(BadCodingError):
        reply_decoder(coding)


@codings
def test_the_limit_is_exact(coding: str) -> None:
    packed = ENCODERS[coding](BODY)
    assert decoded_request_body(packed, coding, len(BODY)) == BODY
    assert refusal(packed, coding, len(BODY) - 1).spec is catalogue.BODY_TOO_LARGE


@codings
def test_a_bomb_takes_no_memory(coding: str) -> None:
    """200 MB behind a few kilobytes, against a limit of 1 MB."""
    bomb = (
        ENCODERS[coding](bytes(200 * MIB))
        if coding != "br"
        else brotli.compress(bytes(200 * MIB), quality=5)
    )
    assert len(bomb) < MIB
    tracemalloc.start()
    try:
        assert refusal(bomb, coding).spec is catalogue.BODY_TOO_LARGE
        assert tracemalloc.get_traced_memory()[1] < 8 * MIB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("coding", SEVERAL)
def test_several_members_are_one_body(coding: str) -> None:
    """Legal in gzip (RFC 1952, 2.2) and zstd (RFC 8878, 3); `cat a.gz b.gz` makes them."""
    packed = b"".join(SEVERAL[coding](part) for part in (BODY, b"", b"more"))
    assert decoded_request_body(packed, coding, MIB) == BODY + b"more"
    for one, other in cut_in_two(packed):
        assert decoded(coding, [one, other]) == BODY + b"more"


def test_a_skippable_frame_is_skipped() -> None:
    assert decoded_request_body(SKIPPABLE + zstd(BODY) + SKIPPABLE, "zstd", MIB) == BODY


@codings
@pytest.mark.parametrize("size", [1, 2, 3, 64, 65, 4096])
def test_however_a_reply_is_cut_it_is_the_same(coding: str, size: int) -> None:
    assert decoded(coding, list(cut(ENCODERS[coding](BODY), size))) == BODY


@codings
def test_a_reply_comes_out_as_it_comes_in(coding: str) -> None:
    """A stream of events must not wait for its end."""
    flushed, rest = flushed_in_two(coding)
    decoder = reply_decoder(coding)
    assert decoder is not None
    assert decoder.feed(flushed) == BODY
    assert decoder.feed(rest) == b"end"
    decoder.finish()


def flushed_in_two(coding: str) -> tuple[bytes, bytes]:
    match coding:
        case "zstd":
            writer = zstandard.ZstdCompressor().compressobj()
            first = writer.compress(BODY) + writer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
            return first, writer.compress(b"end") + writer.flush()
        case "br":
            maker = brotli.Compressor()
            first = maker.process(BODY) + maker.flush()
            return first, maker.process(b"end") + maker.finish()
        case _:
            bits = zlib.MAX_WBITS if coding == "deflate" else zlib.MAX_WBITS | 16
            packer = zlib.compressobj(wbits=bits)
            first = packer.compress(BODY) + packer.flush(zlib.Z_SYNC_FLUSH)
            return first, packer.compress(b"end") + packer.flush()


@codings
def test_a_reply_that_breaks_off_is_noticed(coding: str) -> None:
    decoder = reply_decoder(coding)
    assert decoder is not None
    decoder.feed(ENCODERS[coding](BODY)[:-3])
    with pytest.raises(BadCodingError):
        decoder.finish()


@codings
def test_a_reply_without_a_body_is_whole(coding: str) -> None:
    assert decoded(coding, []) == decoded(coding, [b""]) == b""


@given(st.binary(max_size=2000), st.sampled_from(sorted(ENCODERS)))
def test_any_bytes_survive(body: bytes, coding: str) -> None:
    assert decoded_request_body(ENCODERS[coding](body), coding, MIB) == body


@given(st.binary(max_size=200), st.sampled_from(sorted(ENCODERS)))
def test_any_bytes_are_decoded_or_refused(body: bytes, coding: str) -> None:
    try:
        decoded_request_body(body, coding, MIB)
    except KorProxyError as error:
        assert error.spec in (catalogue.BAD_CONTENT_ENCODING, catalogue.BODY_TOO_LARGE)  # noqa: PT017
