"""Model lists in the providers' shapes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.config.habits import ModelFacts, Thinking
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.providers.model_lists import parse_models


def test_openai() -> None:
    body = b'{"object":"list","data":[{"id":"gpt-6-sol","object":"model","created":1790000000,"owned_by":"openai"}]}'
    assert parse_models(body) == (
        ModelFacts(id="gpt-6-sol", created_at=1_790_000_000, owner="openai"),
    )


def test_anthropic() -> None:
    body = (
        b'{"data":[{"type":"model","id":"claude-sonnet-5-5","display_name":"Claude Sonnet 5.5",'
        b'"created_at":"2026-09-15T00:00:00Z","max_input_tokens":1000000,"max_tokens":128000,'
        b'"capabilities":{}}],"has_more":false,"first_id":"x","last_id":"x"}'
    )
    (model,) = parse_models(body)
    assert (model.id, model.display_name) == ("claude-sonnet-5-5", "Claude Sonnet 5.5")
    assert (model.context_tokens, model.max_output_tokens) == (1_000_000, 128_000)
    assert model.created_at == 1_789_430_400


def test_codex_catalogue_marks_hidden_models() -> None:
    body = (
        b'{"models":[{"slug":"gpt-6.1-sol","display_name":"GPT-6.1","visibility":"list",'
        b'"context_window":272000,"input_modalities":["text","image"],'
        b'"supported_reasoning_levels":[{"effort":"low","description":""},{"effort":"high"}]},'
        b'{"slug":"codex-auto-review","visibility":"hide"}]}'
    )
    shown, hidden = parse_models(body)
    assert (shown.id, shown.context_tokens, shown.recommended) == ("gpt-6.1-sol", 272_000, True)
    assert (shown.efforts, shown.inputs) == (("low", "high"), ("text", "image"))
    assert (hidden.id, hidden.recommended) == ("codex-auto-review", False)


def test_gemini_leaves_out_what_cannot_generate() -> None:
    body = (
        b'{"models":[{"name":"models/gemini-3.8-flash","displayName":"Flash","inputTokenLimit":1048576,'
        b'"outputTokenLimit":65536,"supportedGenerationMethods":["generateContent","countTokens"]},'
        b'{"name":"models/embedding","supportedGenerationMethods":["embedContent"]}],'
        b'"nextPageToken":"t"}'
    )
    (model,) = parse_models(body)
    assert (model.id, model.max_output_tokens) == ("gemini-3.8-flash", 65_536)


def test_what_is_known_stays_where_the_list_is_silent() -> None:
    known = ModelFacts(id="m", thinking=Thinking.EFFORT, context_tokens=5, display_name="M")
    (model,) = parse_models(b'{"data":[{"id":"m","context_length":9},{"id":"m"}]}', (known,))
    assert (model.thinking, model.context_tokens, model.display_name) == (Thinking.EFFORT, 9, "M")


def test_odd_entries_are_passed_over() -> None:
    assert [
        it.id
        for it in parse_models(
            b'[{"id":"a","supported_reasoning_levels":7,"input_modalities":7},7,{"id":3},{},{"id":"b"}]'
        )
    ] == ["a", "b"]


@pytest.mark.parametrize("body", [b"", b"<html>", b"7", b"{}", b'{"data":{}}', b'{"models":null}'])
def test_what_is_no_list_is_an_invalid_reply(body: bytes) -> None:
    with pytest.raises(KorProxyError) as caught:
        parse_models(body)
    assert caught.value.spec.code == "KP-PROV-102"


@given(st.binary(max_size=60))
def test_any_bytes_give_models_or_our_error(body: bytes) -> None:
    for whole in (body, b'{"data":[{"id":"a",' + body):
        assert code_of(whole) in {"", "KP-PROV-102"}


def code_of(body: bytes) -> str:
    """The code of the error that a body gives; "" if it is a list."""
    try:
        parse_models(body)
    except KorProxyError as error:
        return error.spec.code
    return ""
