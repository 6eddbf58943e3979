import pytest
from mitmproxy import http

from korproxy_addons.gateway.client_keys import presented_keys


@pytest.mark.parametrize(
    ("fields", "query"),
    [
        ([(b"Authorization", b"Bearer the-key")], ""),
        ([(b"authorization", b"bearer  the-key ")], ""),
        ([(b"x-api-key", b"the-key")], ""),
        ([(b"X-Goog-Api-Key", b"the-key")], ""),
        ([(b"x-korproxy-key", b"the-key")], ""),
        ([], "alt=sse&key=the-key"),
        ([], "key=the%2Dkey"),
    ],
)
def test_a_key_is_found_in_each_place_a_tool_puts_it(
    fields: list[tuple[bytes, bytes]], query: str
) -> None:
    assert list(presented_keys(http.Headers(fields), query)) == ["the-key"]


def test_every_key_is_found() -> None:
    """A tool's own login in one place, ours in another."""
    fields = [
        (b"authorization", b"Bearer one"),
        (b"authorization", b"Bearer two"),
        (b"x-api-key", b"three"),
        (b"x-korproxy-key", b"four"),
    ]
    assert set(presented_keys(http.Headers(fields), "key=five")) == {
        "one",
        "two",
        "three",
        "four",
        "five",
    }


@pytest.mark.parametrize("value", [b"Basic dXNlcjpwYXNz", b"the-key", b""])
def test_another_scheme_is_no_key(value: bytes) -> None:
    assert list(presented_keys(http.Headers([(b"authorization", value)]), "keys=1")) == []
