"""Which recording a person means, and what became of it."""

from pathlib import Path

import pytest

from korproxy_addons.errors.catalogue import RECORDING_UNKNOWN
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.actions.diff import difference, recorded
from support.recordings import keep, recording

OLDER, NEWER = ("kp" + digit * 28 for digit in "ab")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name in (NEWER, OLDER):
        keep(tmp_path, recording(id=name, request_id=f"request-{name[-1]}"))
    return tmp_path


@pytest.mark.parametrize("name", [OLDER, "aaaa", "request-a"])
def test_a_recording_is_found_by_what_people_have(home: Path, name: str) -> None:
    assert recorded(home, name).id == OLDER
    assert difference(home, name).id == OLDER


def test_without_a_name_it_is_the_newest(home: Path) -> None:
    assert recorded(home).id == NEWER
    assert difference(home).id == NEWER


@pytest.mark.parametrize("name", [None, "kp"])
def test_there_may_be_none(tmp_path: Path, name: str | None) -> None:
    with pytest.raises(KorProxyError) as raised:
        recorded(tmp_path, name)
    assert raised.value.spec is RECORDING_UNKNOWN
