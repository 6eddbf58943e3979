"""What a login tells whoever shows it, and what it asks of them: the terminal now, a page later."""

from enum import StrEnum
from typing import Protocol

from korproxy_addons.auth.device import DeviceCode


class Method(StrEnum):
    """How a person signs in."""

    BROWSER = "browser"
    PASTE = "paste"
    DEVICE = "device"


class LoginWatch(Protocol):
    """
    Shows a login, and takes what the person pastes.

    Attributes:
        can_paste: There is a person who can paste something.
    """

    can_paste: bool

    def page(self, url: str, *, opened: bool, why_paste: str) -> None:
        """
        A page is to be opened.

        Args:
            url: Its address.
            opened: It was opened in the browser.
            why_paste: Why the answer must be pasted; "": it may come by itself.
        """

    def code(self, code: DeviceCode) -> None:
        """A code is to be typed on a page."""

    def note(self, text: str) -> None:
        """Something happened that the login survives."""

    def waiting(self, ends_at: float) -> None:
        """The person's turn; it ends at this moment, Unix seconds."""

    def done(self) -> None:
        """Nothing is waited for any more."""

    async def pasted(self) -> str:
        """
        The next line that the person pastes; waits for ever where nothing can be pasted.

        Raises:
            EOFError: There is no more.
        """
