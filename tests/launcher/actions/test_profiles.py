"""Profiles by command: added, changed, put in force and taken out, with every comment kept."""

from pathlib import Path

import pytest

from korproxy_addons.config.problems import ConfigProblems
from korproxy_addons.config.store import ConfigStore
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import ErrorSpec
from launcher.actions.profiles import (
    add_profile,
    edit_profile,
    list_profiles,
    remove_profile,
    use_profile,
)
from support.routing_home import COMMENTS, comments, routing_home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return routing_home(tmp_path / "home")


def refused(spec: ErrorSpec) -> "pytest.RaisesExc[KorProxyError]":
    return pytest.raises(KorProxyError, check=lambda error: error.spec is spec)


def test_the_default_one_is_listed_though_the_file_does_not_name_it(home: Path) -> None:
    default, work = list_profiles(home)
    assert (default.id, default.active, default.groups) == ("default", False, ("default",))
    assert (work.id, work.name, work.active) == ("work", "Day job", True)
    assert (work.groups, work.rules, work.keys) == (("cheap", "default"), ("small", "big"), ())


def test_a_profile_is_added_and_put_in_force(home: Path) -> None:
    view = add_profile(
        home, "home", {"name": "At home", "projects": ["~/x"], "icon": None}, use=True
    )
    assert (view.name, view.projects, view.active, view.color) == (
        "At home", ("~/x",), True, "#6366F1",
    )  # fmt: skip
    assert ConfigStore(home).load().active_profile == "home"
    assert comments(home) == COMMENTS


@pytest.mark.parametrize(
    ("profile_id", "name"), [("WORK", None), ("day job", None), ("x", "Day Job"), ("x", "work")]
)
def test_a_name_that_is_taken_is_refused(home: Path, profile_id: str, name: str | None) -> None:
    with refused(catalogue.NAME_TAKEN):
        add_profile(home, profile_id, {"name": name})
    assert len(list_profiles(home)) == 2


def test_what_would_not_load_is_not_written(home: Path) -> None:
    before = (home / "config.yaml").read_text()
    with pytest.raises(ConfigProblems, match="a group"):
        add_profile(home, "x", {"group": "nothing"})
    with pytest.raises(ConfigProblems, match="color"):
        edit_profile(home, "work", {"color": "red"})
    assert (home / "config.yaml").read_text() == before


def test_a_profile_is_changed(home: Path) -> None:
    view = edit_profile(home, "day JOB", {"name": None, "color": "#00FF00", "group": "cheap"})
    assert (view.id, view.name, view.color, view.groups) == ("work", "work", "#00FF00", ("cheap",))
    assert comments(home) == COMMENTS


def test_the_default_one_is_written_when_it_is_changed(home: Path) -> None:
    view = edit_profile(home, "Default", {"group": "cheap"})
    assert (view.id, view.name, view.groups) == ("default", "Default", ("cheap",))
    assert [it.id for it in list_profiles(home)] == ["work", "default"]


def test_a_profile_is_put_in_force_by_id_or_name(home: Path) -> None:
    assert use_profile(home, "DEFAULT").active
    assert use_profile(home, "day job").id == "work"
    with refused(catalogue.PROFILE_UNKNOWN):
        use_profile(home, "hmoe")


def test_a_profile_is_taken_out(home: Path) -> None:
    use_profile(home, "default")
    assert remove_profile(home, "Day job") == "work"
    assert [it.id for it in list_profiles(home)] == ["default"]


def test_what_is_still_needed_stays(home: Path) -> None:
    with refused(catalogue.STILL_NEEDED):
        remove_profile(home, "default")
    with refused(catalogue.STILL_NEEDED):
        remove_profile(home, "work")
    add_profile(home, "x", {})
    path = home / "config.yaml"
    path.write_text(
        path.read_text() + "local_keys: {keys: [{id: tool, secret: 'env:K', profile: x}]}\n"
    )
    with pytest.raises(KorProxyError, match="tool"):
        remove_profile(home, "x")
