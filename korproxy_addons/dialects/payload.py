"""
Reads JSON at the border and raises nothing but `KorProxyError`; and the text of a call's arguments.

JSON may hold half of a surrogate pair, which a string cannot (T178). In requests it becomes U+FFFD. In replies it
becomes a stand-in that `surrogates.py` joins with its other half, which may come a delta later.
"""

import re
from typing import Final

import msgspec

from korproxy_addons.dialects.surrogates import escaped_stand_in
from korproxy_addons.errors.catalogue import (
    FIELD_INVALID,
    NOT_JSON,
    NOT_UTF8,
    TOO_DEEP,
    UPSTREAM_INVALID_REPLY,
)
from korproxy_addons.errors.exceptions import KorProxyError

_ESCAPE: Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a whole pair: stays
    rb"|\\u([dD][89a-fA-F][0-9a-fA-F]{2})"  # half of one
    rb"|\\."
)
_AT_PATH: Final = re.compile(r"^(.*?) - at `\$(.*)`$", re.DOTALL)
_NO_ARGUMENTS: Final = frozenset({"", "null", '"null"', '""'})
_ANY: Final = msgspec.json.Decoder()


def decode_payload[T](decoder: msgspec.json.Decoder[T], data: bytes) -> T:
    """
    One JSON value that an upstream sent.

    Raises:
        KorProxyError: UPSTREAM_INVALID_REPLY, it is no JSON or not of the decoder's type.
    """
    try:
        return decoder.decode(data)
    except (ValueError, RecursionError):
        pass  # msgspec's errors are ValueErrors
    try:
        return decoder.decode(_ESCAPE.sub(_stand_in, data))
    except RecursionError:
        raise KorProxyError(UPSTREAM_INVALID_REPLY, "its JSON is nested too deep") from None
    except msgspec.ValidationError as error:
        raise KorProxyError(UPSTREAM_INVALID_REPLY, str(error)) from None
    except ValueError:
        raise KorProxyError(UPSTREAM_INVALID_REPLY, "it is not JSON") from None


def decode_body[T](decoder: msgspec.json.Decoder[T], data: bytes) -> T:
    """
    One JSON value that a client sent.

    Raises:
        KorProxyError: NOT_JSON, NOT_UTF8, TOO_DEEP, or FIELD_INVALID with the field's path as `param`.
    """
    try:
        return decoder.decode(data)
    except msgspec.ValidationError as error:
        raise _invalid(error) from None
    except (ValueError, RecursionError):
        pass
    try:
        return decoder.decode(_ESCAPE.sub(_replacement, data))
    except RecursionError:
        raise KorProxyError(TOO_DEEP) from None
    except msgspec.ValidationError as error:
        raise _invalid(error) from None
    except UnicodeDecodeError as error:
        raise KorProxyError(NOT_UTF8, f"byte {error.start}") from None
    except ValueError as error:
        raise KorProxyError(NOT_JSON, str(error)) from None


def field_invalid(path: str, expected: str) -> KorProxyError:
    """The error for a field of a client's request: its path ("messages[0].role") and what is expected."""
    return KorProxyError(FIELD_INVALID, f"{path}: {expected}", param=path)


def arguments_text(text: str | None) -> str:
    """A call's arguments as text; what clients and services write for "none" becomes "{}" (T50)."""
    return "{}" if text is None or text.strip() in _NO_ARGUMENTS else text


def arguments_object(text: str) -> str:
    """
    JSON text of an object, for dialects that carry arguments as an object (T61).

    An object's text is returned as it is. An object inside a string is taken out; any other JSON value goes
    under "value", what is no JSON at all under "text". Never raises.
    """
    text = arguments_text(text)
    for _ in range(3):
        try:
            value = _ANY.decode(text)
        except (ValueError, RecursionError):
            break
        if isinstance(value, dict):
            return text
        if not isinstance(value, str):
            return f'{{"value":{text}}}'
        inner = arguments_text(value)
        try:
            _ANY.decode(inner)
        except (ValueError, RecursionError):
            return f'{{"value":{text}}}'
        text = inner
    return '{"text":' + encoded_text(text) + "}"


def encoded_text(text: str) -> str:
    """A JSON string; half surrogates, which only a decoder's mistake can bring, become U+FFFD."""
    try:
        return msgspec.json.encode(text).decode()
    except UnicodeEncodeError:
        return msgspec.json.encode(
            text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        ).decode()


def _invalid(error: msgspec.ValidationError) -> KorProxyError:
    found = _AT_PATH.match(str(error))
    if not found:
        return KorProxyError(FIELD_INVALID, str(error))
    path = found[2].removeprefix(".")
    return KorProxyError(FIELD_INVALID, f"{path}: {found[1]}", param=path)


def _stand_in(found: re.Match[bytes]) -> bytes:
    return escaped_stand_in(int(found[1], 16)) if found[1] else found[0]


def _replacement(found: re.Match[bytes]) -> bytes:
    return b"\\ufffd" if found[1] else found[0]
