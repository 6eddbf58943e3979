"""A sign-in as the terminal shows it: what to do, how long there is, how to stop."""

import asyncio
import time
from collections.abc import Callable

from rich.console import Console
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from korproxy_addons.auth.device import DeviceCode
from launcher.login.typed import TypedLines

_TICK_S = 0.5


class TerminalWatch:
    """
    Shows a sign-in on a console, which is standard error's: standard output holds the result alone.

    Args:
        console: Where to.
        lines: What the person types; None: nothing is read.
        clock: Unix seconds.
    """

    def __init__(
        self,
        console: Console,
        lines: TypedLines | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._console = console
        self._lines = lines
        self.can_paste = lines is not None
        self._clock = clock
        self._live: Live | None = None
        self._ends_at = 0.0
        self._what = "Waiting for the browser"

    def page(self, url: str, *, opened: bool, why_paste: str) -> None:
        """See LoginWatch."""
        say = self._console.print
        say()
        if opened:
            say("[bold]1.[/] A page was opened in your browser. If you do not see it, open:")
        else:
            say("[bold]1.[/] Open this page in a browser:")
        say()
        # One unbroken line, so that it can be copied whole; a click works where the terminal knows links.
        say(Text(url, style=f"cyan link {url}"), soft_wrap=True)
        say()
        if why_paste:
            self._what = "Waiting for what you paste"
            reason = "" if why_paste.startswith("paste ") else f" ({why_paste})"
            say(f"[bold]2.[/] Allow it there{reason}, then {_paste_words(why_paste)}")
        else:
            say("[bold]2.[/] Allow it there. KorProxy goes on by itself.")
            if self._lines is not None:
                say(
                    "   [dim]Browser on another machine? Paste the address it ends on here, and press"
                    " Enter (it stays unseen).[/]"
                )
        say()

    def code(self, code: DeviceCode) -> None:
        """See LoginWatch."""
        say = self._console.print
        say()
        say("[bold]1.[/] Open this page on any device:")
        say()
        url = code.url_complete or code.url
        say(Text(url, style=f"cyan link {url}"), soft_wrap=True)
        say()
        say(
            "[bold]2.[/] Type this code, and allow it:"
            if not code.url_complete
            else "[bold]2.[/] Check that it shows this code, and allow it:"
        )
        say()
        say(Panel.fit(Text(code.user_code, style="bold"), padding=(0, 3), border_style="cyan"))
        say()
        self._what = "Waiting for you to allow it"

    def note(self, text: str) -> None:
        """See LoginWatch."""
        self._console.print(f"[yellow]![/] {text}")

    def waiting(self, ends_at: float) -> None:
        """See LoginWatch."""
        self._ends_at = ends_at
        if not self._console.is_terminal:
            self._console.print(self._line())
            return
        self._live = Live(
            get_renderable=self._line, console=self._console, transient=True,
            refresh_per_second=1 / _TICK_S,
        )  # fmt: skip
        self._live.start()

    def done(self) -> None:
        """See LoginWatch."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    async def pasted(self) -> str:
        """See LoginWatch."""
        if self._lines is None:
            never: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            return await never
        return await self._lines.next()

    def _line(self) -> Text:
        left_s = max(round(self._ends_at - self._clock()), 0)
        minutes, seconds = divmod(left_s, 60)
        return Text.assemble(
            (f"{self._what}… ", ""), (f"{minutes}:{seconds:02d}", "bold"), (" left; ", ""),
            ("Ctrl-C stops.", "dim"),
        )  # fmt: skip


def _paste_words(why: str) -> str:
    if why == "paste the code that the page shows":
        return "paste the code that the page shows here and press Enter."
    return (
        "paste the address it ends on here and press Enter.\n"
        "   [dim]The page may say that it cannot be reached: its address is what counts.[/]"
    )
