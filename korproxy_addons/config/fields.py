"""Types of fields that the models of the configuration share."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer

type Dialect = Literal["openai-chat", "openai-responses", "anthropic-messages", "gemini"]
"""Ids of the dialects."""


class Settings(BaseModel):
    """A part of the configuration: frozen, no unknown key, no value bent into another type."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True
    )


def _frozen[Value](value: Mapping[str, Value]) -> Mapping[str, Value]:
    return MappingProxyType(dict(value))


def _as_dict[Value](value: Mapping[str, Value]) -> dict[str, Value]:
    return dict(value)


type FrozenMap[Value] = Annotated[
    Mapping[str, Value], AfterValidator(_frozen), PlainSerializer(_as_dict)
]
"""A mapping with text keys that nobody can change."""


def split_url(value: str) -> SplitResult:
    """
    The parts of an absolute http(s) URL.

    Raises:
        ValueError: It is none, or carries credentials, a query or a fragment; the message says so.
    """
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError as error:
        raise ValueError("an absolute URL") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise ValueError("an absolute URL that begins with https:// or http://")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a URL without user name and password")
    if parts.query or parts.fragment or "?" in value or "#" in value:
        raise ValueError("a URL without query and fragment")
    if not value.isascii() or any(sign <= " " or sign == "\\" for sign in value):
        raise ValueError("a URL of plain characters")
    return parts


def _url(value: str) -> str:
    split_url(value)
    return value.rstrip("/")


Url = Annotated[str, AfterValidator(_url)]
"""An absolute http(s) URL without credentials, query, fragment and final slash."""

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""An id that people type: letters, digits, dot, underscore, hyphen."""

Text = Annotated[str, Field(min_length=1, max_length=1000)]
"""A text that is not empty."""

ModelName = Annotated[str, Field(pattern=r"^[!-~]{1,200}$")]
"""A model's name: visible ASCII without blanks."""

HeaderText = Annotated[str, Field(pattern=r"^[!-~]([ -~]*[!-~])?$", max_length=1000)]
"""A header's value: visible ASCII, no line break."""

HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}\Z")
"""A header's name (RFC 9110, section 5.1)."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256 in hexadecimal."""

Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
"""A span of time."""
