"""
What pystray leaves out on macOS: a template image, sharp on every screen, and changes on the main thread alone.

The system colours a template image itself, to fit a light bar and a dark one. The modules of PyObjC are handed in, as no other
system has them.
"""

import io
from collections.abc import Callable
from typing import Any

from PIL.Image import Image, Resampling

POINTS = 18
"""Height of an icon in the menu bar."""
PIXELS = (POINTS, 2 * POINTS)
"""One picture for plain screens and one for Retina's."""


def template_image(source: Image, appkit: Any, foundation: Any) -> Any:
    """
    An NSImage of both sizes.

    Args:
        source: The icon, black on clear.
        appkit: PyObjC's module of this name.
        foundation: The same.
    """
    image = appkit.NSImage.alloc().initWithSize_((POINTS, POINTS))
    for edge in PIXELS:
        png = io.BytesIO()
        source.resize((edge, edge), Resampling.LANCZOS).save(png, "png")
        data = foundation.NSData.dataWithBytes_length_(png.getvalue(), len(png.getvalue()))
        picture = appkit.NSBitmapImageRep.imageRepWithData_(data)
        # In points: that is what tells the system which of the two belongs to which screen.
        picture.setSize_((POINTS, POINTS))
        image.addRepresentation_(picture)
    image.setTemplate_(True)
    return image


def template_icon(base: type[Any], appkit: Any, foundation: Any) -> type[Any]:
    """
    Pystray's icon class for macOS, with template images.

    Args:
        base: `pystray.Icon`.
        appkit: PyObjC's module of this name.
        foundation: The same.
    """

    class TemplateIcon(base):  # type: ignore[misc] # it has no types
        _icon_image: Any

        def _assert_image(self) -> None:
            if self._icon_image is None:
                self._icon_image = template_image(self._icon, appkit, foundation)
                self._status_item.button().setImage_(self._icon_image)

    return TemplateIcon


def mac_parts(base: type[Any]) -> tuple[type[Any], Callable[[Callable[[], None]], None]]:
    """The icon's class, and what has a call made in the main thread; on macOS only."""
    import AppKit  # noqa: PLC0415 - macOS alone has them
    import Foundation  # noqa: PLC0415
    from PyObjCTools import AppHelper  # noqa: PLC0415

    return template_icon(base, AppKit, Foundation), AppHelper.callAfter
