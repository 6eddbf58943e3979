"""`tools` and `toolConfig` to tools and choice."""

from typing import Final

import msgspec
from msgspec import Raw

from korproxy_addons.dialects.gemini.decode_contents import decode_at, raws_at
from korproxy_addons.dialects.gemini.google_schema import json_schema
from korproxy_addons.dialects.gemini.wire import DIALECT_ID, FIELDS, Fields, camel, is_null
from korproxy_addons.dialects.model import (
    ChoiceMode,
    FunctionTool,
    HostedKind,
    HostedTool,
    Tool,
    ToolChoice,
)
from korproxy_addons.dialects.payload import field_invalid

HOSTED: Final = {
    "googleSearch": HostedKind.WEB_SEARCH,
    "googleSearchRetrieval": HostedKind.WEB_SEARCH,
    "enterpriseWebSearch": HostedKind.WEB_SEARCH,
    "urlContext": HostedKind.URL_CONTEXT,
    "codeExecution": HostedKind.CODE_EXECUTION,
    "fileSearch": HostedKind.FILE_SEARCH,
}
_FUNCTIONS: Final = "functionDeclarations"
_CALLING: Final = "functionCallingConfig"
_TEXT: Final = msgspec.json.Decoder(str | None)
_TEXTS: Final = msgspec.json.Decoder(list[str] | None)


def fields_at(raw: bytes | Raw, path: str) -> Fields:
    """An object's fields that say something, by their camelCase names."""
    fields = decode_at(FIELDS, raw, path)
    return {camel(name): value for name, value in fields.items() if not is_null(value)}


def text_at(fields: Fields, name: str, path: str) -> str:
    """A field that is text; "" if it is absent."""
    raw = fields.get(name)
    return "" if raw is None else decode_at(_TEXT, raw, _below(path, name)) or ""


def texts_at(fields: Fields, name: str, path: str) -> tuple[str, ...]:
    """A field that is a list of texts; () if it is absent."""
    raw = fields.get(name)
    return () if raw is None else tuple(decode_at(_TEXTS, raw, _below(path, name)) or ())


def decode_tools(raw: Raw) -> tuple[Tool, ...]:
    """
    The tools; of two functions with one name the first (T34).

    Raises:
        KorProxyError: FIELD_INVALID, with the path of the field.
    """
    found: dict[str, Tool] = {}
    for number, each in enumerate(raws_at(raw, "tools")):
        path = f"tools[{number}]"
        for name, value in fields_at(each, path).items():
            if name == _FUNCTIONS:
                for tool in _functions(value, f"{path}.{name}"):
                    found.setdefault(f"function {tool.name}", tool)
                continue
            hosted = HostedTool(
                HOSTED.get(name, HostedKind.OTHER),
                name,
                "",
                DIALECT_ID,
                Raw(msgspec.json.encode({name: value})),
            )
            found.setdefault(f"hosted {name} {len(found) if name == 'mcpServers' else ''}", hosted)
    return tuple(found.values())


def decode_tool_choice(config: Fields) -> ToolChoice | None:
    """
    The choice in a `toolConfig`; None if it says nothing of functions.

    Raises:
        KorProxyError: FIELD_INVALID, with the path of the field.
    """
    raw = config.get(_CALLING)
    if raw is None:
        return None
    path = f"toolConfig.{_CALLING}"
    fields = fields_at(raw, path)
    mode = text_at(fields, "mode", path).upper()
    names = texts_at(fields, "allowedFunctionNames", path)
    if mode == "NONE":
        return ToolChoice(ChoiceMode.NONE)
    if mode == "ANY":
        return ToolChoice(ChoiceMode.NAMED if len(names) == 1 else ChoiceMode.REQUIRED, names)
    return ToolChoice(ChoiceMode.AUTO, names)


def native_choice(config: Fields) -> Fields:
    """What a `toolConfig` says that nobody else has a word for, by its path."""
    native = {f"toolConfig.{name}": raw for name, raw in config.items() if name != _CALLING}
    raw = config.get(_CALLING)
    if raw is None:
        return native
    for name, value in fields_at(raw, f"toolConfig.{_CALLING}").items():
        if name == "mode":
            if bytes(value).upper() == b'"VALIDATED"':
                native[f"toolConfig.{_CALLING}.mode"] = value
        elif name != "allowedFunctionNames":
            native[f"toolConfig.{_CALLING}.{name}"] = value
    return native


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _functions(raw: Raw, path: str) -> list[FunctionTool]:
    found = []
    for number, each in enumerate(raws_at(raw, path)):
        here = f"{path}[{number}]"
        fields = fields_at(each, here)
        name = text_at(fields, "name", here)
        if not name:
            raise field_invalid(f"{here}.name", "expected a name")
        description = text_at(fields, "description", here)
        plain = fields.pop("parametersJsonSchema", None)
        google = fields.pop("parameters", None)
        schema = plain if plain is not None or google is None else json_schema(google)
        if schema is not None and bytes(schema).split() == [b"{}"]:
            schema = None
        native = {key: value for key, value in fields.items() if key not in {"name", "description"}}
        found.append(FunctionTool(name, description, schema, native=native))
    return found
