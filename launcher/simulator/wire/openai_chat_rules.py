"""What OpenAI's Chat Completions API refuses: its fields as data, the order of messages, the rules of models."""

import re
from collections.abc import Iterator
from typing import Any

from launcher.simulator.wire.openai_words import OpenAIProblem, unfit_schema, worded
from launcher.simulator.wire.reading import Json, mapping, objects
from launcher.simulator.wire.shape import (
    Any_,
    Bool,
    Int,
    Items,
    Null,
    Num,
    Obj,
    OneOf,
    Shape,
    Str,
    Tagged,
    check,
)

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z")
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")


def _or_null(shape: Shape) -> OneOf:
    return OneOf((shape, Null()))


_PARTS = Tagged(
    "type",
    {
        "text": Obj({"type": Str(), "text": Str()}, ("text",)),
        "image_url": Obj(
            {"type": Str(), "image_url": Obj({"url": Str(), "detail": Str()}, ("url",))},
            ("image_url",),
        ),
        "input_audio": Obj({"type": Str(), "input_audio": Obj(open=True)}, ("input_audio",)),
        "file": Obj({"type": Str(), "file": Obj(open=True)}, ("file",)),
        "refusal": Obj({"type": Str(), "refusal": Str()}, ("refusal",)),
    },
)
_TEXT = OneOf((Str(), Items(_PARTS)))
_FUNCTION_CALL = Obj({"name": Str(), "arguments": Str()}, ("name", "arguments"))
# What OpenAI's own SDK hands back of an answer it has parsed is taken, too.
_CALLED = Obj({**_FUNCTION_CALL.fields, "parsed_arguments": Any_()}, ("name", "arguments"))
_CALL = Tagged(
    "type",
    {
        "function": Obj(
            {"type": Str(), "id": Str(), "index": Int(), "function": _CALLED}, ("id", "function")
        ),
        "custom": Obj(
            {"type": Str(), "id": Str(), "custom": Obj({"name": Str(), "input": Str()})},
            ("id", "custom"),
        ),
    },
)
_NAMED = {"role": Str(), "name": Str()}
_MESSAGE = Tagged(
    "role",
    {
        "system": Obj({**_NAMED, "content": _TEXT}, ("content",)),
        "developer": Obj({**_NAMED, "content": _TEXT}, ("content",)),
        "user": Obj({**_NAMED, "content": _TEXT}, ("content",)),
        "assistant": Obj(
            {
                **_NAMED,
                "content": _or_null(_TEXT),
                "refusal": _or_null(Str()),
                "tool_calls": _or_null(Items(_CALL, least=1)),
                "function_call": _or_null(_FUNCTION_CALL),
                "audio": Any_(),
                "annotations": Any_(),
                "parsed": Any_(),
            }
        ),
        "tool": Obj(
            {"role": Str(), "content": _TEXT, "tool_call_id": Str()}, ("content", "tool_call_id")
        ),
        "function": Obj({**_NAMED, "content": _or_null(Str())}, ("name", "content")),
    },
)
_FUNCTION = Obj(
    {
        "name": Str(),
        "description": _or_null(Str()),
        "parameters": _or_null(Obj(open=True)),
        "strict": _or_null(Bool()),
    },
    ("name",),
)
_TOOL = Tagged(
    "type",
    {
        "function": Obj({"type": Str(), "function": _FUNCTION}, ("function",)),
        "custom": Obj({"type": Str(), "custom": Obj(open=True)}, ("custom",)),
    },
)
_FORMAT = Tagged(
    "type",
    {
        "text": Obj({"type": Str()}),
        "json_object": Obj({"type": Str()}),
        "json_schema": Obj(
            {
                "type": Str(),
                "json_schema": Obj(
                    {
                        "name": Str(),
                        "description": Str(),
                        "schema": Obj(open=True),
                        "strict": _or_null(Bool()),
                    },
                    ("name",),
                ),
            },
            ("json_schema",),
        ),
    },
)
REQUEST = Obj(
    {
        "model": Str(least=1),
        "messages": Items(_MESSAGE, least=1),
        "audio": Any_(),
        "frequency_penalty": _or_null(Num(-2, 2)),
        "function_call": Any_(),
        "functions": Items(_FUNCTION, least=1),
        "logit_bias": Any_(),
        "logprobs": _or_null(Bool()),
        "max_completion_tokens": _or_null(Int(1)),
        "max_tokens": _or_null(Int(1)),
        "metadata": Any_(),
        "modalities": _or_null(Items(Str())),
        "moderation": Any_(),
        "n": _or_null(Int(1, 128)),
        "parallel_tool_calls": Bool(),
        "prediction": Any_(),
        "presence_penalty": _or_null(Num(-2, 2)),
        "prompt_cache_key": _or_null(Str()),
        "prompt_cache_retention": _or_null(Str()),
        "reasoning_effort": _or_null(Str(EFFORTS)),
        "response_format": _FORMAT,
        "safety_identifier": _or_null(Str()),
        "seed": _or_null(Int()),
        "service_tier": _or_null(Str()),
        "stop": _or_null(OneOf((Str(), Items(Str(), most=4)))),
        "store": _or_null(Bool()),
        "stream": _or_null(Bool()),
        "stream_options": _or_null(Obj({"include_usage": Bool(), "include_obfuscation": Bool()})),
        "temperature": _or_null(Num(0, 2)),
        "tool_choice": OneOf((Str(("none", "auto", "required")), Obj(open=True))),
        "tools": Items(_TOOL, most=128),
        "top_logprobs": _or_null(Int(0, 20)),
        "top_p": _or_null(Num(0, 1)),
        "user": _or_null(Str()),
        "verbosity": _or_null(Str(("low", "medium", "high"))),
        "web_search_options": Any_(),
    },
    ("model", "messages"),
)


def problem(body: Any, *, reasoning_model: bool) -> OpenAIProblem | None:
    """The refusal, or nothing if the body is right. `reasoning_model`: the model takes no sampling settings."""
    found = next(check(body, REQUEST), None)
    if found is not None:
        return worded(found)
    texts = [*_of_tools(body), *_of_order(body["messages"])]
    if reasoning_model:
        texts += _of_reasoning_model(body)
    if body.get("stream_options") is not None and body.get("stream") is not True:
        text = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        texts.append(OpenAIProblem(text, None, "stream_options"))
    return texts[0] if texts else None


def _of_tools(body: Json) -> Iterator[OpenAIProblem]:
    tools = body.get("tools")
    if tools is not None and not tools:
        text = "Invalid 'tools': empty array. Expected an array with minimum length 1, but got an empty array instead."
        yield OpenAIProblem(text, "empty_array", "tools")
    for name in ("tool_choice", "parallel_tool_calls"):
        if body.get(name) is not None and not tools:
            text = (
                f"Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified."
            )
            yield OpenAIProblem(text, None, name)
    for index, tool in enumerate(objects(tools)):
        kind = tool["type"]
        name = str(tool[kind].get("name", ""))
        if not NAME.match(name):
            text = (
                f"Invalid 'tools[{index}].{kind}.name': string does not match pattern. Expected a"
                " string that matches the pattern '^[a-zA-Z0-9_-]+$'."
            )
            yield OpenAIProblem(text, "invalid_value", f"tools[{index}].{kind}.name")
        if tool[kind].get("strict") is True:
            param = f"tools[{index}].function.parameters"
            schema = tool[kind].get("parameters")
            yield from unfit_schema(
                f"function '{name}'", schema, "invalid_function_parameters", param
            )
    form = mapping(mapping(body.get("response_format")).get("json_schema"))
    if form.get("strict") is True:
        yield from unfit_schema(
            f"response_format '{form['name']}'", form.get("schema"), None, "response_format"
        )


def _of_order(messages: list[Json]) -> Iterator[OpenAIProblem]:
    """Every call is answered by `tool` messages at once, and nothing else is."""
    waiting: list[str] = []
    for index, message in enumerate(messages):
        if message["role"] == "tool":
            if message["tool_call_id"] not in waiting:
                text = (
                    "Invalid parameter: messages with role 'tool' must be a response to a preceding"
                    " message with 'tool_calls'."
                )
                yield OpenAIProblem(text, None, f"messages.[{index}].role")
                return
            waiting.remove(message["tool_call_id"])
            continue
        if waiting:
            break
        waiting = [str(call["id"]) for call in message.get("tool_calls") or ()]
    if waiting:
        text = (
            "An assistant message with 'tool_calls' must be followed by tool messages responding to"
            " each 'tool_call_id'. The following tool_call_ids did not have response messages: "
            + ", ".join(waiting)
        )
        yield OpenAIProblem(text, None, "messages")


def _of_reasoning_model(body: Json) -> Iterator[OpenAIProblem]:
    if body.get("max_tokens") is not None:
        text = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use"
            " 'max_completion_tokens' instead."
        )
        yield OpenAIProblem(text, "unsupported_parameter", "max_tokens")
    for name, usual in (("temperature", 1), ("top_p", 1)):
        if body.get(name, usual) not in {None, usual}:
            text = (
                f"Unsupported value: '{name}' does not support {body[name]} with this model. Only the"
                f" default ({usual}) value is supported."
            )
            yield OpenAIProblem(text, "unsupported_value", name)
    for name in ("frequency_penalty", "presence_penalty", "stop", "logprobs", "logit_bias"):
        if body.get(name):
            text = f"Unsupported parameter: '{name}' is not supported with this model."
            yield OpenAIProblem(text, "unsupported_parameter", name)
