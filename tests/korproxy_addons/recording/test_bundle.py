"""The bundle's file: its order, its sums, and its bytes."""

import hashlib
import io
import json
import zipfile

import pytest

from korproxy_addons.recording.bundle import Part, json_part, lines_part, manifest, sealed

AT = 1_790_000_000.0
PARTS = (
    Part("logs/a.jsonl", "the log", b"{}\n"),
    Part("accounts.json", "the accounts", b"[]"),
    Part("SUMMARY.md", "read this", b"# What looks wrong\n"),
)
ABOUT = {"korproxy": "0.1.0"}


def opened(data: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(data))


def test_the_summary_comes_first_the_manifest_second() -> None:
    names = opened(sealed(PARTS, AT, ABOUT)).namelist()
    assert names == ["SUMMARY.md", "manifest.json", "accounts.json", "logs/a.jsonl"]


def test_without_a_summary_the_manifest_comes_first() -> None:
    assert opened(sealed(PARTS[:2], AT, ABOUT)).namelist()[0] == "manifest.json"
    assert opened(sealed((), AT, ABOUT)).namelist() == ["manifest.json"]


def test_the_manifest_names_each_file_why_it_is_there_and_its_sum() -> None:
    archive = opened(sealed(PARTS, AT, ABOUT, ["b", "a"]))
    said = json.loads(archive.read("manifest.json"))
    assert (said["korproxy"], said["left_out_by_owner"]) == ("0.1.0", ["a", "b"])
    for entry in said["files"]:
        content = archive.read(entry["name"])
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()
        assert entry["bytes"] == len(content)
        assert entry["why"]
        assert entry["holds_conversations"] is False
    assert {it["name"] for it in said["files"]} == {it.name for it in PARTS}


def test_what_holds_a_conversation_is_said_to() -> None:
    told = json.loads(manifest([Part("a", "b", b"", private=True)], {}, ()).content)
    assert told["files"][0]["holds_conversations"] is True


def test_the_same_parts_at_the_same_time_give_the_same_bytes() -> None:
    assert sealed(PARTS, AT, ABOUT) == sealed(reversed(PARTS), AT, ABOUT)
    assert sealed(PARTS, AT, ABOUT) != sealed(PARTS, AT + 60, ABOUT)


@pytest.mark.parametrize(("at", "year"), [(0.0, 1980), (AT, 2026), (9_000_000_000.0, 2107)])
def test_a_clock_that_is_far_off_is_no_reason_for_no_bundle(at: float, year: int) -> None:
    """2255 is written as the last year that a zip knows."""
    infos = opened(sealed(PARTS, at, ABOUT)).infolist()
    assert {it.date_time[0] for it in infos} == {year}


def test_its_files_are_their_owners_alone() -> None:
    infos = opened(sealed(PARTS, AT, ABOUT)).infolist()
    assert {it.external_attr >> 16 for it in infos} == {0o100600}


def test_two_parts_of_one_name_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="one name"):
        sealed((PARTS[0], PARTS[0]), AT, ABOUT)


def test_documents_are_written_for_people_lines_for_programs() -> None:
    assert json_part("a.json", "", {"a": [1]}).content == b'{\n  "a": [\n    1\n  ]\n}\n'
    assert lines_part("a.jsonl", "", [{"a": 1}, [2]]).content == b'{"a":1}\n[2]\n'
