import re
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from korproxy_addons.io.log_text import as_text, local_time

FAILED = {
    "ts": 0.5, "level": "error", "component": "leg", "event": "attempt failed", "request_id": "r1",
    "code": "KP-NET-301", "why": [], "wait_s": 2, "none": None,
}  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def greenwich() -> Iterator[None]:
    if sys.platform == "win32":
        pytest.skip("Windows has no way to choose a process's time zone")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


def test_a_line_says_what_matters_and_the_id_last() -> None:
    expected = (
        "00:00:00.500 ✕ leg        attempt failed          code=KP-NET-301 wait_s=2 request_id=r1"
    )
    assert as_text(FAILED) == expected


def test_lines_stand_under_each_other() -> None:
    other = {**FAILED, "component": "caretaker", "event": "quota", "level": "info"}
    assert as_text(FAILED).index("code=") == as_text(other).index("code=")


def test_a_line_without_fields_ends_with_its_event() -> None:
    assert as_text({"ts": 1, "level": "info", "component": "x", "event": "done"}).endswith(" done")


def test_colours_are_for_those_who_can_see_them() -> None:
    assert "\x1b" not in as_text(FAILED)
    shown = as_text(FAILED, colour=True)
    assert "\x1b[31m✕\x1b[0m" in shown
    assert re.sub(r"\x1b\[[0-9;]*m", "", shown) == as_text(FAILED)
    assert "\x1b[33m" in as_text({**FAILED, "level": "warning"}, colour=True)


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
_NAMES = st.sampled_from(["ts", "level", "component", "event", "request_id"]) | st.text()


@settings(deadline=None)
@given(st.dictionaries(_NAMES, _ANY))
def test_whatever_a_line_holds_it_is_one_line_and_steers_no_terminal(line: dict[str, Any]) -> None:
    assert as_text(line).isprintable()


@pytest.mark.parametrize("at", [None, "soon", -1, float("nan"), float("inf"), 10**30, True])
def test_a_time_that_is_none_is_the_first(at: object) -> None:
    assert local_time({"ts": at}).year in (1969, 1970)
