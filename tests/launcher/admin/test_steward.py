import inspect

import pytest

from launcher.admin.steward import Steward
from launcher.foreground import House

METHODS = [name for name, _ in inspect.getmembers(Steward, inspect.isfunction) if name[0] != "_"]


def test_there_are_methods() -> None:
    assert METHODS == ["ask", "inspect", "quit", "wish"]


@pytest.mark.parametrize("name", METHODS)
def test_the_launcher_is_one(name: str) -> None:
    assert inspect.signature(getattr(House, name)) == inspect.signature(getattr(Steward, name))
    assert isinstance(House.status, property)
