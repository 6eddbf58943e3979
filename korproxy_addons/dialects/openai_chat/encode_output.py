"""Structured output for a Chat upstream, in the best form that it takes (T130)."""

from typing import Any, Final

from msgspec import Struct

from korproxy_addons.config.habits import Habits
from korproxy_addons.dialects.losses import Feature, Losses
from korproxy_addons.dialects.model import ChatRequest, FormatKind, OutputFormat, TextPart
from korproxy_addons.dialects.schema import is_closed, object_schema

_ANSWER: Final = "answer"
_ANSWER_TOOL: Final = "give_answer"
_NAME_LIMIT: Final = 64
_SAY_JSON: Final = "Answer with a JSON object."
_SAY_SCHEMA: Final = (
    "Answer with a JSON object that fits this JSON Schema, and with nothing else:\n"
)


class EncodedOutput(Struct, frozen=True):
    """
    How structured output is asked for.

    Attributes:
        fields: Wire fields.
        words: For the end of the system text, "" if none are needed.
        answer_tool: Name of the forced tool whose input is the answer, "" if there is none.
    """

    fields: dict[str, Any] = {}
    words: str = ""
    answer_tool: str = ""


def encode_output(
    request: ChatRequest, habits: Habits, losses: Losses, *, own: bool, with_tools: bool
) -> EncodedOutput:
    """
    The form for an upstream.

    Args:
        request: The request.
        habits: What the upstream accepts.
        losses: Gets SCHEMA, STRICT or OUTPUT_FORMAT where words have to do.
        own: The client speaks Chat: what it says is not improved.
        with_tools: The request has tools, beside which none can be forced.
    """
    wanted = request.output
    if wanted is None:
        return EncodedOutput()
    if wanted.kind is FormatKind.JSON:
        if habits.json_output:
            words = "" if own or _says_json(request) else _SAY_JSON  # T134
            return EncodedOutput({"response_format": {"type": "json_object"}}, words)
        losses.add(Feature.OUTPUT_FORMAT, "asked for in words")
        return EncodedOutput(words=_SAY_JSON)
    if habits.schema_output:
        return EncodedOutput({"response_format": _schema_format(wanted, losses, own=own)})
    schema = object_schema(wanted.schema)
    words = _SAY_SCHEMA + bytes(schema).decode()
    if habits.json_output:
        losses.add(Feature.SCHEMA, "the answer's schema is asked for in words")
        return EncodedOutput({"response_format": {"type": "json_object"}}, words)
    if habits.forced_choice and not with_tools:
        function: dict[str, Any] = {
            "name": _ANSWER_TOOL,
            "description": wanted.description or "Gives the answer to the user.",
            "parameters": schema,
        }
        choice = {"type": "function", "function": {"name": _ANSWER_TOOL}}
        tool = {"type": "function", "function": function}
        fields = {"tools": [tool], "tool_choice": choice}
        return EncodedOutput(fields, answer_tool=_ANSWER_TOOL)
    losses.add(Feature.OUTPUT_FORMAT, "asked for in words")
    return EncodedOutput(words=words)


def _schema_format(wanted: OutputFormat, losses: Losses, *, own: bool) -> dict[str, Any]:
    name = "".join(
        sign if sign.isascii() and (sign.isalnum() or sign in "_-") else "_"
        for sign in wanted.name[:_NAME_LIMIT]
    )
    schema: dict[str, Any] = {"name": name or _ANSWER}
    if wanted.description:
        schema["description"] = wanted.description
    schema["schema"] = object_schema(None) if wanted.schema is None else wanted.schema
    strict = wanted.strict
    if not own and strict is not False:
        # what other dialects always hold to, OpenAI does only where the schema is closed
        closed = is_closed(object_schema(wanted.schema))
        if strict and not closed:
            losses.add(Feature.STRICT, "the answer's schema is not closed")
        strict = closed or None
    if strict is not None:
        schema["strict"] = strict
    return {"type": "json_schema", "json_schema": schema}


def _says_json(request: ChatRequest) -> bool:
    texts = list(request.system)
    for message in request.messages:
        texts += [part for part in message.parts if isinstance(part, TextPart)]
    return any("json" in part.text.lower() for part in texts)
