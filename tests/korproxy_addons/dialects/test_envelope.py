import pytest

from korproxy_addons.dialects.envelope import Envelope
from support.cut import cut


def inside(data: bytes) -> bytes:
    return data.removeprefix(b"<").removesuffix(b">") if data.startswith(b"<") else b""


@pytest.mark.parametrize("size", [1, 3, 100])
def test_every_payload_of_a_stream_is_unwrapped(size: int) -> None:
    """T163: a frame without the inside is dropped, and is no end."""
    envelope = Envelope(streamed=True, unwrap=inside)
    out = [
        envelope.feed(piece) for piece in cut(b"data: <a>\r\n\r\ndata: trace\n\ndata: <b>", size)
    ]
    assert b"".join(out) + envelope.close() == b"data: a\r\n\r\ndata: b"


def test_a_whole_body_is_unwrapped_at_its_end() -> None:
    envelope = Envelope(streamed=False, unwrap=inside)
    assert [envelope.feed(b"<bo"), envelope.feed(b"dy>"), envelope.close()] == [b"", b"", b"body"]


def test_without_an_envelope_bytes_go_at_once() -> None:
    envelope = Envelope(streamed=True, unwrap=None)
    assert [envelope.feed(b"da"), envelope.close()] == [b"da", b""]
