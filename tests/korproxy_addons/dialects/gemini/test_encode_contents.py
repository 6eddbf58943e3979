from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from korproxy_addons.config.habits import CODE_ASSIST, GEMINI_API, Thinking
from korproxy_addons.dialects.gemini.decode_contents import response_content
from korproxy_addons.dialects.gemini.encode_contents import response_json
from korproxy_addons.dialects.model import (
    CacheMarker,
    CompactionPart,
    MediaKind,
    MediaPart,
    Message,
    Opaque,
    Part,
    RefusalPart,
    Role,
    ServerToolPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
    UnknownPart,
)
from support.gemini_wire import SIGNED, asked, body_of, lost, target

DUMMY = "skip_thought_signature_validator"
PNG = MediaPart(MediaKind.IMAGE, mime="image/png", base64="iVBORw0KGgo=")


def user(*parts: Part, **fields: Any) -> Message:
    return Message(Role.USER, parts, **fields)


def model(*parts: Part) -> Message:
    return Message(Role.ASSISTANT, parts)


def call(call_id: str, name: str = "f", arguments: str = "{}", state: Opaque | None = None) -> Part:
    return ToolCallPart(call_id, name, arguments, state=state)


def result(call_id: str, *content: Any, **fields: Any) -> Part:
    return ToolResultPart(call_id, content or (TextPart("ok"),), **fields)


def contents(*messages: Message, to: Any = None, **fields: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = body_of(asked(*messages, **fields), to)["contents"]
    return found


def parts(*given_: Part, **fields: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = contents(user(*given_), **fields)[0]["parts"]
    return found


def test_t17_results_of_one_turn_are_one_content_in_the_order_of_the_calls() -> None:
    found = contents(
        user(TextPart("go")),
        model(TextPart("ok"), call("1"), call("2", "g")),
        user(result("2")),
        user(result("1"), TextPart("and")),
    )
    assert [content["role"] for content in found] == ["user", "model", "user"]
    results = [part.get("functionResponse", {}).get("id") for part in found[2]["parts"]]
    assert results == ["1", "2", None]
    assert found[2]["parts"][2] == {"text": "and"}


def test_t64_a_result_has_the_name_of_its_call() -> None:
    found = contents(user(TextPart("go")), model(call("1", "read")), user(result("1")))
    assert found[2]["parts"][0]["functionResponse"]["name"] == "read"


def test_t10_a_model_never_speaks_first() -> None:
    assert contents(model(TextPart("hello")))[0] == {"role": "user", "parts": [{"text": "."}]}
    unsayable = UnknownPart("openai-chat", "odd", Raw(b"{}"))
    assert contents(user(unsayable), model(TextPart("hello")))[0]["parts"] == [{"text": "."}]
    assert contents(user(unsayable)) == [{"role": "user", "parts": [{"text": "."}]}]


@pytest.mark.parametrize("thinking", [Thinking.LEVEL, Thinking.UNKNOWN])
def test_t77_the_first_call_of_a_step_is_signed(thinking: Thinking) -> None:
    found = contents(
        user(TextPart("go")),
        model(call("1"), call("2")),
        user(result("1"), result("2")),
        model(call("3", state=SIGNED), call("4")),
        user(result("3"), result("4")),
        to=target(thinking=thinking),
    )
    given_ = [part.get("thoughtSignature") for n in (1, 3) for part in found[n]["parts"]]
    assert given_ == [DUMMY, None, SIGNED.data, None]  # T78


@pytest.mark.parametrize(
    "to",
    [
        target(thinking=Thinking.BUDGET),
        replace(target(replace(GEMINI_API, state_origin="")), model="some-model"),
        replace(target(), model="gemini-2.5-pro"),
    ],
)
def test_models_without_signatures_get_none(to: Any) -> None:
    found = contents(user(TextPart("go")), model(call("1")), user(result("1")), to=to)
    assert "thoughtSignature" not in found[1]["parts"][0]


def test_t77_the_bytes_of_a_turn_do_not_change_when_the_next_begins() -> None:
    history = [user(TextPart("go")), model(call("1")), user(result("1")), model(TextPart("done"))]
    assert contents(*history, user(TextPart("more")))[:4] == contents(*history)


def test_t71_state_of_another_service_goes() -> None:
    foreign = Opaque("anthropic", "sig")
    request = asked(
        user(TextPart("go")),
        model(
            ThinkingPart("plan", foreign), TextPart("a", state=foreign), call("1", state=foreign)
        ),
        user(result("1")),
    )
    assert body_of(request)["contents"][1]["parts"] == [
        {"text": "a"},
        {"functionCall": {"id": "1", "name": "f", "args": {}}, "thoughtSignature": DUMMY},
    ]
    assert "foreign_state" in lost(request)


def test_t80_a_thought_has_a_text_and_goes_back_to_its_maker_only() -> None:
    message = model(ThinkingPart("", SIGNED), ThinkingPart("plain"))
    (thought,) = contents(user(TextPart("a")), message)[1]["parts"]
    assert thought == {"text": "", "thought": True, "thoughtSignature": SIGNED.data}
    assert "thinking" in lost(asked(user(TextPart("a")), message))
    own = contents(user(TextPart("a")), message, source="gemini")[1]["parts"]
    assert own[1] == {"text": "plain", "thought": True}


def test_t79_signed_text_stays_signed() -> None:
    found = contents(user(TextPart("a")), model(TextPart("", state=SIGNED), TextPart("b")))
    assert found[1]["parts"] == [{"text": "", "thoughtSignature": SIGNED.data}, {"text": "b"}]


@pytest.mark.parametrize(("call_ids", "call_id"), [(True, "kpm_1_0"), (False, "x")])
def test_t58_ids_go_only_where_there_were_some(call_ids: bool, call_id: str) -> None:
    to = target(replace(GEMINI_API, call_ids=call_ids))
    found = contents(user(TextPart("go")), model(call(call_id)), user(result(call_id)), to=to)
    assert "id" not in found[1]["parts"][0]["functionCall"]
    assert "id" not in found[2]["parts"][0]["functionResponse"]


def test_t61_arguments_are_always_an_object() -> None:
    found = contents(
        user(TextPart("go")),
        model(call("1", arguments='"[1]"'), call("2", arguments="{broken")),
        user(result("1"), result("2")),
    )
    args = [part["functionCall"]["args"] for part in found[1]["parts"]]
    assert args == [{"value": [1]}, {"text": "{broken"}]


def test_t139_a_custom_call_is_a_call_with_an_input() -> None:
    message = model(ToolCallPart("1", "patch", "*** a", custom=True))
    found = contents(user(TextPart("go")), message, user(result("1", custom=True)))
    assert found[1]["parts"][0]["functionCall"]["args"] == {"input": "*** a"}


@pytest.mark.parametrize(
    ("content", "is_error", "response"),
    [
        ((TextPart("text"),), False, {"output": "text"}),
        ((TextPart("a"), TextPart("b")), False, {"output": "a\nb"}),
        ((TextPart('{"a": [1]}'),), False, {"a": [1]}),
        ((TextPart('{"a": '),), False, {"output": '{"a": '}),
        ((TextPart('{"output": "x"}'),), False, {"output": '{"output": "x"}'}),
        (
            (TextPart('{"n": 12345678901234567890}'),),
            False,
            {"output": '{"n": 12345678901234567890}'},
        ),
        ((TextPart("[1]"),), False, {"output": "[1]"}),
        ((TextPart("no"),), True, {"error": "no"}),
        ((UnknownPart("x", "odd", Raw(b"{}"), "said"),), False, {"output": "said"}),
    ],
)
def test_t63_t67_a_result_is_always_an_object(
    content: tuple[Any, ...], is_error: bool, response: dict[str, Any]
) -> None:
    message = user(result("1", *content, is_error=is_error))
    found = contents(user(TextPart("go")), model(call("1")), message)
    assert found[2]["parts"][0]["functionResponse"]["response"] == response


def test_t68_an_empty_result() -> None:
    found = contents(user(TextPart("go")), model(call("1")), user(ToolResultPart("1")))
    assert found[2]["parts"][0]["functionResponse"]["response"] == {"output": ""}


@given(st.text(st.characters(exclude_categories=["Cs"])) | st.just('{"error":"x"}'), st.booleans())
def test_a_results_text_comes_back(text: str, is_error: bool) -> None:
    response = response_json(text, is_error=is_error)
    raw = response if isinstance(response, Raw) else None
    if raw is None:
        import msgspec

        raw = Raw(msgspec.json.encode(response))
    assert response_content(raw) == ([TextPart(text)] if text else [], is_error)


@pytest.mark.parametrize("inside", [True, False])
def test_t66_media_of_results(inside: bool) -> None:
    to = target(replace(GEMINI_API, result_media=inside))
    message = user(result("1", TextPart("see"), PNG), TextPart("next"))
    found = contents(user(TextPart("go")), model(call("1")), message, to=to)[2]["parts"]
    image = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}
    if inside:
        assert found[0]["functionResponse"]["parts"] == [image]
        assert found[1:] == [{"text": "next"}]
    else:
        assert "parts" not in found[0]["functionResponse"]
        assert found[1:] == [image, {"text": "next"}]


def test_media_of_a_result_that_cannot_be_reached_is_told() -> None:
    far = MediaPart(MediaKind.IMAGE, url="https://a.example/x.png")
    request = asked(user(TextPart("go")), model(call("1")), user(result("1", far)))
    plan = target(CODE_ASSIST)
    response = body_of(request, plan)["contents"][2]["parts"][0]["functionResponse"]
    assert response["response"] == {"output": "[image https://a.example/x.png]"}
    assert lost(request, plan) == {"image"}


@pytest.mark.parametrize(
    "media",
    [
        MediaPart(MediaKind.VIDEO, mime="video/mp4", url="https://youtu.be/x"),
        MediaPart(MediaKind.IMAGE, url="gs://bucket/x.png"),
        MediaPart(MediaKind.IMAGE, file_id="files/x", origin="google"),
        MediaPart(MediaKind.AUDIO, mime="audio/wav", base64="AAAA"),
    ],
)
def test_t125_t127_what_google_can_reach_goes(media: MediaPart) -> None:
    assert lost(asked(user(media))) == set()
    assert {"inlineData", "fileData"} & parts(media)[0].keys()


@pytest.mark.parametrize(
    ("media", "feature"),
    [
        (MediaPart(MediaKind.IMAGE, url="https://a.example/x.png"), "image"),
        (MediaPart(MediaKind.IMAGE, url="http://[broken"), "image"),
        (MediaPart(MediaKind.DOCUMENT, file_id="file-1", origin="openai"), "document"),
    ],
)
def test_t125_what_google_cannot_reach_is_a_loss(media: MediaPart, feature: str) -> None:
    plan = target(CODE_ASSIST)
    assert lost(asked(user(media)), plan) == {feature}
    assert "text" in parts(media, to=plan)[0]


def test_a_client_of_google_and_a_server_that_takes_addresses() -> None:
    far = MediaPart(MediaKind.IMAGE, mime="image/png", url="https://a.example/x.png", detail="high")
    (own,) = parts(far, source="gemini")
    assert own == {
        "fileData": {"mimeType": "image/png", "fileUri": far.url},
        "mediaResolution": {"level": "MEDIA_RESOLUTION_HIGH"},
    }
    assert "fileData" in parts(far, to=target())[0]
    assert lost(asked(user(far)), target()) == {"media_detail"}


def test_a_model_that_takes_no_such_media() -> None:
    assert lost(asked(user(PNG)), target(inputs=("text",))) == {"image"}


def test_parts_of_results_that_nobody_can_say() -> None:
    odd = UnknownPart("openai-chat", "odd", Raw(b"{}"))
    request = asked(user(TextPart("go")), model(call("1")), user(result("1", TextPart("a"), odd)))
    assert lost(request) == {"unknown_part"}
    response = body_of(request)["contents"][2]["parts"][0]["functionResponse"]
    assert response["response"] == {"output": "a"}


def test_documents_of_text_and_their_context() -> None:
    media = MediaPart(MediaKind.DOCUMENT, text="words", name="n.txt", context="from me", cite=True)
    assert parts(media) == [{"text": "from me"}, {"text": "n.txt\n\nwords"}]
    assert lost(asked(user(media))) == {"citations"}


def test_t129_t137_parts_of_others_are_told_in_words() -> None:
    found = contents(
        user(
            ServerToolPart("anthropic-messages", "anthropic", "x", "1", Raw(b"{}"), "found it"),
            UnknownPart("openai-chat", "odd", Raw(b"{}"), "odd words"),
            CompactionPart("before"),
            RefusalPart("no"),
            RefusalPart(""),
        )
    )
    assert [part["text"] for part in found[0]["parts"]] == ["found it", "odd words", "before", "no"]


def test_parts_of_gemini_go_back_as_they_were() -> None:
    raw = Raw(b'{"toolCall":{"id":"s"}}')
    found = contents(
        user(TextPart("a")),
        model(
            ServerToolPart("gemini", "google", "toolCall", "s", raw),
            UnknownPart("gemini", "newThing", Raw(b'{"newThing":1}')),
        ),
    )
    assert found[1]["parts"] == [{"toolCall": {"id": "s"}}, {"newThing": 1}]


def test_t92_cache_markers_and_names_are_left_out_and_listed() -> None:
    marked = user(TextPart("a", cache=CacheMarker()), name="ann")
    assert lost(asked(marked)) == {"cache_marker", "message_name"}
    assert contents(marked) == [{"role": "user", "parts": [{"text": "a"}]}]


def test_t12_empty_text_is_left_out() -> None:
    assert contents(user(TextPart(" ")), user(TextPart("a")), user(TextPart("")))[0]["parts"] == [
        {"text": "a"}
    ]
