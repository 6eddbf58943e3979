"""
Halves of an emoji that came in two deltas, joined (T178).

Half a surrogate pair cannot be encoded, and its other half may be in the next delta. `payload.py` therefore reads
it as a stand-in from a private-use range with exactly as many characters as there are surrogates; here two
stand-ins become the character that was meant, and one alone U+FFFD.
"""

import re
from typing import Final

_FIRST: Final = 0x10F800  # 2048 places: one per surrogate, U+D800 to U+DFFF
_SURROGATES: Final = 0xD800
_LOW_FIRST: Final = 0xDC00
_PAIR: Final = re.compile("([\U0010f800-\U0010fbff])([\U0010fc00-\U0010ffff])")
_ALONE: Final = re.compile("[\U0010f800-\U0010ffff]")
_STAND_IN_MARK: Final = "\\uDbF"
_STAND_IN: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\uDbF([ef])\\uD([c-f][0-9a-f]{2})")


def escaped_stand_in(surrogate: int) -> bytes:
    r"""
    The stand-in of a surrogate as JSON escapes, itself a pair: `\uDbFe\uDc3d` for U+D83D.

    Nobody writes escapes in such a mixture of cases, so that it can be told from a character of that range.
    """
    offset = _FIRST + surrogate - _SURROGATES - 0x10000
    return b"\\uDbF%x\\uD%03x" % ((offset >> 10) & 0xF, (_LOW_FIRST + (offset & 0x3FF)) & 0xFFF)


def halves_again(text: str) -> str:
    r"""
    JSON text in which stand-ins, written as escapes, are the escapes of the halves again.

    For JSON that is handed on as text (a call's arguments): whoever parses it gets what the model wrote.
    """
    if _STAND_IN_MARK not in text:
        return text
    return _STAND_IN.sub(_half, text)


class SurrogateJoiner:
    """Joins the halves in a text that comes in pieces; holds back at most one character."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> str:
        """The text so far, but for a first half at its end."""
        if not self._held and text.isascii():
            return text
        text = self._held + text
        self._held = ""
        if not _ALONE.search(text):
            return text
        if "\U0010f800" <= text[-1] <= "\U0010fbff":
            self._held = text[-1]
            text = text[:-1]
        return _joined(text)

    def close(self) -> str:
        """What a half that stayed alone becomes."""
        text = "\ufffd" if self._held else ""
        self._held = ""
        return text


def _joined(text: str) -> str:
    return _ALONE.sub("\ufffd", _PAIR.sub(_character, text))


def _character(found: re.Match[str]) -> str:
    high = ord(found[1]) - _FIRST
    low = ord(found[2]) - _FIRST - 0x400
    return chr(0x10000 + (high << 10) + low)


def _half(found: re.Match[str]) -> str:
    offset = ((0x3FE + (found[2] == "f")) << 10) + int("d" + found[3], 16) - _LOW_FIRST
    return f"{found[1]}\\u{offset + 0x10000 - _FIRST + _SURROGATES:04x}"
