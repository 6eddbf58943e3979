import io

import pytest
from rich.console import Console
from rich.text import Text

from launcher.cli.columns import fitted, print_columns

HEADS = ("id", "name", "took")
ROWS = (("1", "a name that is as long as names are", "2 ms"), ("22", "b", Text("312 ms", "red")))


def printed(width: int) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, width=width)
    print_columns(console, HEADS, ROWS, names=("name",), numbers=("took",))
    return [it.rstrip() for it in out.getvalue().splitlines()]


def test_where_there_is_room_everything_stands_there() -> None:
    assert printed(80) == [
        "id  name                                   took",
        "1   a name that is as long as names are    2 ms",
        "22  b                                    312 ms",
    ]


def test_a_name_is_cut_and_nothing_else_and_no_line_is_broken() -> None:
    assert printed(30) == [
        "id  name                  took",
        "1   a name that is as…    2 ms",
        "22  b                   312 ms",
    ]


@pytest.mark.parametrize(
    ("room", "widths"),
    [
        (24, {"a": 8, "b": 10, "n": 2}),
        (23, {"a": 8, "b": 9, "n": 2}),
        (18, {"a": 6, "b": 6, "n": 2}),
        (1, {"a": 1, "b": 1, "n": 2}),
    ],
)
def test_the_longest_name_gives_way_first(room: int, widths: dict[str, int]) -> None:
    assert fitted({"a": 8, "b": 10, "n": 2}, ("a", "b"), room) == widths
