import pytest

from korproxy_addons.recording.secret_names import (
    names_a_secret,
    names_a_secret_of_a_login,
    names_a_secret_of_a_query,
)


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("refresh_token", "x", True),
        ("refreshToken", "x", True),
        ("authorization_token", "x", True),
        ("X-Api-Key", "x", True),
        ("password", "", False),
        ("github_token", "abcdefgh1234", True),
        ("next_page_token", "CiQxMjM0NTY3ODk", True),
        ("token", " Hello", False),
        ("token", "internationalisation", False),
        ("stop_token", "<|eot_id|>", False),
        ("max_tokens", "1024", False),
        ("content", "abcdefgh1234", False),
    ],
)
def test_a_name_says_whether_its_value_is_a_secret(name: str, value: str, secret: bool) -> None:
    """`token` is also what a model's pieces of text are called."""
    assert names_a_secret(name, value) is secret


def test_a_code_is_a_secret_where_somebody_signs_in() -> None:
    assert names_a_secret_of_a_login("code")
    assert names_a_secret_of_a_login("user_code")
    assert not names_a_secret_of_a_login("error_code")


@pytest.mark.parametrize(
    ("name", "secret"), [("key", True), ("Code", True), ("api_key", True), ("alt", False)]
)
def test_a_parameter_is_known_by_its_name(name: str, secret: bool) -> None:
    assert names_a_secret_of_a_query(name) is secret
