"""YAML to plain values, each with its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.config.yaml_tree import NODE_LIMIT, read_yaml


def test_values_and_places() -> None:
    tree = read_yaml(b"a: 1\nb:\n  - x\n  - {c: true}\n", "f")
    assert tree.data == {"a": 1, "b": ["x", {"c": True}]}
    assert tree.places["b", 1, "c"] == (4, 9)
    assert tree.key_places["b", 1, "c"] == (4, 6)
    assert tree.problems == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1337", 1337),
        ("-2", -2),
        ("0o17", 15),
        ("0x1F", 31),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("yes", "yes"),
        ("on", "on"),
        ("1_000", "1_000"),
        ("2026-01-01", "2026-01-01"),
        (".inf", ".inf"),
        ("1e999", "1e999"),
        ("'1'", "1"),
        ('"true"', "true"),
        ("|\n  x", "x\n"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    tree = read_yaml(f"a: {text}\n".encode(), "f")
    assert tree.problems == []
    assert tree.data == {"a": value}
    assert type(tree.data["a"]) is type(value)


@pytest.mark.parametrize(
    ("content", "line", "column", "expected"),
    [
        (b"a: b: c\n", 1, 5, "valid YAML"),
        (b"ok: 1\n\tb: 1\n", 2, 1, "valid YAML"),
        (b"a: 1\nb: [1,\n", 3, 1, "valid YAML"),
        (b"a: 1\n---\nb: 2\n", 2, 1, "valid YAML"),
        (b"a: *nothing\n", 1, 4, "valid YAML"),
        (b"a: 1\nb: \xff\n", 2, 4, "UTF-8 text"),
        (b"a: 1\nbc: \x07\n", 2, 5, "valid YAML"),
        (b"a: 1\nb: 2\na: 3\n", 3, 1, "each key once"),
        (b"a: !!python/object:os.system x\n", 1, 4, "a value without a tag"),
        (b"a: !secret x\n", 1, 4, "a value without a tag"),
        (b"a: !map {b: 1}\n", 1, 4, "a value without a tag"),
        (b"? [a]\n: 1\n", 1, 3, "a plain text as key"),
        (b'a: "\\ud800"\n', 1, 4, "text"),
        (b'"\\ud800": 1\n', 1, 1, "text"),
        (b"[" * 100_000, 1, 1, "at most 20 levels"),
        (b"a: 1\nb: " + b"[a," * 100_000, 2, 1, "at most 20 levels"),
        (b"[\n" * 600, 1, 1, "at most 20 levels"),
        (b'a: "\\UFFFFFFFF"\n', 1, 1, "valid YAML"),
        (b"a: " + b"[" * 30 + b"]" * 30, 1, 24, "at most 20 levels"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(
    content: bytes, line: int, column: int, expected: str
) -> None:
    problems = read_yaml(content, "f").problems
    assert len(problems) == 1
    assert (problems[0].line, problems[0].column, problems[0].expected) == (line, column, expected)


def test_a_second_key_names_the_first() -> None:
    problem = read_yaml(b"accounts: 1\nx: 2\naccounts: 3\n", "f").problems[0]
    assert problem.key == "accounts"
    assert problem.found == "the key a second time (first in line 1)"


def test_aliases_do_not_unfold_without_end() -> None:
    """The billion laughs: a small file, a huge tree."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    problems = read_yaml("\n".join(lines).encode(), "f").problems
    assert [it.expected for it in problems] == [f"at most {NODE_LIMIT} values"]


def test_an_anchor_may_be_used_again() -> None:
    """A warning of ruamel's; YAML allows it."""
    assert read_yaml(b"a: &x 1\nb: &x 2\nc: *x\n", "f").data == {"a": 1, "b": 2, "c": 2}


def test_an_alias_of_itself_ends() -> None:
    problems = read_yaml(b"a: &x [*x]\n", "f").problems
    assert {it.expected for it in problems} == {"at most 20 levels"}


def test_a_byte_order_mark_is_no_content() -> None:
    assert read_yaml(b"\xef\xbb\xbfa: 1\n", "f").data == {"a": 1}


def test_quoted_words_of_the_file_stay_out_of_the_problem() -> None:
    problem = read_yaml(b"secret: *sk-canary-123456\n", "f").problems[0]
    assert "canary" not in str(problem)


def test_place_of_what_is_not_there_is_its_parents() -> None:
    tree = read_yaml(b"a:\n  b: 1\n", "f")
    assert tree.place(("a", "c", "d")) == (2, 3)
    assert tree.place(("a", "b"), key=True) == (2, 3)
    assert read_yaml(b"", "f").place(("x",)) == (1, 1)


@given(st.binary(max_size=200))
def test_any_bytes_give_values_or_problems(content: bytes) -> None:
    tree = read_yaml(content, "f")
    assert all(it.line >= 1 and it.column >= 1 for it in tree.problems)


@given(st.text(alphabet="ab:-[]{}#&*!|>'\"% \n\t?,~\\u0", max_size=40))
def test_any_small_yaml_gives_values_or_problems(text: str) -> None:
    tree = read_yaml(text.encode(), "f")
    assert all(it.line >= 1 and it.column >= 1 for it in tree.problems)
