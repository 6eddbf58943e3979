"""The order in which a profile is named, and who may name one."""

import json
from typing import Any

import pytest

from korproxy_addons.config.parse import parse_config
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.routing.profile_choice import ProfileChoice, named_profile, project_profile
from korproxy_addons.routing.router import Router


def router(**settings: Any) -> Router:
    profiles = [{"id": "a", "projects": "/src/a"}, {"id": "b", "name": "Bee"}]
    return Router(parse_config(json.dumps({"profiles": profiles, **settings}).encode()), "/h/u")


@pytest.mark.parametrize(
    ("header", "path", "key", "choice"),
    [
        ("b", "a", "a", ("b", "header")),
        (" BEE ", "", None, ("b", "header")),
        ("", "bee", "a", ("b", "path")),
        (" ", "", "a", ("a", "key")),
        ("", "default", "a", ("default", "path")),
        ("", "", None, None),
    ],
)
def test_header_then_path_then_key(
    header: str, path: str, key: str | None, choice: tuple[str, str] | None
) -> None:
    found = named_profile(router(), header=header, path=path, key=key)
    assert found == (ProfileChoice(*choice) if choice else None)


@pytest.mark.parametrize(("header", "path"), [("c", "a"), ("", "c")])
def test_a_name_that_means_nothing_is_no_reason_to_ask_the_next(header: str, path: str) -> None:
    with pytest.raises(KorProxyError) as caught:
        named_profile(router(), header=header, path=path, key="a")
    assert caught.value.spec is catalogue.PROFILE_UNKNOWN
    assert caught.value.detail == "“c”; there are a, b, default"


def test_the_user_s_own_folders_go_before_a_project_s_file() -> None:
    assert project_profile(router(), "/src/a/x", "b") == ProfileChoice("a", "folder")
    assert project_profile(router(), "/src/x", "bee") == ProfileChoice("b", "project-file")
    assert project_profile(router(), "/src/x", "c") is None
    assert project_profile(router(), "", "") is None
    assert project_profile(router(project_files=False), "/src/x", "b") is None
