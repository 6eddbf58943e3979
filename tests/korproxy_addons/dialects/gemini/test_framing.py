import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from korproxy_addons.dialects.gemini.framing import ArraySplitter, Framing
from korproxy_addons.errors.exceptions import KorProxyError
from support.cut import cut, cut_in_two

ELEMENTS = [{"a": '[{"\\'}, {"b": [1, {"c": "}]"}]}, {"ä": "😀\\"}]
ARRAY = b"\xef\xbb\xbf \r\n[" + b"\r\n,\r\n".join(json.dumps(e).encode() for e in ELEMENTS) + b"]\n"


def payloads(pieces: list[bytes], *, streamed: bool) -> tuple[list[bytes], bool]:
    framing = Framing(streamed=streamed)
    found = [payload for piece in pieces for payload in framing.feed(piece)]
    return found + framing.close(), framing.whole


@pytest.mark.parametrize("streamed", [True, False])
def test_an_array_is_told_by_its_first_byte(streamed: bool) -> None:
    found, whole = payloads([ARRAY], streamed=streamed)
    assert [json.loads(each) for each in found] == ELEMENTS
    assert not whole


def test_an_array_cut_anywhere() -> None:
    for one, two in cut_in_two(ARRAY):
        found, _ = payloads([one, two], streamed=False)
        assert [json.loads(each) for each in found] == ELEMENTS
    found, _ = payloads(list(cut(ARRAY, 1)), streamed=False)
    assert [json.loads(each) for each in found] == ELEMENTS


def test_each_element_comes_when_it_is_complete() -> None:
    splitter = ArraySplitter()
    assert splitter.feed(b'[{"a":1}') == [b'{"a":1}']
    assert splitter.feed(b',{"a"') == []
    assert splitter.feed(b":2}") == [b'{"a":2}']
    overs = [splitter.over]
    assert splitter.feed(b"]{") == []
    overs.append(splitter.over)
    assert overs == [False, True]
    assert splitter.feed(b'{"a":3}') == []


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=9), max_size=3), max_size=4),
    st.integers(1, 50),
)
def test_any_array_at_any_size(elements: list[dict[str, str]], size: int) -> None:
    data = json.dumps(elements, ensure_ascii=False).encode("utf-8", "replace")
    found, _ = payloads(list(cut(data, size)), streamed=True)
    assert [json.loads(each) for each in found] == json.loads(data)


def test_t180_an_element_without_an_end_is_refused() -> None:
    splitter = ArraySplitter(limit_bytes=100)
    splitter.feed(b'[{"a":"')
    with pytest.raises(KorProxyError) as refused:
        splitter.feed(b"x" * 101)
    assert refused.value.spec.code == "KP-PROV-102"


def test_t151_t152_frames_with_crlf_cut_anywhere() -> None:
    data = 'data: {"a":"ä"}\r\n\r\n: note\r\n\r\ndata: {"b":2}'.encode()
    for one, two in cut_in_two(data):
        found, whole = payloads([one, two], streamed=True)
        assert found == ['{"a":"ä"}'.encode(), b'{"b":2}']
        assert not whole


def test_a_body_in_place_of_a_stream_is_one_payload() -> None:
    assert payloads([b'{"a"', b":1}"], streamed=True) == ([b'{"a":1}'], True)
    assert payloads([b"<html>"], streamed=False) == ([b"<html>"], True)


def test_a_done_marker_is_no_payload() -> None:
    assert payloads([b"data: {}\n\ndata: [DONE]\n\ndata: [DONE]"], streamed=True)[0] == [b"{}"]


def test_nothing_at_all() -> None:
    assert payloads([b"", b"\r\n "], streamed=True) == ([], False)
