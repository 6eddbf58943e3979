from itertools import combinations

import pytest
from PIL import Image, ImageChops

from launcher.tray.art import NAMES, SIZES, Bar, tray_icon

BARS: tuple[Bar, ...] = ("light", "dark", "template")


def ink(icon: Image.Image) -> float:
    """Share of the square that is covered."""
    return sum(icon.getchannel("A").tobytes()) / 255 / (icon.width * icon.height)


def pixels(icon: Image.Image) -> list[tuple[int, int, int, int]]:
    """Red, green, blue and coverage of each."""
    data = icon.tobytes()
    return [(data[i], data[i + 1], data[i + 2], data[i + 3]) for i in range(0, len(data), 4)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("bar", BARS)
def test_every_icon_has_every_size(size: int, bar: Bar) -> None:
    for name in NAMES:
        icon = tray_icon(name, size, bar)
        assert (icon.size, icon.mode) == ((size, size), "RGBA")
        assert 0.15 < ink(icon) < 0.6, name


def test_states_differ_by_shape_alone() -> None:
    """A template icon has no colour: what is left must still tell them apart, at the smallest size, too."""
    for one, other in combinations(NAMES, 2):
        shapes = [tray_icon(name, 16, "template").getchannel("A") for name in (one, other)]
        difference = sum(ImageChops.difference(*shapes).tobytes()) / 255
        assert difference > 10, (one, other)


def test_a_template_is_black_on_clear() -> None:
    for name in NAMES:
        icon = tray_icon(name, 36, "template")
        for red, green, blue, alpha in pixels(icon):
            assert alpha == 0 or (red, green, blue) == (0, 0, 0)


def test_the_mark_stands_out_from_its_bar() -> None:
    brightness = {}
    for bar in ("light", "dark"):
        icon = tray_icon("running", 64, bar)
        solid = [pixel for pixel in pixels(icon) if pixel[3] == 255]
        brightness[bar] = sum(sum(pixel[:3]) for pixel in solid) / len(solid) / 3
    assert brightness["light"] < 60
    assert brightness["dark"] > 200
