"""What is looked for is found, in every spelling and in every place."""

import base64
import json
import zipfile
from pathlib import Path
from urllib.parse import quote

import pytest

from support.canaries import Places

CANARY = 'canary "of" é 1a2b'


@pytest.mark.parametrize("lead", ["", "a", "ab", "abc", "abcd"])
@pytest.mark.parametrize("tail", ["", "x", "xy", "xyz"])
def test_base64_hides_nothing(lead: str, tail: str) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        places = Places()
        places.add("it", encode(f"{lead}{CANARY}{tail}".encode()))
        assert places.finds([CANARY]) == [("it", CANARY)]


@pytest.mark.parametrize(
    "text", [CANARY, json.dumps({"a": CANARY}), quote(CANARY), CANARY.encode().hex()]
)
def test_no_spelling_hides_it(text: str) -> None:
    places = Places()
    places.add("it", f"before {text} behind")
    assert places.finds([CANARY]) == [("it", CANARY)]


def test_what_is_not_there_is_not_found() -> None:
    places = Places()
    places.add("it", base64.b64encode(b"canary of another kind, which is longer by far"))
    assert places.finds([CANARY]) == []


def test_archives_are_opened(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    with zipfile.ZipFile(tmp_path / "deep" / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.txt", CANARY * 20)
    kept = tmp_path / "kept"
    kept.write_text(CANARY)
    places = Places()
    places.add_folder(tmp_path, without=[kept])
    assert places.finds([CANARY]) == [("deep/a.zip/inner.txt", CANARY)]
    assert places.finds([CANARY], without=["deep/"]) == []
