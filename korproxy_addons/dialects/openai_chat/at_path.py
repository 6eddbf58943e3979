"""Reads one value inside a request, with its whole path in the error."""

import msgspec
from msgspec import Raw

from korproxy_addons.dialects.payload import decode_body
from korproxy_addons.errors.exceptions import KorProxyError


def decode_at[T](decoder: msgspec.json.Decoder[T], raw: Raw, path: str) -> T:
    """
    The value that stands at `path` of the request.

    Raises:
        KorProxyError: As `decode_body`, with the path from the request's root as `param`.
    """
    try:
        return decoder.decode(raw)
    except (ValueError, RecursionError):
        pass
    try:
        return decode_body(decoder, bytes(raw))
    except KorProxyError as error:
        inside = error.param or ""
        if inside:
            path = f"{path}{inside}" if inside.startswith("[") else f"{path}.{inside}"
            detail = error.detail.removeprefix(f"{inside}: ")
        else:
            detail = error.detail
        raise KorProxyError(error.spec, f"{path}: {detail}", param=path) from None
