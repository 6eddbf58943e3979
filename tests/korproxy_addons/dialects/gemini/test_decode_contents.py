import json
from typing import Any

import pytest
from msgspec import Raw

from korproxy_addons.dialects.gemini.decode_contents import (
    ContentsReader,
    raws_at,
    response_content,
    signed,
)
from korproxy_addons.dialects.model import (
    MediaPart,
    Message,
    Opaque,
    Role,
    ServerToolPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
    UnknownPart,
)
from korproxy_addons.dialects.opaque import sealed
from korproxy_addons.errors.exceptions import KorProxyError


def read(*contents: Any) -> tuple[Message, ...]:
    raws = [Raw(json.dumps(content).encode()) for content in contents]
    return ContentsReader().messages(raws, "contents")


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "parts": list(parts)}


def model(*parts: Any) -> dict[str, Any]:
    return {"role": "model", "parts": list(parts)}


def call(name: str, **fields: Any) -> dict[str, Any]:
    return {"functionCall": {"name": name, "args": {}, **fields}}


def result(name: str, **fields: Any) -> dict[str, Any]:
    return {"functionResponse": {"name": name, "response": {"output": "ok"}, **fields}}


def ids(messages: tuple[Message, ...]) -> list[str]:
    return [
        part.call_id
        for message in messages
        for part in message.parts
        if isinstance(part, ToolCallPart | ToolResultPart)
    ]


@pytest.mark.parametrize(
    ("role", "speaker"),
    [
        (None, Role.USER),
        ("user", Role.USER),
        ("model", Role.ASSISTANT),
        ("function", Role.USER),
        ("system", Role.SYSTEM),
    ],
)
def test_roles(role: str | None, speaker: Role) -> None:
    assert read({"role": role, "parts": [{"text": "a"}]}) == (Message(speaker, (TextPart("a"),)),)


def test_t16_one_content_may_hold_results_calls_and_text() -> None:
    messages = read(
        model(call("f", id="1")), user(result("f", id="1"), {"text": "and"}, call("g", id="2"))
    )
    assert [message.role for message in messages] == [Role.ASSISTANT, Role.USER, Role.ASSISTANT]
    assert [type(part).__name__ for part in messages[1].parts] == ["ToolResultPart", "TextPart"]


def test_t57_ids_that_are_missing_come_from_the_place() -> None:
    history = [user({"text": "go"}), model(call("f"), call("g"), call("f"))]
    results = user(result("f"), result("g"), result("f"))
    made = ["kpm_1_0", "kpm_1_1", "kpm_1_2"]
    assert ids(read(*history, results)) == [*made, "kpm_1_0", "kpm_1_1", "kpm_1_2"]
    longer = read(*history, results, model({"text": "done"}), user({"text": "more"}))
    assert ids(longer) == ids(read(*history, results))  # T93


def test_t65_results_are_matched_by_id_and_not_by_place() -> None:
    messages = read(
        model(call("f", id="a"), call("f", id="b")), user(result("f", id="b"), result("f", id="a"))
    )
    assert ids(messages) == ["a", "b", "b", "a"]


def test_a_result_may_have_an_id_where_its_call_had_none() -> None:
    assert ids(read(model(call("f")), user(result("f", id="x")))) == ["kpm_0_0", "kpm_0_0"]
    assert ids(read(model(call("f", id="x")), user(result("f")))) == ["x", "x"]
    assert ids(read(user(result("f")))) == ["kpm_0_0"]
    assert ids(read(model(call("f", id="x")), user(result("f", id="y")))) == ["x", "y"]


def test_ids_that_were_made_portable_are_restored() -> None:
    assert ids(read(model(call("f", id="kpx_functions-2ea-3a0")))) == ["functions.a:0"]


def test_t80_a_thought_is_thinking() -> None:
    (message,) = read(
        model(
            {"text": "plan", "thought": True, "thoughtSignature": "QQ=="},
            {"thought": True},
            {"text": "hi", "thought": False},
        )
    )
    assert message.parts == (ThinkingPart("plan", Opaque("google", "QQ==")), TextPart("hi"))


def test_signatures_know_their_maker() -> None:
    """T71, T77"""
    foreign = Opaque("anthropic", "sig")
    assert signed(sealed(foreign)) == foreign
    assert signed("QQ==") == Opaque("google", "QQ==")
    assert signed("skip_thought_signature_validator") is None
    assert signed(None) is None
    (message,) = read(
        model({**call("f", id="1"), "thought_signature": "QQ=="}, {"thoughtSignature": "Qg=="})
    )
    assert isinstance(message.parts[0], ToolCallPart)
    assert message.parts[0].state == Opaque("google", "QQ==")
    assert message.parts[1] == TextPart("", state=Opaque("google", "Qg=="))


@pytest.mark.parametrize(
    ("response", "text", "is_error"),
    [
        ({"output": "ok"}, "ok", False),
        ({"error": "no file"}, "no file", True),
        ({"output": {"a": 1}}, '{"output": {"a": 1}}', False),
        ({"result": 6}, '{"result": 6}', False),
        ({"output": "a", "more": "b"}, '{"output": "a", "more": "b"}', False),
    ],
)
def test_t63_a_response_is_text_or_json_text(response: Any, text: str, is_error: bool) -> None:
    found = response_content(Raw(json.dumps(response).encode()))
    assert found == ([TextPart(text)], is_error)


@pytest.mark.parametrize("response", [b"", b"null", b"{}", b'{"output":""}'])
def test_t68_an_empty_response(response: bytes) -> None:
    assert response_content(Raw(response)) == ([], False)


def test_a_response_that_is_no_object_is_its_text() -> None:
    assert response_content(Raw(b"[1]")) == ([TextPart("[1]")], False)


def test_t66_media_inside_a_result() -> None:
    image = {"inline_data": {"mime_type": "image/png", "data": "AAAA"}}
    odd = [{"executableCode": {"code": "1"}}, {"newThing": {}}, {}]
    (message,) = read(user(result("f", id="1", parts=[image, *odd])))
    (part,) = message.parts
    assert isinstance(part, ToolResultPart)
    assert [type(piece) for piece in part.content] == [
        TextPart,
        MediaPart,
        UnknownPart,
        UnknownPart,
    ]


def test_googles_tools_in_the_history_stay_whole() -> None:
    (message,) = read(model({"toolCall": {"id": "s"}, "thoughtSignature": "QQ=="}))
    assert isinstance(message.parts[0], ServerToolPart)


def test_fields_of_parts_that_nobody_knows_are_listed() -> None:
    reader = ContentsReader()
    part = {"fileData": {"fileUri": "gs://a", "mimeType": "video/mp4"}, "videoMetadata": {"fps": 1}}
    reader.messages([Raw(json.dumps(user(part)).encode())], "contents")
    assert list(reader.native) == ["contents[0].parts[0].videoMetadata"]


@pytest.mark.parametrize(
    ("content", "param"),
    [
        ({"role": "narrator"}, "contents[0].role"),
        ({"role": 5}, "contents[0].role"),
        (5, "contents[0]"),
        ({"parts": 5}, "contents[0].parts"),
        (user({"text": 5}), "contents[0].parts[0].text"),
        (user(5), "contents[0].parts[0]"),
        (model({"functionCall": {"args": {}}}), "contents[0].parts[0].functionCall.name"),
        (
            user({"functionResponse": {"parts": [{"text": 1}]}}),
            "contents[0].parts[0].functionResponse.parts[0].text",
        ),
    ],
)
def test_t170_a_wrong_field_is_named(content: Any, param: str) -> None:
    with pytest.raises(KorProxyError) as refused:
        read(content)
    assert (refused.value.spec.code, refused.value.param) == ("KP-REQ-705", param)
    assert refused.value.detail.startswith(param)


def test_json_that_breaks_off_is_no_wrong_field() -> None:
    with pytest.raises(KorProxyError) as refused:
        ContentsReader().messages([Raw(b'{"role":')], "contents")
    assert refused.value.spec.code == "KP-REQ-702"


def test_one_object_stands_for_a_list_of_it() -> None:
    assert read({"parts": {"text": "a"}}) == read({"parts": [{"text": "a"}]})
    assert [bytes(each) for each in raws_at(Raw(b'{"a":1}'), "x")] == [b'{"a":1}']
    assert raws_at(Raw(b"null"), "x") == []
