"""Where a secret lies: the only thing the configuration says of it."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, SecretStr, WithJsonSchema

EXPECTED = "env:NAME, file:PATH, vault:NAME or cli:TOOL"

CLI_TOOLS = ("claude", "codex", "gemini", "qwen", "iflow")
"""Official tools whose own login can be read: what may follow `cli:`."""

_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class Place(StrEnum):
    """The kinds of places a secret can lie in."""

    ENV = "env"
    FILE = "file"
    VAULT = "vault"
    CLI = "cli"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class SecretRef:
    """
    One secret's place.

    Attributes:
        place: Kind of place.
        name: Variable, path, vault entry or official tool; empty for a plain secret.
        plain: The secret itself where it was written into the file, else None.
    """

    place: Place
    name: str
    plain: SecretStr | None = None

    @classmethod
    def parse(cls, value: object) -> "SecretRef":
        """
        The place that a text such as `env:NAME` names.

        Raises:
            ValueError: It names none; the message never holds the text, which may be a secret.
        """
        if isinstance(value, SecretRef):
            return value
        place, separator, name = value.partition(":") if isinstance(value, str) else ("", "", "")
        if not separator or place not in Place or not name.strip():
            raise ValueError(EXPECTED)
        if place == Place.PLAIN:
            return cls(Place.PLAIN, "", SecretStr(name))
        if place == Place.ENV and not _ENV_NAME.match(name):
            raise ValueError("env: followed by the name of an environment variable")
        if place == Place.CLI and name.strip() not in CLI_TOOLS:
            raise ValueError(f"cli: followed by one of {', '.join(CLI_TOOLS)}")
        return cls(Place(place), name.strip())

    def __str__(self) -> str:
        return "plain:…" if self.place is Place.PLAIN else f"{self.place}:{self.name}"


def _parsed(value: Any) -> SecretRef:
    return SecretRef.parse(value)


SecretRefField = Annotated[
    SecretRef,
    PlainValidator(_parsed),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^(env|file|vault|cli|plain):.+"}),
]
"""A `SecretRef` as a field of a pydantic model."""
