import copy
from importlib import resources
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.config.document import Document
from korproxy_addons.config.problems import ConfigProblems

FIRST = (resources.files("korproxy_addons.config") / "first_start.yaml").read_text()
ENTRY = {"id": "key", "provider": "claude", "secret": "env:ANTHROPIC_API_KEY"}
WRITTEN = """\
# head
accounts:   # the accounts
  # first
  - id: a   # its name
    provider: claude
    models: [x, "y"]

  # second
  -   id: b
      provider: codex
      label: 'it''s # mine'
# aliases
aliases: {fast: m}

limits:
    drain_s: 3 # seconds
# end
"""


def comments(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip().startswith("#")]


def test_the_first_account_stands_below_its_heading() -> None:
    document = Document(FIRST)
    document.insert(("accounts",), ENTRY)
    added = "accounts:\n  - id: key\n    provider: claude\n    secret: env:ANTHROPIC_API_KEY\n"
    assert document.text == FIRST.replace("accounts:\n", added, 1)


def test_a_removed_account_leaves_the_file_as_it_was() -> None:
    document = Document(FIRST)
    document.insert(("accounts",), ENTRY)
    document.remove(("accounts", 0))
    assert document.text == FIRST


def test_a_further_account_stands_behind_the_last_one_and_before_the_comments() -> None:
    document = Document(WRITTEN)
    document.insert(("accounts",), {"id": "c", "provider": "qwen"})
    marker = "label: 'it''s # mine'\n"
    added = "  - id: c\n    provider: qwen\n"
    assert document.text == WRITTEN.replace(marker, marker + added)


def test_a_setting_is_changed_in_its_place() -> None:
    document = Document(WRITTEN)
    document.set(("accounts", 1, "disabled"), True)
    document.set(("limits", "drain_s"), 7)
    document.set(("accounts", 0, "id"), "renamed")
    document.set(("aliases", "best"), "n")
    document.set(("accounts", 0, "models"), ["z"])
    expected = WRITTEN.replace("# mine'\n", "# mine'\n      disabled: true\n")
    expected = expected.replace("drain_s: 3 #", "drain_s: 7 #").replace("id: a ", "id: renamed ")
    expected = expected.replace("{fast: m}", '{"fast": m, "best": n}').replace('[x, "y"]', "[z]")
    assert document.text == expected


def test_an_entry_of_a_list_is_replaced_in_its_place() -> None:
    document = Document(WRITTEN)
    document.set(("accounts", 0), {"id": "new", "provider": "qwen"})
    before, _, rest = WRITTEN.partition("  - id: a")
    after = rest.partition('"y"]')[2]
    assert document.text == f"{before}  - id: new\n    provider: qwen{after}"


def test_dashes_in_comments_are_no_entries() -> None:
    text = "accounts:\n  - {id: a}\n  # - not - one\n  # -\n  - {id: b}\n"
    document = Document(text)
    document.remove(("accounts", 1))
    assert document.text == "accounts:\n  - {id: a}\n  # - not - one\n  # -\n"
    document.insert(("accounts",), {"id": "c"}, 0)
    assert document.text.startswith("accounts:\n  - id: c\n  - {id: a}\n  # - not")


def test_a_value_over_several_lines_gives_way_to_a_short_one() -> None:
    text = "a:\n  # of a\n  b: 1\n  c: 2\n# of d\nd: |\n  long\n  text\n# end\n"
    document = Document(text)
    document.set(("a",), 7)
    document.set(("d",), "short")
    assert document.data == {"a": 7, "d": "short"}
    assert comments(document.text) == ["# of a", "# of d", "# end"]
    document.set(("a",), {"x": {"y": [1]}})
    assert document.data["a"] == {"x": {"y": [1]}}


def test_a_new_section_stands_at_the_end() -> None:
    document = Document(WRITTEN)
    document.set(("logging", "level"), "debug")
    assert document.text == WRITTEN + "logging:\n  level: debug\n"


def test_a_list_in_the_middle_of_things_is_replaced_whole() -> None:
    document = Document(WRITTEN)
    document.set(("accounts",), [])
    assert document.data["aliases"] == {"fast": "m"}
    assert document.value(("accounts",)) == []
    assert "# aliases" in comments(document.text)
    document.set(("accounts",), [ENTRY])
    assert document.value(("accounts",)) == [ENTRY]


def test_an_account_is_found_by_its_id() -> None:
    document = Document(WRITTEN)
    assert document.find(("accounts",), "id", "b") == 1
    assert document.find(("accounts",), "id", "c") is None
    assert document.find(("nothing",), "id", "c") is None
    assert document.value(("accounts", 1, "label")) == "it's # mine"
    assert document.value(("accounts", 5, "label")) is None


def test_line_breaks_of_windows_stay() -> None:
    document = Document(WRITTEN.replace("\n", "\r\n"))
    document.insert(("accounts",), ENTRY, 1)
    document.set(("limits", "json_depth"), 9)
    document.remove(("accounts", 0))
    assert document.text.count("\n") == document.text.count("\r\n")


def test_an_empty_file_gets_its_first_setting() -> None:
    for text in ("", "# only this\n", "# no line break"):
        document = Document(text)
        document.set(("accounts",), [ENTRY])
        assert document.data == {"accounts": [ENTRY]}
        assert document.text.startswith(text)


def test_a_file_that_is_no_yaml_is_refused() -> None:
    with pytest.raises(ConfigProblems):
        Document("a: [")


def test_what_is_not_there_cannot_be_removed() -> None:
    document = Document(WRITTEN)
    for path in (("accounts", 7), ("nothing",), ("limits", "drain_s", "x")):
        with pytest.raises(KeyError):
            document.remove(path)


def test_the_first_of_a_list_within_a_list_can_be_removed() -> None:
    document = Document("rows:\n- - a: 1\n  - b: 2\n- c\n")
    document.remove(("rows", 0, 0))
    assert document.text == "rows:\n- - b: 2\n- c\n"


def test_what_cannot_be_edited_safely_is_refused_and_nothing_is_changed() -> None:
    for text, path in (
        ("aliases: {a: b, # why\n  c: d}\n", ("aliases", "e")),
        ("aliases: &x {a: b}\nother: *x\n", ("other", "e")),
    ):
        document = Document(text)
        with pytest.raises(ConfigProblems, match="by hand"):
            document.set(path, "f")
        assert document.text == text


KEYS = st.sampled_from(["a", "b", "c"])
LEAVES = st.sampled_from([1, "x", "x # y", True, "", [], ["p", "q"]])
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(st.dictionaries(KEYS, inner, min_size=1, max_size=2), max_size=3)
        | st.dictionaries(KEYS, inner, max_size=3)
    ),
    max_leaves=8,
)
EDITS = st.lists(
    st.tuples(st.sampled_from(["set", "insert", "remove"]), st.integers(0, 50), KEYS, VALUES),
    min_size=1,
    max_size=6,
)


def paths(data: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [path]
    if isinstance(data, dict):
        found += [it for key, value in data.items() for it in paths(value, (*path, key))]
    if isinstance(data, list):
        found += [it for key, value in enumerate(data) for it in paths(value, (*path, key))]
    return found


def at(data: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        data = data[step]
    return data


def full(data: Any) -> Any:
    """Without top-level sections that hold nothing."""
    return {k: v for k, v in (data or {}).items() if v not in (None, [], {})}


@given(edits=EDITS)
def test_any_edits_give_what_was_meant_and_keep_the_comments(edits: list[Any]) -> None:
    """Against plain values edited the same way: same content, and the lines of others untouched."""
    document = Document(WRITTEN)
    model = copy.deepcopy(document.data)
    for verb, place, key, value in edits:
        places = paths(model)
        path = places[place % len(places)]
        target = at(model, path)
        if verb == "set" and isinstance(target, dict):
            target[key] = copy.deepcopy(value)
            document.set((*path, key), value)
        elif verb == "insert" and isinstance(target, list) and path:
            target.insert(0 if place % 2 else len(target), copy.deepcopy(value))
            document.insert(path, value, 0 if place % 2 else None)
        elif verb == "remove" and path:
            del at(model, path[:-1])[path[-1]]
            document.remove(path)
        if document.data is None or full(document.data) != full(model):
            assert full(document.data) == full(model)
        model = copy.deepcopy(document.data or {})
    assert {"# head", "# aliases", "# end"} <= set(comments(document.text))
