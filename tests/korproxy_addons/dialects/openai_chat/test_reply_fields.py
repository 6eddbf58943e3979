import msgspec
import pytest

from korproxy_addons.dialects.model import (
    Citation,
    FinishReason,
    MediaKind,
    MediaPart,
    Opaque,
    ToolCallPart,
    Usage,
)
from korproxy_addons.dialects.opaque import unsealed
from korproxy_addons.dialects.openai_chat.reply_fields import (
    annotation,
    call_fields,
    finish_word,
    media_fields,
    reply_usage,
)


@pytest.mark.parametrize(
    ("finish", "refused", "called", "word"),
    [
        (FinishReason.STOP, False, False, "stop"),
        (FinishReason.STOP_SEQUENCE, False, False, "stop"),
        (FinishReason.TOOL_CALLS, False, True, "tool_calls"),
        (FinishReason.LENGTH, False, True, "length"),
        (FinishReason.CONTEXT_LENGTH, False, False, "length"),
        (FinishReason.CONTENT_FILTER, False, False, "content_filter"),
        (FinishReason.REFUSAL, False, False, "content_filter"),
        (FinishReason.REFUSAL, True, False, "stop"),
        (FinishReason.PAUSE, False, False, "stop"),
        (FinishReason.PAUSE, False, True, "tool_calls"),
    ],
)
def test_t108_t114_finish_words(
    finish: FinishReason, refused: bool, called: bool, word: str
) -> None:
    assert finish_word(finish, refused=refused, called=called) == word


def test_every_finish_reason_has_a_word() -> None:
    assert all(finish_word(finish, refused=False, called=False) for finish in FinishReason)


def test_t96_the_prompt_counts_with_its_cache() -> None:
    usage = Usage(100, 80, 10, output_tokens=20, reasoning_tokens=5)
    assert msgspec.to_builtins(reply_usage(usage)) == {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "total_tokens": 120,
        "prompt_tokens_details": {"cached_tokens": 80, "cache_write_tokens": 10},
        "completion_tokens_details": {"reasoning_tokens": 5},
    }


def test_t59_ids_of_calls_fit_everywhere() -> None:
    assert call_fields(ToolCallPart("functions.f:0", "f"), "{}", None) == {
        "id": "kpx_functions-2ef-3a0",
        "type": "function",
        "function": {"name": "f", "arguments": "{}"},
    }


def test_t77_a_calls_state_is_sealed_where_clients_of_google_keep_it() -> None:
    state = Opaque("google", "c2ln")
    fields = call_fields(ToolCallPart("x", "f", custom=True), "raw", state)
    assert fields["custom"] == {"name": "f", "input": "raw"}
    assert unsealed(fields["extra_content"]["google"]["thought_signature"]) == state


def test_t128_what_the_model_made() -> None:
    image = MediaPart(MediaKind.IMAGE, "image/png", base64="AA==")
    url = "data:image/png;base64,AA=="
    assert media_fields(image) == {"images": [{"type": "image_url", "image_url": {"url": url}}]}
    assert media_fields(MediaPart(MediaKind.AUDIO, base64="AA=="))["audio"]["data"] == "AA=="
    assert media_fields(MediaPart(MediaKind.VIDEO, base64="AA==")) == {}
    assert media_fields(MediaPart(MediaKind.IMAGE, file_id="f")) == {}


def test_citations_of_others_are_built_anew_in_this_answers_places() -> None:
    raw = msgspec.Raw(b'{"own":1}')
    page = Citation("gemini", raw, url="https://a.example", title="A", start=2, end=5)
    assert annotation(page, 10, 30) == {
        "type": "url_citation",
        "url_citation": {
            "url": "https://a.example",
            "title": "A",
            "start_index": 12,
            "end_index": 15,
        },
    }
    anywhere = annotation(Citation("gemini", raw, url="https://a.example"), 10, 30)
    assert anywhere["url_citation"]["start_index"] == 10
    assert anywhere["url_citation"]["end_index"] == 30
    assert annotation(Citation("openai-chat", raw), 0, 0) is raw
    assert annotation(Citation("anthropic-messages", raw, title="a file"), 0, 0) is None
