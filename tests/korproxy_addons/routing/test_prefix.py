"""The profile in a path."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.routing.prefix import split_profile


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/p/office/v1/messages", ("office", "/v1/messages")),
        ("/p/Day%20job/v1/models/a%2Fb", ("Day job", "/v1/models/a%2Fb")),
        ("/p/office", ("office", "/")),
        ("/p/office/", ("office", "/")),
        ("/p/office/p/other/v1", ("office", "/p/other/v1")),
        ("/v1/messages", ("", "/v1/messages")),
        ("/p/", ("", "/p/")),
        ("/p//v1/messages", ("", "/p//v1/messages")),
        ("/p/%20/v1", ("", "/p/%20/v1")),
        ("/pwork/v1", ("", "/pwork/v1")),
        ("/P/office/v1", ("", "/P/office/v1")),
        ("", ("", "")),
    ],
)
def test_examples(path: str, found: tuple[str, str]) -> None:
    assert split_profile(path) == found


@given(st.text(max_size=40))
def test_the_rest_is_the_end_of_the_path_and_begins_with_a_slash(path: str) -> None:
    profile, rest = split_profile(path)
    if profile:
        assert rest.startswith("/")
        assert path.endswith(rest) or rest == "/"
    else:
        assert rest == path


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True), st.text(max_size=20))
def test_every_id_can_be_named(profile: str, rest: str) -> None:
    assert split_profile(f"/p/{profile}/{rest}") == (profile, f"/{rest}")
