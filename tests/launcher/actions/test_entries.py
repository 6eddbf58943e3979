"""Entries of lists: found by id or name, changed field by field, with the comments around them kept."""

import pytest

from korproxy_addons.config.document import Document
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.actions import entries
from support.routing_home import ROUTING

PROFILES = ("profiles",)


def document() -> Document:
    return Document(ROUTING)


def test_an_entry_is_found_by_id_then_by_name_whatever_the_case() -> None:
    found = document()
    assert entries.find(found, PROFILES, " WORK ") == ("profiles", 0)
    assert entries.find(found, PROFILES, "day JOB") == ("profiles", 0)
    assert entries.find(found, PROFILES, "home") is None
    assert entries.find(found, ("nothing",), "work") is None
    assert entries.find(found, ("profiles", 0, "rules"), "big", "name") == (
        "profiles",
        0,
        "rules",
        1,
    )


def test_what_is_not_found_is_told_with_what_there_is() -> None:
    with pytest.raises(KorProxyError) as caught:
        entries.found(document(), PROFILES, "home", catalogue.PROFILE_UNKNOWN)
    assert (caught.value.spec, caught.value.detail) == (
        catalogue.PROFILE_UNKNOWN, "home; there are work",
    )  # fmt: skip
    with pytest.raises(KorProxyError, match="there are none"):
        entries.found(document(), ("local_keys", "keys"), "x", catalogue.LOCAL_KEY_UNKNOWN)


def test_a_name_that_is_taken_is_refused() -> None:
    entries.must_be_free(document(), PROFILES, ["home", "Other"])
    with pytest.raises(KorProxyError) as caught:
        entries.must_be_free(document(), PROFILES, ["home", "DAY JOB"])
    assert (caught.value.spec, caught.value.detail) == (catalogue.NAME_TAKEN, "DAY JOB")


def test_fields_are_set_and_taken_out_one_by_one() -> None:
    found = document()
    entries.change(found, ("profiles", 0), {"name": None, "icon": "bag", "color": None})
    assert found.value(("profiles", 0, "icon")) == "bag"
    assert found.value(("profiles", 0, "name")) is None
    assert found.value(("profiles", 0, "group")) == ["cheap", "default"]
    assert "# titles" in found.text


def test_only_what_says_something_is_written() -> None:
    assert entries.named({"a": None, "b": 0, "c": False, "d": "x"}) == {
        "b": 0,
        "c": False,
        "d": "x",
    }
