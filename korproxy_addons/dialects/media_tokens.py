"""
What pictures, documents and sounds cost in a prompt, by the formulas that the providers publish.

Sources (November 2026): Anthropic "Vision" (width × height / 750, sides scaled to 1568, from Opus 4.7 on to 2576 pixels)
and "PDF support" (1500 to 3000 tokens of text and one picture per page); OpenAI "Images and vision" (tiles of 512 pixels
for gpt-4o, gpt-4.1 and gpt-5, patches of 32 pixels for the newer and the small models); Google "Understand and count
tokens" (258 per tile of 768 pixels, 1120 per picture and 560 per page for Gemini 3, 32 per second of sound, 263
per second of video); Qwen-VL (28 pixels square per token).
"""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable
from math import ceil, floor, sqrt
from typing import Final

from korproxy_addons.dialects.media import mime_of
from korproxy_addons.dialects.model import MediaKind, MediaPart

type Size = tuple[int, int]
"""Width and height in pixels."""
type PictureTokens = Callable[[Size], int]

UNKNOWN_SIZE: Final = (1024, 1024)
# Enough for the head of any picture but a JPEG with a long preview in front; whole groups of four characters.
_HEAD_CHARACTERS: Final = 256 * 1024
_PAGES_CHARACTERS: Final = 8 * 1024 * 1024
_PAGE: Final = re.compile(rb"/Type\s*/Page(?![a-zA-Z])")
_PAGE_COUNT: Final = re.compile(rb"/Count\s+(\d{1,5})")
_BYTES_PER_PAGE: Final = 60_000  # of a document whose pages cannot be counted
# Bytes per second, for sounds whose length is not read: 16 kHz, 16 bits for wav; 64 kbit/s else.
_WAV_BYTES_PER_S: Final = 32_000
_SOUND_BYTES_PER_S: Final = 8_000
_VIDEO_BYTES_PER_S: Final = 250_000
_PNG_SIZE: Final = slice(16, 24)


def anthropic_picture(size: Size, *, side: int = 1568, most: int = 1568) -> int:
    """Tokens of a picture at Anthropic."""
    width, height = _within(size, side)
    return min(ceil(width * height / 750), most)


def openai_tiles(size: Size, *, base: int = 85, tile: int = 170) -> int:
    """Tokens of a picture for OpenAI's models that cut tiles."""
    width, height = _within(size, 2048)
    shortest = min(width, height)
    if shortest > 768:
        width, height = width * 768 // shortest, height * 768 // shortest
    return base + tile * ceil(width / 512) * ceil(height / 512)


def openai_patches(size: Size, *, most: int = 1536, factor: float = 1.0) -> int:
    """Tokens of a picture for OpenAI's models that cut patches; the small ones count each several times."""
    width, height = size
    patches = ceil(width / 32) * ceil(height / 32)
    if patches > most:
        # scaled down until whole patches fit
        shrink = sqrt(most / (width * height))
        across, down = width * shrink, height * shrink
        fitting = min(floor(across) / across, floor(down) / down)
        patches = max(1, ceil(round(across * fitting, 6)) * ceil(round(down * fitting, 6)))
    return ceil(patches * factor)


def gemini_tiles(size: Size) -> int:
    """Tokens of a picture for Gemini 2."""
    width, height = size
    if max(width, height) <= 384:
        return 258
    return 258 * ceil(width / 768) * ceil(height / 768)


def gemini_3_picture(size: Size) -> int:
    """Tokens of a picture for Gemini 3, whatever its size."""
    del size
    return 1120


def qwen_picture(size: Size) -> int:
    """Tokens of a picture for the models of Qwen and their kin."""
    width, height = size
    return min(max(4, ceil(width / 28) * ceil(height / 28)), 16384)


def media_tokens(part: MediaPart, picture: PictureTokens, page: int, sound: int) -> int:
    """
    Tokens of a file; those of its text are not among them.

    Args:
        part: The file.
        picture: The model's formula for pictures.
        page: Tokens per page of a document.
        sound: Tokens per second of sound.
    """
    match part.kind:
        case MediaKind.IMAGE:
            return picture(picture_size(part.base64) or UNKNOWN_SIZE)
        case MediaKind.DOCUMENT:
            return 0 if part.text else page * document_pages(part.base64)
        case MediaKind.AUDIO:
            rate = _WAV_BYTES_PER_S if mime_of(part).endswith("wav") else _SOUND_BYTES_PER_S
            return sound * max(1, _bytes_of(part.base64) // rate)
        case MediaKind.VIDEO:
            return 263 * max(1, _bytes_of(part.base64) // _VIDEO_BYTES_PER_S)


def picture_size(base64: str) -> Size | None:
    """Width and height of a PNG, JPEG, GIF or WebP; None if its head does not say."""
    try:
        data = b64decode(base64[:_HEAD_CHARACTERS])
    except (Base64Error, ValueError):
        return None
    found: Size | None = None
    if data.startswith(b"\x89PNG") and len(data) >= _PNG_SIZE.stop:
        sides = data[_PNG_SIZE]
        found = int.from_bytes(sides[:4]), int.from_bytes(sides[4:])
    elif data.startswith((b"GIF87a", b"GIF89a")) and len(data) >= 10:
        found = int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")
    elif data.startswith(b"\xff\xd8"):
        found = _jpeg_size(data)
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP" and len(data) >= 30:
        found = _webp_size(data)
    return found if found and 0 < found[0] <= 65_535 and 0 < found[1] <= 65_535 else None


def document_pages(base64: str) -> int:
    """Pages of a PDF; a guess by its length where they cannot be counted, at least one."""
    try:
        data = b64decode(base64[:_PAGES_CHARACTERS])
    except (Base64Error, ValueError):
        return 1
    pages = len(_PAGE.findall(data))
    if not pages:  # they stand in compressed objects; the tree's root often does not
        pages = max((int(found) for found in _PAGE_COUNT.findall(data)), default=0)
    return pages or max(1, _bytes_of(base64) // _BYTES_PER_PAGE)


def _within(size: Size, side: int) -> Size:
    """The size, scaled down so that neither side is longer."""
    width, height = size
    longest = max(size)
    if longest <= side:
        return size
    return max(1, width * side // longest), max(1, height * side // longest)


def _bytes_of(base64: str) -> int:
    return len(base64) * 3 // 4


def _jpeg_size(data: bytes) -> Size | None:
    place = 2
    while place + 9 < len(data) and data[place] == 0xFF:
        mark = data[place + 1]
        if 0xC0 <= mark <= 0xCF and mark not in {0xC4, 0xC8, 0xCC}:
            height, width = data[place + 5 : place + 7], data[place + 7 : place + 9]
            return int.from_bytes(width), int.from_bytes(height)
        place += 2 + int.from_bytes(data[place + 2 : place + 4])
    return None


def _webp_size(data: bytes) -> Size | None:
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = data[24:27], data[27:30]
        return int.from_bytes(width, "little") + 1, int.from_bytes(height, "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = data[26:28], data[28:30]
        mask = 0x3FFF
        return int.from_bytes(width, "little") & mask, int.from_bytes(height, "little") & mask
    return None
