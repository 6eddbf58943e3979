"""A real Chromium, headless, that a test leads by the hand: open a page, press a button, read what it shows."""

import asyncio
import json
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from support.browser import _QUIET, needs_browser
from support.waiting import PATIENCE_S, until

_CENTRE = """(selector => {
  const found = document.querySelector(selector);
  found?.scrollIntoView({block: "center", behavior: "instant"});
  const box = found?.getBoundingClientRect();
  return box ? {x: box.x + box.width / 2, y: box.y + box.height / 2} : null;
})"""


class Chromium:
    """
    `with Chromium() as browser: browser.visit(url); browser.click("#approve"); browser.text()`.

    One page; spoken to over Chromium's own debugging protocol.
    """

    def __enter__(self) -> Self:
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        profile = Path(self._profile.name)
        self._process = subprocess.Popen(
            [
                str(needs_browser()), *_QUIET, f"--user-data-dir={profile}",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
                "--remote-debugging-port=0", "about:blank",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # its many processes end together
        )  # fmt: skip
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        try:
            port = until(lambda: _port(profile / "DevToolsActivePort"))
            self._run(self._connect(port))
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._run(self._disconnect())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
            if os.name == "posix":
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
            self._process.wait()
            self._profile.cleanup()

    def visit(self, url: str) -> None:
        """Go to a page and wait until it is there; an address that nobody answers is an error page."""
        self._run(self._navigate(url))

    def click(self, selector: str) -> None:
        """Press what a selector finds, where it is on the page, as a mouse does."""
        # a page that was not drawn yet lets a click fall through
        until(lambda: self.evaluate("performance.getEntriesByType('paint').length"))
        place = until(lambda: self.evaluate(f"{_CENTRE}({json.dumps(selector)})"))
        mouse = {**place, "button": "left", "clickCount": 1}
        for kind in ("mousePressed", "mouseReleased"):
            self._run(self._ask("Input.dispatchMouseEvent", {"type": kind, **mouse}))

    def evaluate(self, script: str) -> Any:
        """The value of a script in the page; None while the page changes."""
        try:
            answer = self._run(
                self._ask("Runtime.evaluate", {"expression": script, "returnByValue": True})
            )
        except ConnectionError:
            return None
        return answer.get("result", {}).get("value")

    def text(self) -> str:
        """What the page shows; nothing as long as it is being read."""
        whole = "document.readyState !== 'loading' && document.body"
        return str(self.evaluate(f"{whole} ? document.body.innerText : ''") or "")

    def wait_for_text(self, words: str) -> str:
        """What the page shows, once these words are in it."""
        return until(lambda: text if words in (text := self.text()) else None)

    def address(self) -> str:
        """What stands in the address bar."""
        try:
            history = self._run(self._ask("Page.getNavigationHistory", {}))
        except ConnectionError:  # the page changes just now
            return ""
        return str(history["entries"][history["currentIndex"]]["url"])

    def wait_for_address(self, words: str) -> str:
        """What stands in the address bar, once these words are in it."""
        return until(lambda: found if words in (found := self.address()) else None)

    def _run[Answer](self, work: Coroutine[Any, Any, Answer]) -> Answer:
        asked = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return asked.result(PATIENCE_S)
        finally:
            asked.cancel()  # what took too long does not go on behind the test's back

    async def _connect(self, port: int) -> None:
        self._session = aiohttp.ClientSession()
        async with self._session.get(f"http://127.0.0.1:{port}/json/list") as reply:
            pages = [it for it in await reply.json() if it["type"] == "page"]
        self._socket = await self._session.ws_connect(
            pages[0]["webSocketDebuggerUrl"], max_msg_size=0
        )
        self._number = 0
        self._loaded = False
        await self._ask("Page.enable", {})

    async def _disconnect(self) -> None:
        if hasattr(self, "_socket"):
            # The session's end is not the socket's: one that is let go of open is found by the collector, in some later test.
            await self._socket.close()
        if hasattr(self, "_session"):
            await self._session.close()

    async def _navigate(self, url: str) -> None:
        self._loaded = False
        await self._ask("Page.navigate", {"url": url})
        while not self._loaded or not await self._is_whole():
            self._note(await self._socket.receive_json())

    async def _is_whole(self) -> bool:
        """Whether the page is there: the event may have been that of the page before."""
        try:
            answer = await self._ask("Runtime.evaluate", {"expression": "document.readyState"})
        except ConnectionError:
            return False
        return bool(answer["result"].get("value") == "complete")

    async def _ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": params})
        while True:
            message = await self._socket.receive_json()
            self._note(message)
            if message.get("id") == self._number:
                if "error" in message:
                    raise ConnectionError(message["error"]["message"])
                result: dict[str, Any] = message["result"]
                return result

    def _note(self, message: dict[str, Any]) -> None:
        self._loaded |= message.get("method") == "Page.loadEventFired"


def _port(file: Path) -> int | None:
    try:
        first, _, _ = file.read_text().partition("\n")
        return int(first)
    except (OSError, ValueError):
        return None
