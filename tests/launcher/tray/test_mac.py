"""Template images and the main thread, on modules of the test's own; the real ones: packaging/check_desktop.py on macOS."""

import io
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from launcher.tray.art import tray_icon
from launcher.tray.mac import POINTS, mac_parts, template_icon, template_image

SOURCE = tray_icon("degraded", 64, "template")


class ToyPicture:
    """An NSBitmapImageRep."""

    def __init__(self, png: bytes) -> None:
        self.image = Image.open(io.BytesIO(png))
        self.points: tuple[int, int] | None = None

    def setSize_(self, points: tuple[int, int]) -> None:  # noqa: N802 - as AppKit has it
        self.points = points


class ToyImage:
    """An NSImage."""

    def __init__(self) -> None:
        self.points: tuple[int, int] | None = None
        self.pictures: list[ToyPicture] = []
        self.template = False

    def initWithSize_(self, points: tuple[int, int]) -> "ToyImage":  # noqa: N802
        self.points = points
        return self

    def addRepresentation_(self, picture: ToyPicture) -> None:  # noqa: N802
        self.pictures.append(picture)

    def setTemplate_(self, template: bool) -> None:  # noqa: N802
        self.template = template


APPKIT = SimpleNamespace(
    NSImage=SimpleNamespace(alloc=ToyImage),
    NSBitmapImageRep=SimpleNamespace(imageRepWithData_=ToyPicture),
)
FOUNDATION = SimpleNamespace(
    NSData=SimpleNamespace(dataWithBytes_length_=lambda data, length: data[:length])
)


def test_a_template_has_a_picture_for_plain_screens_and_one_for_retina() -> None:
    made = template_image(SOURCE, APPKIT, FOUNDATION)
    assert made.template
    assert made.points == (POINTS, POINTS)
    assert [it.image.size for it in made.pictures] == [(18, 18), (36, 36)]
    assert {it.points for it in made.pictures} == {(18, 18)}, (
        "both are of the same size on the screen"
    )
    for picture in made.pictures:
        colors = picture.image.convert("RGBA").getcolors(36 * 36)
        assert colors is not None
        assert {color[:3] for _, color in colors if color[3]} == {(0, 0, 0)}, "black on clear"


class ToyIcon:
    """pystray's, as far as it is leaned on."""

    def __init__(self) -> None:
        self._icon = SOURCE
        self._icon_image: Any = None
        self.shown: list[Any] = []
        button = SimpleNamespace(setImage_=self.shown.append)
        self._status_item = SimpleNamespace(button=lambda: button)

    def _assert_image(self) -> None:
        raise AssertionError("this one is no template")


def test_an_icon_is_made_once_until_it_is_another_one() -> None:
    icon = template_icon(ToyIcon, APPKIT, FOUNDATION)()
    icon._assert_image()
    icon._assert_image()
    (image,) = icon.shown
    assert image.template
    icon._icon_image = None  # what pystray does when it is given another picture
    icon._assert_image()
    assert len(icon.shown) == 2


def test_pystray_still_is_what_we_lean_on() -> None:
    """Its file for macOS cannot be loaded here, but read: the names that `TemplateIcon` uses."""
    from importlib import metadata

    files = metadata.files("pystray") or []
    (path,) = [it for it in files if it.name == "_darwin.py"]
    text = path.read_text()
    for name in (
        "def _assert_image(self)",
        "self._icon_image = None",
        "self._status_item.button().setImage_(",
    ):
        assert name in text


def test_the_parts_are_those_of_pyobjc(monkeypatch: pytest.MonkeyPatch) -> None:
    later = object()
    monkeypatch.setitem(sys.modules, "AppKit", APPKIT)
    monkeypatch.setitem(sys.modules, "Foundation", FOUNDATION)
    helper = SimpleNamespace(AppHelper=SimpleNamespace(callAfter=later))
    monkeypatch.setitem(sys.modules, "PyObjCTools", helper)
    icon_class, found = mac_parts(ToyIcon)
    assert issubclass(icon_class, ToyIcon)
    assert found is later
