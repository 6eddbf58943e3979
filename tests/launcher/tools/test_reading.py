"""Tools' settings files, as people and tools leave them."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.presets.base import Format
from launcher.tools.reading import Found, UnreadableError, found_in, read_settings


def read(tmp_path: Path, text: str, written: Format) -> object:
    path = tmp_path / "settings"
    path.write_text(text, encoding="utf-8")
    return read_settings(path, written)


COMMENTED = """\ufeff{
  // a guide said so
  "url": "http://localhost:1337/v1", /* two
  lines */
  "text": "// no comment, /* neither */ \\" // still none",
  "list": [1, 2, // the last
  ],
}
"""


def test_json_may_have_comments_and_last_commas(tmp_path: Path) -> None:
    assert read(tmp_path, COMMENTED, Format.JSON) == {
        "url": "http://localhost:1337/v1",
        "text": '// no comment, /* neither */ " // still none',
        "list": [1, 2],
    }
    assert read(tmp_path, " // nothing\n", Format.JSON) == {}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda it: st.lists(it, max_size=4) | st.dictionaries(st.text(), it, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_plain_json_is_read_as_it_is(value: object) -> None:
    """Whatever the strings hold: quotes, slashes, commas before brackets."""
    from launcher.tools.reading import _json

    assert _json(json.dumps(value)) == value
    assert _json(json.dumps(value, indent=2, ensure_ascii=False)) == value


def test_the_other_forms(tmp_path: Path) -> None:
    assert read(tmp_path, 'a = "b"\n[c]\nd = 1\n', Format.TOML) == {"a": "b", "c": {"d": 1}}
    assert read(tmp_path, "models:\n  - name: x # mine\n", Format.YAML) == {
        "models": [{"name": "x"}]
    }
    lines = "# A=0\nexport A=1\nB = 'two words' \nC=plain # said\n not a line\nD=\"q\"\nE=\n"
    assert read(tmp_path, lines, Format.ENV) == {
        "A": "1", "B": "two words", "C": "plain", "D": "q", "E": "",
    }  # fmt: skip


def test_no_file_is_no_setting(tmp_path: Path) -> None:
    assert read_settings(tmp_path / "none", Format.JSON) is None
    (tmp_path / "file").write_text("x")
    assert read_settings(tmp_path / "file" / "below", Format.JSON) is None


@pytest.mark.parametrize(
    ("text", "written", "why"),
    [
        ('{"a": 1', Format.JSON, "not JSON: line 1"),
        ('{\n"a" 1}', Format.JSON, "not JSON: line 2"),
        ("[" * 100_000, Format.JSON, "nested too deeply"),
        ("a = ", Format.TOML, "not TOML: "),
        ("a: [1\nb: 2", Format.YAML, "not YAML: line"),
    ],
)
def test_what_the_tool_cannot_read_either_is_told(
    tmp_path: Path, text: str, written: Format, why: str
) -> None:
    with pytest.raises(UnreadableError, match=why):
        read(tmp_path, text, written)


def test_what_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UnreadableError, match="no UTF-8"):
        read_settings(tmp_path / "x", Format.JSON)
    with pytest.raises(UnreadableError, match="directory"):
        read_settings(tmp_path, Format.JSON)


SETTINGS = {
    "model_provider": "kor",
    "model_providers": {"kor": {"base_url": "A"}, "other": {"base_url": "B"}},
    "models": [{"apiBase": "C"}, {"name": "none"}, {"apiBase": "D"}],
    "deep": {"a": {"apiKey": "E"}, "apiKey": "F"},
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("model_providers", "=model_provider", "base_url"), {"A"}),
        (("model_providers", "*", "base_url"), {"A", "B"}),
        (("models", "*", "apiBase"), {"C", "D"}),
        (("**", "apiKey"), {"E", "F"}),
        (("deep", "apiKey"), {"F"}),
        (("deep", "none", "apiKey"), set()),
        (("model_providers", "=nothing", "base_url"), set()),
        (("model_provider", "*"), set()),
    ],
)
def test_values_at_a_path(path: tuple[str, ...], expected: set[str]) -> None:
    assert {it.value for it in found_in(SETTINGS, path)} == expected


def test_a_found_value_says_which_way_led_to_it() -> None:
    assert list(found_in(SETTINGS, ("models", "*", "apiBase"))) == [
        Found(("models", "0", "apiBase"), "C"), Found(("models", "2", "apiBase"), "D"),
    ]  # fmt: skip
    (found,) = found_in(SETTINGS, ("model_providers", "=model_provider", "base_url"))
    assert found.path == ("model_providers", "kor", "base_url")
