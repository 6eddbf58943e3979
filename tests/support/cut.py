"""Bytes as a network may deliver them."""

from collections.abc import Iterator


def cut(data: bytes, size: int) -> Iterator[bytes]:
    """`data` in pieces of `size` bytes; the last one may be shorter. No data, no piece."""
    if size < 1:
        raise ValueError(f"pieces have at least one byte, not {size}")
    return (data[start : start + size] for start in range(0, len(data), size))


def cut_in_two(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Every way to cut `data` into two pieces, neither of them empty."""
    return ((data[:place], data[place:]) for place in range(1, len(data)))
