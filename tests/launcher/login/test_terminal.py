import asyncio
import io

import pytest
from pydantic import SecretStr
from rich.console import Console

from korproxy_addons.auth.device import DeviceCode
from launcher.login.terminal import TerminalWatch
from launcher.login.typed import TypedLines
from support.clock import FakeClock

URL = "https://auth.openai.com/oauth/authorize?" + "x" * 300


def watch(*, typed: str | None = None, terminal: bool = False) -> tuple[TerminalWatch, io.StringIO]:
    shown = io.StringIO()
    console = Console(file=shown, width=60, force_terminal=terminal, color_system=None)
    lines = None if typed is None else TypedLines(io.StringIO(typed))
    return TerminalWatch(console, lines, FakeClock()), shown


def test_an_address_stands_on_one_line_to_be_copied() -> None:
    shower, shown = watch()
    shower.page(URL, opened=False, why_paste="")
    assert URL in shown.getvalue().splitlines()
    assert "Open this page" in shown.getvalue()
    assert "Paste" not in shown.getvalue()  # nobody could paste anything


def test_what_was_opened_is_said_and_pasting_offered() -> None:
    shower, shown = watch(typed="")
    shower.page(URL, opened=True, why_paste="")
    assert "was opened in your browser" in shown.getvalue()
    assert "Browser on another machine?" in shown.getvalue()


@pytest.mark.parametrize(
    ("why", "words"),
    [
        ("paste the code that the page shows", "paste the code that the page shows"),
        ("paste the address", "that it cannot be reached"),
        ("another program holds port 1455", "(another program holds port 1455)"),
    ],
)
def test_what_to_paste_is_said(why: str, words: str) -> None:
    shower, shown = watch(typed="")
    shower.page(URL, opened=True, why_paste=why)
    assert words in shown.getvalue()


@pytest.mark.parametrize(
    ("complete", "address"), [("", "https://x/d"), ("https://x/d?c=A", "https://x/d?c=A")]
)
def test_a_code_is_shown_with_its_page(complete: str, address: str) -> None:
    shower, shown = watch()
    code = DeviceCode(
        user_code="ABCD-EFGH", url="https://x/d", url_complete=complete,
        device_code=SecretStr("planted"), expires_at=0,
    )  # fmt: skip
    shower.code(code)
    assert address in shown.getvalue().splitlines()
    assert "ABCD-EFGH" in shown.getvalue()
    assert "planted" not in shown.getvalue()


def test_without_a_terminal_the_time_left_is_said_once() -> None:
    shower, shown = watch()
    shower.waiting(FakeClock().now + 300)
    shower.done()
    assert "5:00 left" in shown.getvalue()


def test_at_a_terminal_the_time_runs_and_leaves_nothing_behind() -> None:
    shower, shown = watch(terminal=True)
    shower.waiting(FakeClock().now + 65)
    shower.done()
    shower.done()  # once more does no harm
    assert "1:05 left" in shown.getvalue()
    assert shown.getvalue().endswith("\x1b[2K")  # the line is wiped


def test_notes_stand_out() -> None:
    shower, shown = watch()
    shower.note("Not taken.")
    assert shown.getvalue() == "! Not taken.\n"


def test_what_is_typed_comes_through_and_nothing_never_comes() -> None:
    async def pasted(shower: TerminalWatch, lines: TypedLines) -> str:
        with lines.reading():
            return await shower.pasted()

    lines = TypedLines(io.StringIO("the code\n"))
    shower = TerminalWatch(Console(file=io.StringIO()), lines)
    assert shower.can_paste
    assert asyncio.run(pasted(shower, lines)) == "the code"

    async def never() -> None:
        silent, _ = watch()
        assert not silent.can_paste
        waiting = asyncio.ensure_future(silent.pasted())
        await asyncio.sleep(0)
        assert not waiting.done()
        waiting.cancel()

    asyncio.run(never())
