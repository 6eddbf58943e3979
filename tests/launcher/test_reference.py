from pathlib import Path
from typing import Any

import pytest

from launcher import reference
from launcher.reference import page, settings, value_words

SCHEMA: dict[str, Any] = {
    "$defs": {
        "Inner": {
            "description": "An inner thing.",
            "properties": {"size": {"type": "integer", "minimum": 1, "default": 3}},
        },
    },
    "properties": {
        "one": {"$ref": "#/$defs/Inner", "description": "The one."},
        "many": {"type": "array", "items": {"$ref": "#/$defs/Inner"}, "description": "A few."},
        "named": {
            "type": "object",
            "additionalProperties": {"anyOf": [{"$ref": "#/$defs/Inner"}, {"type": "null"}]},
        },
        "maybe": {"anyOf": [{"$ref": "#/$defs/Inner"}, {"type": "null"}], "default": None},
    },
}


def test_settings_are_found_at_every_depth_with_their_descriptions() -> None:
    found = {key: description for key, _own, description in settings(SCHEMA)}
    assert found == {
        "one": "The one.",
        "one.size": "",
        "many": "A few.",
        "many[].size": "",
        "named": "",
        "named.<name>.size": "",
        "maybe": "",
        "maybe.size": "",
    }


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 9}, "integer, at least 1, at most 9"),
        ({"enum": ["a", "b"]}, "`a`, `b`"),
        ({"const": 1}, "`1`"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "text"),
        ({"type": "array", "items": {"type": "boolean"}}, "list of true or false"),
        ({"$ref": "#/$defs/Inner"}, "any value"),
        ({}, "any value"),
    ],
)
def test_what_may_stand_at_a_setting(schema: dict[str, object], words: str) -> None:
    assert value_words(schema, SCHEMA["$defs"]) == words


def test_a_bar_does_not_break_a_table() -> None:
    rows = [line for line in page().splitlines() if line.startswith("| `")]
    assert rows
    assert all(row.replace("\\|", "").count("|") in {4, 5} for row in rows)


def test_it_is_written_where_the_launcher_looks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reference, "PAGE", tmp_path / "docs" / "reference.md")
    reference.main()
    assert (tmp_path / "docs" / "reference.md").read_text(encoding="utf-8") == page()
    assert "wrote" in capsys.readouterr().out
