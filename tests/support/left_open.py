"""
A pytest plugin: what a test lets go of without closing is charged to its own file.

Such a thing, once it is part of a cycle, is found by the collector some time later, and its warning fails whatever test happens to
run then. So the collector runs at the end of each file. What was loaded before the first test is left out: there is nothing in
it to be found, and looking through it again each time would take minutes.
"""

import gc
from collections.abc import Iterator

import pytest


def pytest_collection_finish() -> None:
    """Leave out what is there before the first test."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="module")
def nothing_is_left_open() -> Iterator[None]:
    """Collect at the end of the file, when its other fixtures are gone."""
    yield
    gc.collect()
