"""What options say of fields."""

import pytest
import typer

from launcher.cli.fields import given_fields, listed, number, numbers, one_or_more, pairs, told


def test_only_what_is_said_is_a_field_and_what_is_cleared_is_none() -> None:
    found = given_fields(["max-tokens"], ("max_tokens",), a=None, b=[], c=0, d="x")
    assert found == {"c": 0, "d": "x", "max_tokens": None}
    with pytest.raises(typer.BadParameter, match="one of a, b, not c"):
        given_fields(["c"], ("a", "b"))


def test_pairs_and_numbers() -> None:
    assert pairs("--x", ["a=1", " b = c=d "]) == {"a": "1", "b": "c=d"}
    assert numbers("--x", ["a=1", "b=0.5"]) == {"a": 1, "b": 0.5}
    assert isinstance(number("--x", "3"), int)
    for wrong in ("a", "a=", "=1"):
        with pytest.raises(typer.BadParameter, match="NAME=VALUE"):
            pairs("--x", [wrong])
    with pytest.raises(typer.BadParameter, match="a number, not two"):
        number("--x", "two")


def test_cells() -> None:
    assert (one_or_more(None), one_or_more(["a"]), one_or_more(["a", "b"])) == (
        None,
        "a",
        ["a", "b"],
    )
    assert (told(None), told(()), told(0), told("x")) == ("–", "–", "0", "x")
    assert (listed([]), listed(["a", 1])) == ("–", "a, 1")
