import json
from typing import Any

import pytest
from msgspec import Raw

from korproxy_addons.dialects.gemini.wire import CHUNK, PART, Part, camel, is_null


def part(value: Any) -> Part:
    return PART.decode(json.dumps(value).encode())


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("system_instruction", "systemInstruction"),
        ("systemInstruction", "systemInstruction"),
        ("_response_json_schema", "_responseJsonSchema"),
        ("text", "text"),
    ],
)
def test_a_name_in_camel_case(name: str, form: str) -> None:
    assert camel(name) == form


def test_absent_and_null_say_nothing() -> None:
    """T182"""
    assert is_null(Raw())
    assert is_null(Raw(b"null"))
    assert not is_null(Raw(b"{}"))


@pytest.mark.parametrize("snake", [False, True])
def test_a_part_is_read_in_both_cases(snake: bool) -> None:
    def name(camel_case: str, snake_case: str) -> str:
        return snake_case if snake else camel_case

    call = part(
        {
            name("functionCall", "function_call"): {
                "name": "f",
                name("partialArgs", "partial_args"): [
                    {name("jsonPath", "json_path"): "$.a", name("numberValue", "number_value"): 1}
                ],
                name("willContinue", "will_continue"): True,
            },
            name("thoughtSignature", "thought_signature"): "c2ln",
        }
    )
    assert call.function_call is not None
    assert call.function_call.partial_args is not None
    assert call.function_call.partial_args[0].json_path == "$.a"
    assert bytes(call.function_call.partial_args[0].number_value) == b"1"
    assert call.function_call.will_continue is True
    assert call.thought_signature == "c2ln"
    media = part({name("inlineData", "inline_data"): {name("mimeType", "mime_type"): "image/png"}})
    assert media.inline_data is not None
    assert media.inline_data.mime_type == "image/png"
    file = part({name("fileData", "file_data"): {name("fileUri", "file_uri"): "gs://b/x"}})
    assert file.file_data is not None
    assert file.file_data.file_uri == "gs://b/x"
    result = part({name("functionResponse", "function_response"): {"name": "f"}})
    assert result.function_response is not None


def test_a_chunk_is_read_in_snake_case_too() -> None:
    chunk = CHUNK.decode(
        b'{"candidates":[{"finish_reason":"STOP","finish_message":"m","grounding_metadata":{"a":1},'
        b'"citation_metadata":{}}],"usage_metadata":{"prompt_token_count":1},"model_version":"v",'
        b'"response_id":"r","prompt_feedback":{"block_reason":"SAFETY","block_reason_message":"no"}}'
    )
    assert chunk.candidates is not None
    candidate = chunk.candidates[0]
    assert (candidate.finish_reason, candidate.finish_message) == ("STOP", "m")
    assert bytes(candidate.grounding_metadata) == b'{"a":1}'
    assert bytes(candidate.citation_metadata) == b"{}"
    assert chunk.usage_metadata is not None
    assert (chunk.model_version, chunk.response_id) == ("v", "r")
    assert chunk.prompt_feedback is not None
    assert chunk.prompt_feedback.block_reason == "SAFETY"
    assert chunk.prompt_feedback.block_reason_message == "no"
