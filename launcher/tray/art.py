"""
The tray's icons, drawn at every size that a system asks for.

A mark (a gate whose one way in forks into several out) and a badge cut out of its lower right. The shape alone says the state;
colour repeats it, and is left out of the template variant, which macOS colours itself. Coordinates are those of a 32-unit square.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw as Draw

type Point = tuple[float, float]
type Bar = Literal["light", "dark", "template"]

SIZES = (16, 20, 22, 24, 32, 36, 48, 64, 128, 256)
NAMES = ("running", "degraded", "failed", "paused", "stopped")
_UNITS = 32
_OVERSAMPLING = 4
_STROKE = 4.6
_STEPS = 24

_INK: dict[Bar, str] = {"light": "#1C1B19", "dark": "#F3F2EE", "template": "#000000"}
_GREY: dict[Bar, str] = {"light": "#77736B", "dark": "#A3A097", "template": "#000000"}
_BADGES: dict[str, dict[Bar, str]] = {
    "degraded": {"light": "#C77800", "dark": "#FFB938", "template": "#000000"},
    "failed": {"light": "#D1362B", "dark": "#FF7A6B", "template": "#000000"},
    "paused": {"light": "#1D54C4", "dark": "#8AB0FF", "template": "#000000"},
}
_TRIANGLE: tuple[Point, ...] = ((23, 16.2), (30.6, 29.6), (15.4, 29.6))


def tray_icon(name: str, size_px: int, bar: Bar) -> Image.Image:
    """
    One icon, RGBA.

    Args:
        name: One of NAMES.
        size_px: Edge of the square.
        bar: What it stands on; `template` is black on clear.
    """
    scale = size_px * _OVERSAMPLING / _UNITS
    edge = size_px * _OVERSAMPLING
    # Shapes are drawn as coverage and coloured afterwards, so that no edge bears a colour of what is below it.
    mark = Image.new("L", (edge, edge), 0)
    _draw_mark(_Pen(ImageDraw.Draw(mark), scale, 255))
    _CUTS[name](_Pen(ImageDraw.Draw(mark), scale, 0))
    badge = Image.new("L", (edge, edge), 0)
    _DRAWN[name](_Pen(ImageDraw.Draw(badge), scale, 255))
    ink = _GREY[bar] if name == "stopped" else _INK[bar]
    icon = Image.new("RGBA", (edge, edge), (0, 0, 0, 0))
    for coverage, color in ((mark, ink), (badge, _BADGES.get(name, _GREY)[bar])):
        icon.paste(Image.new("RGBA", (edge, edge), color), (0, 0), coverage)
    return icon.resize((size_px, size_px), Image.Resampling.LANCZOS)


class _Pen:
    """Draws in units of the 32-unit square."""

    def __init__(self, draw: "Draw", scale: float, value: int) -> None:
        self._draw = draw
        self._scale = scale
        self._value = value

    def line(self, points: Sequence[Point], width: float) -> None:
        """A stroke with round ends and joints."""
        scaled = [(x * self._scale, y * self._scale) for x, y in points]
        radius = width * self._scale / 2
        self._draw.line(scaled, fill=self._value, width=round(2 * radius))
        for x, y in scaled:
            self._draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=self._value)

    def area(self, points: Sequence[Point], width: float) -> None:
        """A filled shape with a stroke around it."""
        self._draw.polygon([(x * self._scale, y * self._scale) for x, y in points], self._value)
        self.line([*points, points[0]], width)

    def box(self, left: float, top: float, width: float, height: float, radius: float) -> None:
        """A filled rectangle with round corners."""
        corners = (left, top, left + width, top + height)
        self._draw.rounded_rectangle(
            tuple(it * self._scale for it in corners), radius * self._scale, fill=self._value
        )


def _curve(start: Point, first: Point, second: Point, end: Point) -> list[Point]:
    """A cubic Bézier curve as a polyline."""
    found = []
    for step in range(_STEPS + 1):
        t = step / _STEPS
        weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
        points = (start, first, second, end)
        found.append(
            (
                sum(w * p[0] for w, p in zip(weights, points, strict=True)),
                sum(w * p[1] for w, p in zip(weights, points, strict=True)),
            )
        )
    return found


def _draw_mark(pen: _Pen) -> None:
    pen.line([(6.5, 4.5), (6.5, 27.5)], _STROKE)
    upper = _curve((10.5, 16), (17.5, 16), (16.5, 5.5), (25.5, 5.5))
    pen.line([(6.5, 16), *upper], _STROKE)
    pen.line(_curve((10.5, 16), (17.5, 16), (16.5, 26.5), (25.5, 26.5)), _STROKE)


def _nothing(_pen: _Pen) -> None:
    return


_CUTS: dict[str, Callable[[_Pen], None]] = {
    "running": _nothing,
    "degraded": lambda pen: pen.area(_TRIANGLE, 5.6),
    "failed": lambda pen: pen.box(13.4, 13.4, 20, 20, 6),
    "paused": lambda pen: pen.box(14.6, 13.2, 19, 20, 5),
    "stopped": lambda pen: pen.line([(5, 27), (27, 5)], 8.4),
}


def _cross(pen: _Pen) -> None:
    pen.line([(18.2, 18.2), (29, 29)], 4.4)
    pen.line([(29, 18.2), (18.2, 29)], 4.4)


def _bars(pen: _Pen) -> None:
    pen.line([(19.6, 18), (19.6, 29)], 4.4)
    pen.line([(27.4, 18), (27.4, 29)], 4.4)


_DRAWN: dict[str, Callable[[_Pen], None]] = {
    "running": _nothing,
    "degraded": lambda pen: pen.area(_TRIANGLE, 1.6),
    "failed": _cross,
    "paused": _bars,
    "stopped": lambda pen: pen.line([(5, 27), (27, 5)], 3.2),
}
