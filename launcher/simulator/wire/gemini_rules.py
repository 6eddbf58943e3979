"""
What Gemini's generateContent refuses, with its words.

The body is protobuf behind JSON: an unknown name anywhere fails the whole request, and all of them are listed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from launcher.simulator.wire.gemini_content import either, is_own_signature
from launcher.simulator.wire.gemini_shape import CODE_ASSIST_REQUEST, REQUEST
from launcher.simulator.wire.reading import Json, mapping, objects, one_or_more
from launcher.simulator.wire.shape import Path, Problem, check

SKIPPED_SIGNATURES = frozenset(
    {"skip_thought_signature_validator", "context_engineering_is_the_way_to_go"}
)
MAX_STOPS = 5
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}\Z")
_SIMPLE_TYPES = frozenset({"STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"})


@dataclass(frozen=True)
class GeminiProblem:
    """A refusal; `violations` are the fields of its `BadRequest` detail."""

    message: str
    violations: tuple[tuple[str, str], ...] = ()


def problem(
    body: Any, model: str, *, code_assist: bool = False, foreign_signatures: bool = False
) -> GeminiProblem | None:
    """
    The refusal, or nothing if the body is right.

    Args:
        body: The request's JSON.
        model: Model ids from `gemini-3` on want levels and signatures, 2.5 wants budgets.
        code_assist: The stricter body of Code Assist, which also names a session.
        foreign_signatures: Take thought signatures this simulator didn't make.
    """
    if not isinstance(body, dict):
        return GeminiProblem("Invalid JSON payload received. Root element must be a message.")
    shape = CODE_ASSIST_REQUEST if code_assist else REQUEST
    found = list(check(_camel(body), shape))
    if found:
        texts = [_worded(each) for each in found]
        places = [(_place(each.path[:-1]), text) for each, text in zip(found, texts, strict=True)]
        return GeminiProblem("\n".join(texts), tuple(places))
    body = _camel(body)
    every = (
        _of_contents(body["contents"], model, foreign_signatures=foreign_signatures),
        _of_tools(body, model),
        _of_generation(mapping(body.get("generationConfig")), model),
    )
    return next((GeminiProblem(text) for texts in every for text in texts), None)


_DATA_KEYS = frozenset({"args", "response", "parametersJsonSchema", "responseJsonSchema"})


def _camel(value: Any, *, names: bool = False) -> Any:
    """Every field name in camelCase, as protobuf reads both; data (arguments, schemas' property names) stays."""
    if isinstance(value, list):
        return [_camel(each) for each in value]
    if not isinstance(value, dict):
        return value
    found = {}
    for key, inner in value.items():
        if inner is None and not names:  # protobuf reads null as absent
            continue
        name = key if names else re.sub(r"_([a-z])", lambda m: m[1].upper(), key)
        data = name in _DATA_KEYS and not names
        lone = name in {"contents", "parts"} and not names and isinstance(inner, dict)
        read = [inner] if lone else inner  # one of them may stand without its list
        found[name] = read if data else _camel(read, names=name == "properties" and not names)
    return found


def _place(path: Path) -> str:
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            snake = re.sub(r"([A-Z])", lambda m: f"_{m[1].lower()}", step)
            text += f".{snake}" if text else snake
    return text


def _worded(found: Problem) -> str:
    where, name = _place(found.path[:-1]), found.path[-1] if found.path else ""
    if found.kind == "extra":
        place = f" at '{where}'" if where else ""
        return f'Invalid JSON payload received. Unknown name "{name}"{place}: Cannot find field.'
    if found.kind == "type" and isinstance(found.value, list):
        text = "Proto field is not repeating, cannot start list."
        place = f" at '{where}'" if where else ""
        return f'Invalid JSON payload received. Unknown name "{name}"{place}: {text}'
    if found.kind in {"missing", "short"}:
        return f"* GenerateContentRequest.{_place(found.path)}: {name} is not specified\n"
    value = f'"{found.value}"' if isinstance(found.value, str) else str(found.value).lower()
    return f"Invalid value at '{_place(found.path)}' ({found.detail}), {value}"


def _of_contents(contents: list[Json], model: str, *, foreign_signatures: bool) -> Iterator[str]:
    before: Json = {}
    for index, content in enumerate(contents):
        role = content.get("role", "user")
        parts = objects(content.get("parts"))
        if role not in {"user", "model", "function"}:
            yield "Please use a valid role: user, model."
        if not parts:
            yield (
                f"* GenerateContentRequest.contents[{index}].parts: contents.parts must not be empty.\n"
            )
        for at, part in enumerate(parts):
            if not _DATA_FIELDS & part.keys():
                yield (
                    f"* GenerateContentRequest.contents[{index}].parts[{at}].data: required oneof"
                    " field 'data' must have one initialized field\n"
                )
        yield from _of_turns(before, content, index)
        before = content
    if contents[0].get("role", "user") == "model":
        yield "Please ensure that multiturn requests start with a user turn."
    last_calls = [p for p in objects(contents[-1].get("parts")) if "functionCall" in p]
    if last_calls:
        yield "Please ensure that single turn requests end with a user role or the role field is empty."
    if model.startswith("gemini-3"):
        yield from _of_signatures(contents, foreign=foreign_signatures)


_DATA_FIELDS = frozenset(
    {
        "text",
        "inlineData",
        "fileData",
        "functionCall",
        "functionResponse",
        "executableCode",
        "codeExecutionResult",
        "toolCall",
        "toolResponse",
        "videoMetadata",
    }
)


def _of_turns(before: Json, content: Json, index: int) -> Iterator[str]:
    calls = [p["functionCall"] for p in objects(before.get("parts")) if "functionCall" in p]
    responses = [
        p["functionResponse"] for p in objects(content.get("parts")) if "functionResponse" in p
    ]
    if responses and not calls:
        yield (
            "Please ensure that function response turn comes immediately after a function call turn."
        )
    elif index and (calls or responses) and len(calls) != len(responses):
        if content.get("role") != "model" or responses:
            yield (
                "Please ensure that the number of function response parts is equal to the number of"
                " function call parts of the function call turn."
            )
        else:
            yield (
                "Please ensure that function call turn comes immediately after a user turn or after a"
                " function response turn."
            )
    for call, response in zip(calls, responses, strict=False):
        if call.get("id") and response.get("id") not in {call["id"], None}:
            continue  # order within the group is free when ids are given
        if not response.get("id") and call["name"] != response["name"]:
            yield "Please ensure that the function response names match the function call names."


def _of_signatures(contents: list[Json], *, foreign: bool) -> Iterator[str]:
    """The first call of every step of the running turn carries its signature; any signature must be genuine."""
    starts = [
        n
        for n, content in enumerate(contents)
        if content.get("role", "user") == "user"
        and not any("functionResponse" in part for part in objects(content.get("parts")))
    ]
    current = starts[-1] if starts else 0
    for index, content in enumerate(contents):
        calls = [p for p in objects(content.get("parts")) if "functionCall" in p]
        for at, part in enumerate(objects(content.get("parts"))):
            given = part.get("thoughtSignature")
            if given is None:
                needed = index > current and calls and part is calls[0]
                if needed and content.get("role") == "model":
                    name = part["functionCall"]["name"]
                    yield (
                        "Function call is missing a thought_signature in functionCall parts. This is"
                        " required for tools to work correctly, and missing thought_signature may lead"
                        f" to degraded model performance. Additional data, function call `{name}` ,"
                        f" position {at + 1}."
                    )
            elif given not in SKIPPED_SIGNATURES and not foreign and not is_own_signature(given):
                yield "Thought signature is not valid."


def _of_tools(body: Json, model: str) -> Iterator[str]:
    names: list[str] = []
    hosted = False
    for tool in one_or_more(body.get("tools")):
        hosted = hosted or bool(tool.keys() - {"functionDeclarations"})
        for each in objects(tool.get("functionDeclarations")):
            if not _NAME.match(each["name"]):
                yield (
                    "* GenerateContentRequest.tools[0].function_declarations[0].name: Invalid function"
                    " name. Must start with a letter or an underscore.\n"
                )
            if each["name"] in names:
                yield f"Duplicate function declaration found: {each['name']}"
            names.append(each["name"])
            if "parameters" in each:
                where = f"function_declarations[{len(names) - 1}].parameters"
                yield from _of_schema(each["parameters"], where)
    if hosted and names and model.startswith("gemini-2"):
        yield "Tool use with function calling is unsupported"
    calling = mapping(mapping(body.get("toolConfig")).get("functionCallingConfig"))
    allowed = calling.get("allowedFunctionNames") or ()
    if allowed and str(calling.get("mode", "")).upper() not in {"ANY", "VALIDATED"}:
        yield (
            "Please set allowed_function_names only when function calling mode is ANY or VALIDATED."
        )
    for name in allowed:
        if name not in names:
            yield f"allowed_function_names contains an unknown function: {name}"


def _of_schema(schema: Json, where: str) -> Iterator[str]:
    kind = str(schema.get("type", "")).upper()
    start = f"* GenerateContentRequest.tools[0].{where}"
    if kind not in _SIMPLE_TYPES and not schema.get("anyOf"):
        yield f"{start}.type: must be specified\n"
    if kind == "ARRAY" and "items" not in schema:
        yield f"{start}.items: missing field.\n"
    if schema.get("enum") and kind not in {"STRING", ""}:
        yield f"{start}.enum: only allowed for STRING type\n"
    properties = mapping(schema.get("properties"))
    for index, name in enumerate(schema.get("required") or ()):
        if name not in properties:
            yield f"{start}.required[{index}]: property is not defined\n"
    for name, inner in properties.items():
        yield from _of_schema(inner, f"{where}.properties[{name}]")
    if isinstance(schema.get("items"), dict):
        yield from _of_schema(schema["items"], f"{where}.items")
    for index, inner in enumerate(objects(schema.get("anyOf"))):
        yield from _of_schema(inner, f"{where}.any_of[{index}]")


def _of_generation(config: Json, model: str) -> Iterator[str]:
    thinking = mapping(config.get("thinkingConfig"))
    level, budget = thinking.get("thinkingLevel"), either(thinking, "thinkingBudget")
    if level is not None and budget is not None:
        yield "You can only set only one of thinking budget and thinking level."
    if level is not None and model.startswith("gemini-2"):
        yield "Thinking level is not supported for this model."
    if budget == 0 and "pro" in model:
        yield "Budget 0 is invalid. This model only works in thinking mode."
    if len(config.get("stopSequences") or ()) > MAX_STOPS:
        yield "The number of stop sequences must be at most 5."
    schema = config.get("responseSchema") or config.get("responseJsonSchema")
    if schema is not None and config.get("responseMimeType") not in {
        "application/json",
        "text/x.enum",
    }:
        yield "Response schema is only supported with response mime type 'application/json' or 'text/x.enum'."
