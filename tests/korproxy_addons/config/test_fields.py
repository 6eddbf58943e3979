"""Types of fields."""

import pytest
from pydantic import TypeAdapter, ValidationError

from korproxy_addons.config.fields import FrozenMap, HeaderText, Url, split_url

URL: TypeAdapter[str] = TypeAdapter(Url)


def test_a_url_loses_its_final_slash() -> None:
    assert URL.validate_python("https://x.example/v1/") == "https://x.example/v1"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x.example/v1",
        "ftp://x.example",
        "https://",
        "https:///v1",
        "https://user:canary@x.example",
        "https://canary@x.example",
        "https://x.example/v1?key=canary",
        "https://x.example/#canary",
        "https://x.example/?",
        "https://x.example:99999",
        "https://x.example:0",
        "https://x.example:port",
        "https://[::1",
        "https://x.exämple",
        "https://x.example/a b",
        "https://x.example\\@evil.example",
        "https://x.example/\n",
    ],
)
def test_what_is_no_plain_url_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        URL.validate_python(url)
    with pytest.raises(ValueError, match=r"URL") as caught:
        split_url(url)
    assert "canary" not in str(caught.value)


def test_a_frozen_map_cannot_be_changed() -> None:
    given = {"a": 1}
    frozen = TypeAdapter(FrozenMap[int]).validate_python(given)
    given["a"] = 2
    assert dict(frozen) == {"a": 1}
    with pytest.raises(TypeError):
        frozen["a"] = 3  # type: ignore[index]


@pytest.mark.parametrize("value", ["", " a", "a ", "a\nb", "a\r\nx: y", "ä", "\x00"])
def test_a_headers_value_holds_one_line_of_ascii(value: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(HeaderText).validate_python(value)
