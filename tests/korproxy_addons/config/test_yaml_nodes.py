import pytest

from korproxy_addons.config.yaml_nodes import compose, content_end, entry, entry_or_none, is_flow

TEXT = "a: 1  # one\nb:\n  - x\n  - [y,\n     z]  # end\n\n# of c\nc: |\n  text\n\n# last\n"


@pytest.mark.parametrize(
    ("key", "rest"), [("a", "  # one"), ("b", "  # end"), ("c", ""), (None, "")]
)
def test_a_value_ends_before_what_only_follows_it(key: str | None, rest: str) -> None:
    root = compose(TEXT)
    node = root if key is None else entry(root, key)[1]
    end = content_end(TEXT, node)
    assert TEXT[end:].splitlines()[0] == rest


def test_entries_are_found_by_their_key() -> None:
    root = compose(TEXT)
    assert entry(root, "a")[1].value == "1"
    assert entry_or_none(root, "z") is None
    assert entry_or_none(entry(root, "a")[1], "a") is None
    with pytest.raises(KeyError):
        entry(root, "z")


def test_brackets_are_told_from_blocks() -> None:
    items = entry(compose(TEXT), "b")[1]
    assert not is_flow(items)
    assert is_flow(items.value[1])
    assert not is_flow(items.value[0])
