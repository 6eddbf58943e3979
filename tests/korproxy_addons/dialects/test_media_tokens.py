import struct
import zlib
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.dialects.media_tokens import (
    UNKNOWN_SIZE,
    anthropic_picture,
    document_pages,
    gemini_3_picture,
    gemini_tiles,
    media_tokens,
    openai_patches,
    openai_tiles,
    picture_size,
    qwen_picture,
)
from korproxy_addons.dialects.model import MediaKind, MediaPart


def base64(data: bytes) -> str:
    return b64encode(data).decode()


def png(width: int, height: int) -> str:
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))
    return base64(b"\x89PNG\r\n\x1a\n" + chunk)


def jpeg(width: int, height: int) -> str:
    comment = b"\xff\xfe\x00\x06abcd"
    frame = b"\xff\xc2\x00\x11\x08" + struct.pack(">HH", height, width) + bytes(10)
    return base64(b"\xff\xd8" + comment + frame)


def webp(kind: bytes, rest: bytes) -> str:
    return base64(b"RIFF\0\0\0\0WEBP" + kind + b"\0\0\0\0" + rest)


@pytest.mark.parametrize(
    "picture",
    [
        png(640, 480),
        jpeg(640, 480),
        base64(b"GIF89a" + struct.pack("<HH", 640, 480)),
        webp(b"VP8X", bytes(4) + (639).to_bytes(3, "little") + (479).to_bytes(3, "little")),
        webp(b"VP8L", b"\x2f" + (639 | 479 << 14).to_bytes(4, "little") + bytes(8)),
        webp(b"VP8 ", bytes(6) + struct.pack("<HH", 640, 480)),
    ],
)
def test_a_pictures_size_is_read_from_its_head(picture: str) -> None:
    assert picture_size(picture) == (640, 480)


@given(st.text("AB+/=kQ\n", max_size=60) | st.binary(max_size=60).map(base64))
def test_any_text_has_a_size_or_none(text: str) -> None:
    found = picture_size(text)
    assert found is None or min(found) > 0
    assert document_pages(text) >= 1


def test_anthropic_divides_by_750_after_scaling_down() -> None:
    assert anthropic_picture((200, 200)) == 54
    assert anthropic_picture((1092, 1092)) == 1568
    assert anthropic_picture((3000, 300)) == anthropic_picture((1568, 156))
    assert anthropic_picture((3000, 300), side=2576, most=4784) > anthropic_picture((3000, 300))


def test_openai_cuts_tiles_or_patches() -> None:
    """The examples of OpenAI's own documentation."""
    assert openai_tiles((1024, 1024)) == 765
    assert openai_tiles((2048, 4096)) == 1105
    assert openai_patches((1024, 1024)) == 1024
    assert openai_patches((1800, 2400)) == 1452
    assert openai_patches((320, 320), factor=2.0) == 200


def test_gemini_cuts_tiles_and_later_takes_one_price() -> None:
    assert gemini_tiles((384, 384)) == 258
    assert gemini_tiles((1536, 768)) == 516
    assert gemini_3_picture((10, 10)) == 1120


def test_qwen_takes_28_pixels_a_side() -> None:
    assert qwen_picture((280, 280)) == 100
    assert qwen_picture((1, 1)) == 4


def test_pages_are_counted_or_guessed() -> None:
    assert document_pages(base64(b"%PDF-1.4 /Type /Page /Type/Page\n/Type /Pages")) == 2
    assert document_pages(base64(b"%PDF-1.5 /Type /Pages /Count 12")) == 12
    assert document_pages(base64(b"%PDF-1.7" + bytes(300_000))) == 5
    assert document_pages("") == 1


def cost(part: MediaPart) -> int:
    return media_tokens(part, qwen_picture, page=100, sound=32)


def test_every_kind_has_a_price() -> None:
    assert cost(MediaPart(MediaKind.IMAGE, base64=png(56, 28))) == 4
    assert cost(MediaPart(MediaKind.IMAGE, url="http://a")) == qwen_picture(UNKNOWN_SIZE)
    assert cost(MediaPart(MediaKind.DOCUMENT, file_id="f")) == 100
    assert cost(MediaPart(MediaKind.DOCUMENT, text="words")) == 0
    ten_seconds = base64(bytes(320_000))
    assert cost(MediaPart(MediaKind.AUDIO, "audio/wav", base64=ten_seconds)) == 320
    assert cost(MediaPart(MediaKind.VIDEO, "video/mp4", url="http://a")) == 263
