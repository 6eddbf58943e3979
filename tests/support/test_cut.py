import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.cut import cut, cut_in_two


@given(st.binary(), st.integers(min_value=1, max_value=40))
def test_the_pieces_are_the_whole(data: bytes, size: int) -> None:
    pieces = list(cut(data, size))
    assert b"".join(pieces) == data
    assert all(len(piece) == size for piece in pieces[:-1])
    assert all(1 <= len(piece) <= size for piece in pieces)


def test_every_place_is_cut_once() -> None:
    assert list(cut_in_two(b"abc")) == [(b"a", b"bc"), (b"ab", b"c")]


def test_a_piece_has_a_size() -> None:
    with pytest.raises(ValueError, match="at least one byte"):
        cut(b"abc", 0)
