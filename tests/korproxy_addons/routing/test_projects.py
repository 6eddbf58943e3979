"""Folders of projects, and the one thing that a file in them may say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.routing.projects import FILE_LIMIT_BYTES, folder_matcher, profile_named_in


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"profile: work", "work"),
        (b"profile:work\n", "work"),
        (b"\xef\xbb\xbf# ours\n\n  profile :  Day job  # with us\r\n", "Day job"),
        (b'profile: "Day job"\n', "Day job"),
        (b"profile: 'x'", "x"),
    ],
)
def test_a_profile_is_named(content: bytes, name: str) -> None:
    assert profile_named_in(content) == name


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"# nothing\n",
        b"profile:",
        b"profile: ''",
        b"work",
        b"Profile: work",
        b"profile: work\nprofile: home",
        b"profile: work\nbase_url: https://evil.example",
        b"base_url: https://evil.example",
        b"{profile: work, base_url: x}",
        b"profile: work\n...\nrules: []",
        b"profile: 'a\" b'",
        b"\xff\xfe",
        b"profile: " + b"x" * 101,
        b"#" * (FILE_LIMIT_BYTES - 10) + b"\nprofile: work",
    ],
)
def test_anything_else_names_none(content: bytes) -> None:
    assert profile_named_in(content) is None


@given(st.binary(max_size=200) | st.text(max_size=80).map(str.encode))
def test_any_bytes_name_one_short_line_or_nothing(content: bytes) -> None:
    name = profile_named_in(content)
    assert name is None or (0 < len(name) <= 100 and "\n" not in name)


@given(
    st.text(
        st.characters(categories=("L", "N"), include_characters=" ._-"), min_size=1, max_size=60
    )
)
def test_every_name_that_a_profile_can_have_can_be_said(name: str) -> None:
    if name.strip():
        assert profile_named_in(f"profile: {name}\n".encode()) == name.strip()


@pytest.mark.parametrize(
    ("pattern", "folder", "fits"),
    [
        ("~/src/job", "/h/u/src/job", True),
        ("~/src/job", "/h/u/src/job/deep/er", True),
        ("~/src/job/", "/h/u/src/job", True),
        ("~/src/job", "/h/u/src/jobshop", False),
        ("~/src/job", "/h/u/src", False),
        ("~/src/*", "/h/u/src/any/thing", True),
        ("*/acme-*", "/srv/acme-web/api", True),
        ("/", "/srv/x", True),
        ("~other/src", "/h/u/src", False),
        ("C:\\src\\work", "c:\\SRC\\work\\x", True),
        ("~/src/job", "", False),
        ("*", "", False),
    ],
)
def test_a_folder_and_what_is_below_it(pattern: str, folder: str, fits: bool) -> None:
    assert folder_matcher([pattern], "/h/u/")(folder) is fits
