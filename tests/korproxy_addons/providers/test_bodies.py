"""One field changed, all the rest as it came."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.providers.bodies import (
    decode_fields,
    decode_items,
    encode,
    fields_or_none,
    plain,
    raw,
    rename_model,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


def test_texts_of_numbers_and_strings_stay_as_they_came() -> None:
    body = (
        b'{"z":1.10,"model":"a","big":12345678901234567890123,"e":1E5,"s":"\\u00e4\\/","a":[ 1 ]}'
    )
    assert rename_model(body, "b") == body.replace(b'"model":"a"', b'"model":"b"')


def test_nothing_to_change_gives_the_same_object() -> None:
    body = b'{"model": "a"}'
    assert rename_model(body, "a") is body


def test_a_missing_model_is_added_at_the_end() -> None:
    assert rename_model(b'{"x":1}', "a") == b'{"x":1,"model":"a"}'


@given(st.dictionaries(st.text(max_size=6), JSON, max_size=6), st.text(min_size=1, max_size=6))
def test_unknown_fields_survive_a_rename(fields: dict[str, Any], model: str) -> None:
    renamed = json.loads(rename_model(json.dumps(fields).encode(), model))
    assert renamed == {**fields, "model": model}
    assert [it for it in renamed if it != "model"] == [it for it in fields if it != "model"]


@pytest.mark.parametrize("body", [b"", b"[1]", b"7", b"{", b'{"a":}', b"\xff", b'{"a":"\xff"'])
def test_what_is_no_object_is_not_json_for_us(body: bytes) -> None:
    with pytest.raises(KorProxyError) as caught:
        decode_fields(body)
    assert caught.value.spec.code == "KP-REQ-702"
    assert fields_or_none(body) is None


def test_a_body_too_deep_is_named_so() -> None:
    with pytest.raises(KorProxyError) as caught:
        decode_fields(b'{"a":' + b"[" * 100_000)
    assert caught.value.spec.code == "KP-REQ-704"


def test_items_of_a_list_stay_as_they_came() -> None:
    items = decode_items(b'[1.0, {"a": 1}]')
    assert items is not None
    assert [bytes(it) for it in items] == [b"1.0", b'{"a": 1}']
    assert decode_items(b"{}") is None


def test_plain_and_raw() -> None:
    assert plain(raw({"a": [1]})) == {"a": [1]}
    assert plain(None) is None
    assert plain(msgspec.Raw(b"{")) is None
    assert encode({"a": raw(1)}) == b'{"a":1}'
