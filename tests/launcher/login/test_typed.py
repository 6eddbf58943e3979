import asyncio
import getpass
import io
import os
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from launcher.login.typed import TypedLines, read_key


async def every_line(lines: TypedLines) -> list[str]:
    found = []
    with lines.reading():
        try:
            while True:
                found.append(await lines.next())
        except EOFError:
            pass
        with pytest.raises(EOFError):
            await lines.next()
    return found


@pytest.mark.skipif(os.name != "posix", reason="pipes are read by the event loop there")
def test_lines_of_a_pipe_come_as_they_are_written() -> None:
    async def run() -> None:
        reading, writing = os.pipe()
        with os.fdopen(reading) as stream:
            lines = TypedLines(stream)
            with lines.reading():
                waiting = asyncio.ensure_future(lines.next())
                os.write(writing, b"http://local")
                await asyncio.sleep(0)
                assert not waiting.done()
                os.write(writing, "host/ü\r\nrest".encode())
                assert await waiting == "http://localhost/ü"
                os.close(writing)
                assert await lines.next() == "rest"
                with pytest.raises(EOFError):
                    await lines.next()

    asyncio.run(run())


def test_a_file_and_a_stream_are_read_too(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    file.write_text("one\ntwo")
    with file.open() as stream:
        assert asyncio.run(every_line(TypedLines(stream))) == ["one", "two"]
    assert asyncio.run(every_line(TypedLines(io.StringIO("one\n\ntwo\n")))) == ["one", "", "two"]


@pytest.mark.skipif(os.name != "posix", reason="terminals as POSIX has them")
def test_a_terminal_does_not_show_what_is_pasted_and_is_as_before_afterwards() -> None:
    import termios

    def echoes(number: int) -> bool:
        return bool(termios.tcgetattr(number)[3] & termios.ECHO)

    async def run() -> None:
        mine, theirs = os.openpty()
        with os.fdopen(theirs) as stream:
            lines = TypedLines(stream)
            assert echoes(theirs)
            with suppress(RuntimeError), lines.reading():
                assert not echoes(theirs)
                os.write(mine, b"the-code\n")
                assert await lines.next() == "the-code"
                raise RuntimeError("whatever ends it")
            assert echoes(theirs)
        os.close(mine)

    asyncio.run(run())


def test_a_key_is_piped_in_or_typed_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(" sk-piped \n"))
    assert read_key("Key: ") == "sk-piped"

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal())
    asked: list[str] = []

    def unseen(prompt: str, stream: object) -> str:
        asked.append(prompt)
        assert stream is sys.stderr
        return " sk-typed "

    monkeypatch.setattr(getpass, "getpass", unseen)
    assert read_key("Key: ") == "sk-typed"
    assert asked == ["Key: "]
