import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from korproxy_addons.recording.body_redaction import (
    DEEPEST_NESTING,
    event_spans,
    form_spans,
    json_spans,
    text_spans,
)
from korproxy_addons.recording.redact import Redactor
from korproxy_addons.recording.spans import MASK, without

OWN = "canary-known-secret-41a7"


def redactor(*secrets: str) -> Redactor:
    made = Redactor()
    made.learn(map(SecretStr, secrets or (OWN,)))
    return made


def of_json(value: Any, **words: Any) -> Any:
    text = json.dumps(value, **words)
    return json.loads(without(text, json_spans(redactor(), text)))


def of_events(*payloads: Any) -> list[Any]:
    text = "".join(f"event: e\ndata: {json.dumps(it)}\n\n" for it in payloads)
    clean = without(text, event_spans(redactor(), text))
    return [json.loads(line[6:]) for line in clean.splitlines() if line.startswith("data: ")]


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ({"a": [f"x {OWN} y", {"b": OWN}]}, {"a": [f"x {MASK} y", {"b": MASK}]}),
        ({OWN: 1}, {MASK: 1}),
        ({"refresh_token": "short"}, {"refresh_token": MASK}),
        ({"password": 1234, "max_tokens": 12}, {"password": 0, "max_tokens": 12}),
        ({"password": None, "secret": True}, {"password": None, "secret": True}),
        ({"token": " Hello", "logprob": -0.5}, {"token": " Hello", "logprob": -0.5}),
        ({"code": "invalid_api_key"}, {"code": "invalid_api_key"}),
        ({"code": "abc", "grant_type": "authorization_code"}, {"code": MASK, "grant_type": "authorization_code"}),
        ({"args": json.dumps({"password": "abc"})}, {"args": json.dumps({"password": MASK})}),
        ({"t": f'"{OWN}"\n\\ü'}, {"t": f'"{MASK}"\n\\ü'}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("ascii_only", [True, False])
def test_secrets_go_out_of_json(value: Any, left: Any, ascii_only: bool) -> None:
    """Wherever they stand, whatever is escaped; the rest stays, and it is still JSON."""
    assert of_json(value, ensure_ascii=ascii_only) == left


def test_json_in_json_is_looked_into() -> None:
    """As often as somebody may have packed it; the innermost is still JSON."""
    value: Any = {"password": "abc"}
    for _ in range(DEEPEST_NESTING):
        value = {"inner": json.dumps(value)}
    clean = of_json(value)
    for _ in range(DEEPEST_NESTING):
        clean = json.loads(clean["inner"])
    assert clean == {"password": MASK}


def test_nothing_else_of_the_text_changes() -> None:
    text = f'  {{"b" : 1.0,\t"a": "\\u0041\\/ {OWN}", "b":2e3}} '
    assert without(text, json_spans(redactor(), text)) == text.replace(OWN, MASK)


def test_json_that_is_cut_off_is_clean_to_its_end() -> None:
    text = json.dumps({"messages": [{"content": f"it is {OWN}"}]})
    for end in range(len(text)):
        cut = text[:end]
        clean, _ = redactor().body_masked(cut)
        assert OWN[:8] not in clean


def test_parts_that_are_read_one_after_the_other_are_read_so() -> None:
    parts = [{"type": "text", "text": it} for it in ("it is canary-kn", "own-secret", "-41a7.")]
    clean = of_json({"content": parts})
    assert [it["text"] for it in clean["content"]] == [f"it is {MASK}", "", "."]


def test_an_array_of_replies_is_a_stream() -> None:
    """As Gemini streams where nobody asks for events: what only looks like a secret is found across it, too."""
    pieces = [
        {"candidates": [{"content": {"parts": [{"text": it}]}}]}
        for it in ("sk-ant", "-api03-", "abcdefgh ok")
    ]
    clean = of_json(pieces)
    texts = [it["candidates"][0]["content"]["parts"][0]["text"] for it in clean]
    assert texts == [MASK, "", " ok"]


@given(st.lists(st.integers(1, 6), min_size=1, max_size=12), st.text('xyz "\\ü\n', max_size=6))
def test_however_a_stream_is_cut_a_secret_goes_out(sizes: list[int], around: str) -> None:
    """The text that is left is what is left of the whole text."""
    whole = f"{around}{OWN}{around}"
    pieces: list[str] = []
    at = 0
    while at < len(whole):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(whole[at : at + size])
        at += size
    clean = of_events(*({"type": "d", "delta": {"text": it}} for it in pieces))
    assert "".join(it["delta"]["text"] for it in clean) == f"{around}{MASK}{around}"


def test_streams_in_a_stream_are_told_apart() -> None:
    """Two calls whose arguments come in turns: each is read for itself."""
    pieces = [
        (0, '{"pass'),
        (1, '{"api_key'),
        (0, 'word": "hun'),
        (1, '": "z'),
        (0, 'ter2"}'),
        (1, 'q"}'),
    ]
    clean = of_events(
        *({"choices": [{"index": 0, "delta": {"tool_calls": [{"index": n, "function": {"arguments": it}}]}}]}
          for n, it in pieces)
    )  # fmt: skip
    whole = {0: "", 1: ""}
    for (number, _), event in zip(pieces, clean, strict=True):
        whole[number] += event["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(whole[0]) == {"password": MASK}
    assert json.loads(whole[1]) == {"api_key": MASK}


def test_a_secret_that_goes_on_in_another_block_goes_out() -> None:
    clean = of_events(
        {"type": "content_block_delta", "index": 0, "delta": {"text": "canary-known-"}},
        {"type": "content_block_delta", "index": 1, "delta": {"text": "secret-41a7"}},
    )
    assert [it["delta"]["text"] for it in clean] == [MASK, ""]


def test_a_stream_that_broke_off_within_a_secret_does_not_show_its_beginning() -> None:
    clean = of_events({"delta": {"text": "it is canary-"}}, {"delta": {"text": "known-s"}})
    assert [it["delta"]["text"] for it in clean] == [f"it is {MASK}", ""]


def test_lines_of_events_that_hold_no_json_are_read_as_text() -> None:
    text = f": {OWN}\nevent: sk-abcdefgh1234\ndata: [DONE]\ndata: so {OWN}\nid: 1\n\ndata:{OWN}"
    clean = without(text, event_spans(redactor(), text))
    assert clean == f": {MASK}\nevent: {MASK}\ndata: [DONE]\ndata: so {MASK}\nid: 1\n\ndata:{MASK}"


def test_what_every_event_says_again_is_clean_every_time() -> None:
    events = [{"type": "same", "text": f"{number}"} for number in range(50)]
    assert of_events(*events) == events


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (
            "grant_type=refresh_token&refresh_token=abc",
            f"grant_type=refresh_token&refresh_token={MASK}",
        ),
        ("code=abc&state=x&a=b", f"code={MASK}&state={MASK}&a=b"),
        ("a=1%2F%2Fabcdefghijkl&b", f"a={MASK}&b"),
        ("client_secret=&x=", "client_secret=&x="),
        (f"note={OWN}", f"note={MASK}"),
    ],
)
def test_secrets_go_out_of_forms(text: str, left: str) -> None:
    assert without(text, form_spans(redactor(), text)) == left


def test_a_text_may_be_json_or_none() -> None:
    found = redactor()
    assert without("{not json", text_spans(found, "{not json")) == "{not json"
    assert without('["a"', text_spans(found, '["a"')) == '["a"'
    text = f"say {OWN}"
    assert without(text, text_spans(found, text)) == f"say {MASK}"


def test_a_long_stream_takes_time_in_proportion() -> None:
    """Also where nearly every event holds something to be taken out."""
    events = "".join(
        f'data: {{"delta": {{"text": "mail a{n}@b.example "}}}}\n\n' for n in range(8000)
    )
    started = time.thread_time()
    clean = without(events, event_spans(redactor(), events))
    assert clean.count("[e-mail]") == 8000
    assert time.thread_time() - started < 20
