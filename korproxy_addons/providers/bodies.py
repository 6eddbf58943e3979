"""JSON bodies with one field changed and all the rest as it came."""

from typing import Any

import msgspec

from korproxy_addons.errors.catalogue import NOT_JSON, TOO_DEEP
from korproxy_addons.errors.exceptions import KorProxyError

type Fields = dict[str, msgspec.Raw]
"""An object's fields in their order; the values are the bytes they came as."""

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])


def decode_fields(body: bytes | msgspec.Raw) -> Fields:
    """
    The top level of a JSON object.

    Raises:
        KorProxyError: NOT_JSON, TOO_DEEP.
    """
    try:
        return _FIELDS.decode(body)
    except RecursionError as error:
        raise KorProxyError(TOO_DEEP) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise KorProxyError(NOT_JSON, "expected one object") from error


def decode_items(value: bytes | msgspec.Raw) -> list[msgspec.Raw] | None:
    """The elements of a JSON array as they came; None if it is something else."""
    try:
        return _ITEMS.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def fields_or_none(value: bytes | msgspec.Raw) -> Fields | None:
    """The fields of a JSON object; None if it is something else."""
    try:
        return _FIELDS.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def encode(value: object) -> bytes:
    """JSON of fields, items, or any plain value."""
    return msgspec.json.encode(value)


def raw(value: object) -> msgspec.Raw:
    """A value as a field of `Fields`."""
    return msgspec.Raw(msgspec.json.encode(value))


def plain(value: msgspec.Raw | None) -> Any:
    """A field's value; None if it is absent or not JSON."""
    if value is None:
        return None
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def rename_model(body: bytes, model: str) -> bytes:
    """
    The body with its field `model` set; the same object if it says so already.

    Raises:
        KorProxyError: NOT_JSON, TOO_DEEP.
    """
    fields = decode_fields(body)
    if plain(fields.get("model")) == model:
        return body
    fields["model"] = raw(model)
    return encode(fields)
