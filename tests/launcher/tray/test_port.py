import inspect

import pytest

from launcher.tray.icon import PystrayIcon
from launcher.tray.port import TrayPort

METHODS = [name for name, _ in inspect.getmembers(TrayPort, inspect.isfunction) if name[0] != "_"]


def test_there_are_methods() -> None:
    assert METHODS == ["notify", "run", "show", "stop"]


@pytest.mark.parametrize("name", METHODS)
def test_what_shows_the_icon_can_all_a_tray_must(name: str) -> None:
    wanted = inspect.signature(getattr(TrayPort, name))
    assert inspect.signature(getattr(PystrayIcon, name)) == wanted
