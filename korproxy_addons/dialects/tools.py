"""
Tools that a client offers, and how free the model is to call them.

The rules for all values stand in `model.py`, from which everything here is imported.
"""

from enum import StrEnum

from msgspec import Raw, Struct

from korproxy_addons.dialects.parts import CacheMarker


class FunctionTool(Struct, frozen=True):
    """
    A tool with JSON arguments.

    Attributes:
        schema: JSON Schema of the arguments, as the client wrote it; None if absent, null or {}.
        strict: None where the client said nothing (its dialect's own default then holds, T28).
        namespace: Responses namespace, else "".
        native: Fields that only the source dialect knows (`defer_loading`, `input_examples`), by name.
    """

    name: str
    description: str = ""
    schema: Raw | None = None
    strict: bool | None = None
    namespace: str = ""
    cache: CacheMarker | None = None
    native: dict[str, Raw] = {}


class CustomTool(Struct, frozen=True):
    """A tool that takes raw text; `format` is its grammar as on the wire, None for free text."""

    name: str
    description: str = ""
    format: Raw | None = None


class HostedKind(StrEnum):
    """Tools that services run themselves, by meaning; OTHER has no counterpart anywhere."""

    WEB_SEARCH = "web_search"
    WEB_FETCH = "web_fetch"
    CODE_EXECUTION = "code_execution"
    FILE_SEARCH = "file_search"
    IMAGE_GENERATION = "image_generation"
    URL_CONTEXT = "url_context"
    OTHER = "other"


class HostedTool(Struct, frozen=True):
    """
    A tool that the service runs, or one whose schema the service knows (`bash_20250124`).

    Attributes:
        kind: Meaning, for mapping to another service's tool of the same kind.
        type: Its `type` (or key) on the wire.
        name: Its name on the wire, "" if it has none.
        origin: Dialect id whose wire form `raw` is.
    """

    kind: HostedKind
    type: str
    name: str
    origin: str
    raw: Raw
    cache: CacheMarker | None = None


type Tool = FunctionTool | CustomTool | HostedTool


class ChoiceMode(StrEnum):
    """How free the model is: AUTO as it likes, REQUIRED some tool, NONE no tool, NAMED this one."""

    AUTO = "auto"
    REQUIRED = "required"
    NONE = "none"
    NAMED = "named"


class ToolChoice(Struct, frozen=True):
    """
    What the client said about calling tools.

    Attributes:
        mode: NAMED goes with exactly one name in `names`.
        names: With AUTO or REQUIRED: only these are allowed (`allowed_tools`); () for all.
        hosted_type: Wire `type` of a hosted tool that is chosen, else "".
    """

    mode: ChoiceMode
    names: tuple[str, ...] = ()
    hosted_type: str = ""
