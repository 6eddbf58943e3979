"""The checks on what the fuzzer has found, on the corpus, and on damaged pieces of it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.checks import NAMES, check, input_for
from support.needs import ROOT

CASES = sorted((Path(__file__).parent / "cases").iterdir())
REPLIES = sorted((ROOT / "tests" / "corpus").glob("*/*/reply.*"))


@pytest.mark.parametrize("case", CASES, ids=lambda it: it.name)
def test_what_was_found_once_holds_now(case: Path) -> None:
    check(case.read_bytes())


@pytest.mark.parametrize(
    "reply", REPLIES, ids=lambda it: f"{it.parent.parent.name}-{it.parent.name}"
)
def test_a_real_reply_passes_every_check_of_its_dialect(reply: Path) -> None:
    form = "stream" if reply.suffix == ".sse" else "whole"
    data = reply.read_bytes()
    for client in range(4):
        check(input_for(f"{reply.parent.parent.name} {form}", data, client | 0x30))


@given(st.sampled_from(NAMES), st.binary(max_size=300), st.integers(0, 255))
def test_garbage_passes_every_check(name: str, data: bytes, choice: int) -> None:
    check(input_for(name, data, choice))


@given(st.sampled_from(REPLIES), st.data())
def test_a_damaged_reply_passes_its_check(reply: Path, draw: st.DataObject) -> None:
    """Some bytes cut out of it, others put in their place."""
    data = reply.read_bytes()
    start = draw.draw(st.integers(0, len(data)))
    end = draw.draw(st.integers(start, min(len(data), start + 40)))
    damaged = data[:start] + draw.draw(st.binary(max_size=10)) + data[end:]
    form = "stream" if reply.suffix == ".sse" else "whole"
    choice = draw.draw(st.integers(0, 255))
    check(input_for(f"{reply.parent.parent.name} {form}", damaged, choice))
