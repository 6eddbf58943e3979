"""What Gemini refuses is refused with its words, and what it took is taken."""

from typing import Any

import pytest

from launcher.simulator.wire.gemini_content import signature_of
from launcher.simulator.wire.gemini_rules import problem
from support.needs import needs_recordings
from support.wire_shape import recordings

MODEL = "gemini-3.8-flash"
USER = {"role": "user", "parts": [{"text": "Hi"}]}
SIGNED = {"functionCall": {"name": "add", "args": {}}, "thoughtSignature": signature_of("add")}
UNSIGNED = {"functionCall": {"name": "add", "args": {}}}
RESULT = {"functionResponse": {"name": "add", "response": {"output": "4"}}}


def body(*turns: Any, **fields: Any) -> dict[str, Any]:
    """A question, then the turns, roles alternating from the model's on."""
    roles = ("model", "user") * len(turns)
    more = [{"role": role, "parts": parts} for role, parts in zip(roles, turns, strict=False)]
    return {"contents": [USER, *more], **fields}


def declared(parameters: Any, **fields: Any) -> dict[str, Any]:
    return body(
        tools=[{"functionDeclarations": [{"name": "add", "parameters": parameters, **fields}]}]
    )


def test_every_recorded_request_that_was_answered_is_right() -> None:
    for each in recordings(needs_recordings(), "gemini", "google-gemini", "gemini"):
        if each.status != 200 or each.request is None or "/models/" not in each.url:
            continue
        model = each.url.split("/models/")[1].split(":")[0]
        inner = each.request.get("generateContentRequest", each.request)
        assert problem(inner, model, foreign_signatures=True) is None, each.name


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, "contents is not specified"),
    ({"contents": []}, "contents is not specified"),
    (body(messages=[]), 'Unknown name "messages": Cannot find field.'),
    (body(stream=True), 'Unknown name "stream": Cannot find field.'),
    (
        declared({"type": "object", "properties": {}, "additionalProperties": False}),
        "Unknown name \"additionalProperties\" at 'tools[0].function_declarations[0].parameters': Cannot find field.",
    ),
    (
        declared(
            {"type": "object", "properties": {"a": {"type": "integer", "exclusiveMinimum": 1}}}
        ),
        "Unknown name \"exclusiveMinimum\" at 'tools[0].function_declarations[0].parameters.properties.a'",
    ),
    (declared({"$schema": "x", "type": "object"}), 'Unknown name "$schema"'),
    (declared({"type": "object", "properties": {"a": {"$ref": "#/x"}}}), 'Unknown name "$ref"'),
    (declared({"type": "object", "properties": {"a": {"const": 1}}}), 'Unknown name "const"'),
    (declared({"type": ["object", "null"]}), "Proto field is not repeating, cannot start list."),
    (
        declared({"type": "object", "properties": {"a": {"type": "array"}}}),
        "properties[a].items: missing field.",
    ),
    (
        declared({"type": "object", "properties": {"a": {}}}),
        "properties[a].type: must be specified",
    ),
    (declared({"type": "object", "required": ["a"]}), "required[0]: property is not defined"),
    (
        declared({"type": "object", "properties": {"a": {"type": "integer", "enum": ["1"]}}}),
        "enum: only allowed for STRING type",
    ),
    (
        declared({"type": "object", "properties": {"a": {"type": "integer", "enum": [1]}}}),
        "Invalid value at 'tools[0].function_declarations[0].parameters.properties.a.enum[0]' (string), 1",
    ),
    (declared({"type": "object"}, strict=True), 'Unknown name "strict"'),
    (body(tools=[{"functionDeclarations": [{"name": "1a"}]}]), "Invalid function name."),
    (body(tools={"functionDeclarations": [{"name": "1a"}]}), "Invalid function name."),
    (
        body(tools=[{"functionDeclarations": [{"name": "a"}, {"name": "a"}]}]),
        "Duplicate function declaration found: a",
    ),
    (body(tools=[{"type": "function"}]), "Unknown name \"type\" at 'tools[0]'"),
    (
        {"contents": [{"role": "assistant", "parts": [{"text": "x"}]}]},
        "Please use a valid role: user, model.",
    ),
    (
        {"contents": [{"role": "model", "parts": [{"text": "x"}]}, USER]},
        "multiturn requests start with a user turn",
    ),
    ({"contents": [{"role": "user", "parts": []}]}, "contents.parts must not be empty"),
    (
        {"contents": [{"role": "user", "parts": [{"thought": True}]}]},
        "must have one initialized field",
    ),
    (body([SIGNED]), "single turn requests end with a user role"),
    (
        body([SIGNED, UNSIGNED], [RESULT]),
        "number of function response parts is equal to the number of function call",
    ),
    (
        body([SIGNED], [RESULT], [{"text": "x"}], [RESULT]),
        "function response turn comes immediately after",
    ),
    (body([SIGNED], [{"text": "no result"}]), "number of function response parts is equal"),
    (
        body([UNSIGNED], [RESULT]),
        "Function call is missing a thought_signature in functionCall parts.",
    ),
    (
        body([{**UNSIGNED, "thoughtSignature": "EvsDCvgDAQw5"}], [RESULT]),
        "Thought signature is not valid.",
    ),
    (body(generationConfig={"maxTokens": 5}), "Unknown name \"maxTokens\" at 'generation_config'"),
    (
        body(generationConfig={"thinkingConfig": {"thinkingBudget": 5, "thinkingLevel": "low"}}),
        "only one of thinking budget and thinking level",
    ),
    (body(generationConfig={"stopSequences": list("abcdef")}), "stop sequences must be at most 5"),
    (
        body(generationConfig={"responseSchema": {"type": "STRING"}}),
        "only supported with response mime type",
    ),
    (
        body(toolConfig={"functionCallingConfig": {"mode": "AUTO", "allowedFunctionNames": ["a"]}}),
        "only when function calling mode is ANY",
    ),
    (body(session_id="s"), 'Unknown name "sessionId"'),
]


@pytest.mark.parametrize(
    ("given", "words"), REFUSED, ids=[f"{n} {each[1][:50]}" for n, each in enumerate(REFUSED)]
)
def test_it_is_refused(given: dict[str, Any], words: str) -> None:
    found = problem(given, MODEL)
    assert found is not None
    assert words in found.message


def test_every_unknown_name_is_listed() -> None:
    found = problem(declared({"type": "object", "strict": 1, "$id": "x"}), MODEL)
    assert found is not None
    assert [text.split('"')[1] for _, text in found.violations] == ["strict", "$id"]
    assert found.violations[0][0] == "tools[0].function_declarations[0].parameters"


@pytest.mark.parametrize(
    "given",
    [
        body([SIGNED, UNSIGNED], [RESULT, RESULT]),
        body([{**UNSIGNED, "thoughtSignature": "skip_thought_signature_validator"}], [RESULT]),
        body([SIGNED], [RESULT], [{"text": "done"}], [{"text": "next"}]),
        body([UNSIGNED], [RESULT], [{"text": "done"}], [{"text": "an older turn needs no signature"}]),
        body(system_instruction={"parts": [{"text": "x"}]}, safety_settings=None),
        {"contents": {"parts": {"text": "alone"}}},
        body(tools={"functionDeclarations": [{"name": "alone"}]}),
        {"contents": [{"parts": [{"fileData": {"fileUri": "x"}}, {"videoMetadata": {"startOffset": "2s"}}]}]},
        declared({"type": "OBJECT", "properties": {"type": {"type": "STRING", "enum": ["a"]}}, "required": ["type"]}),
        body(tools=[{"function_declarations": [{"name": "a", "parameters_json_schema": {"$schema": "any"}}]}]),
        body(generation_config={"thinking_config": {"include_thoughts": True}, "response_mime_type": "text/plain"}),
        body([{"functionCall": {"name": "add", "args": {"snake_case_key": 1}, "id": "i"},
               "thoughtSignature": signature_of("add")}],
             [{"functionResponse": {"name": "add", "id": "i", "response": {"any_key": None}}}]),
    ],
)  # fmt: skip
def test_it_is_taken(given: dict[str, Any]) -> None:
    assert problem(given, MODEL) is None


def test_older_models_have_other_rules() -> None:
    assert problem(body([UNSIGNED], [RESULT]), "gemini-2.5-flash") is None
    level = body(generationConfig={"thinkingConfig": {"thinkingLevel": "low"}})
    assert "not supported" in str(problem(level, "gemini-2.5-flash"))
    both = body(tools=[{"functionDeclarations": [{"name": "a"}]}, {"googleSearch": {}}])
    assert "unsupported" in str(problem(both, "gemini-2.5-flash"))
    assert problem(both, MODEL) is None


def test_code_assist_names_a_session() -> None:
    assert problem(body(session_id="s"), MODEL, code_assist=True) is None


def test_a_body_that_is_no_object() -> None:
    assert "Root element must be a message" in str(problem([], MODEL))
