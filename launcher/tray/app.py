"""
`korproxy tray`: the launcher with its icon.

The icon keeps the main thread, as macOS wants it; the launcher's loop has a thread of its own, which lives as long as the
gateway does. Facts go one way, wishes the other.
"""

import asyncio
import queue
import sys
import threading
import time
import webbrowser
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import replace
from pathlib import Path
from typing import Any

from korproxy_addons.config.problems import ConfigProblems
from korproxy_addons.control.protocol import Notice
from korproxy_addons.errors.exceptions import KorProxyError
from launcher import autostart
from launcher.actions.profiles import use_profile
from launcher.actions.recording import stop_recording
from launcher.admin.server import Serving
from launcher.autostart import own_command
from launcher.foreground import House, Launch, serve
from launcher.supervisor.signals import Wish
from launcher.supervisor.states import Status
from launcher.tray.art import Bar, tray_icon
from launcher.tray.chores import bundle_folder, export_bundle, look_for_updates
from launcher.tray.clipboard import copy
from launcher.tray.facts import Facts
from launcher.tray.gather import gather
from launcher.tray.menu import Action, Item, icon_of, menu_of, tooltip
from launcher.tray.news import News, news_from, news_of
from launcher.tray.port import TrayPort
from launcher.tray.signals import listen_for_signals

LOOK_S = 5.0
LEAST_S = 1.0
# Windows wants every size from 16 to 256 in one file, which is made of the largest.
ICON_PX = 256 if sys.platform == "win32" else 64
_WISHES = {
    Action.START: Wish.START,
    Action.STOP: Wish.STOP,
    Action.RESTART: Wish.RESTART,
    Action.PAUSE: Wish.PAUSE,
    Action.RESUME: Wish.RESUME,
    Action.START_PLAIN: Wish.START_PLAIN,
    Action.START_LAST_GOOD: Wish.START_LAST_GOOD,
}


class Face:
    """
    Shows facts in a tray, no oftener than once a second and only what changed.

    Args:
        tray: Where.
        bar: What the icon stands on.
    """

    def __init__(self, tray: TrayPort, bar: Bar) -> None:
        self._tray = tray
        self._bar = bar
        self._icon = "stopped"
        self._shown: tuple[str, str, tuple[Item, ...]] | None = None
        self._facts: Facts | None = None

    def show(self, facts: Facts) -> None:
        """Show these facts, and tell what is new."""
        before, self._facts = self._facts, facts
        self._icon = icon_of(facts, self._icon)
        now = (self._icon, tooltip(facts), menu_of(facts))
        shown, self._shown = self._shown, now
        if now != shown:
            fresh = shown is None or now[0] != shown[0]
            image = tray_icon(now[0], ICON_PX, self._bar) if fresh else None
            menu = now[2] if shown is None or now[2] != shown[2] else None
            self._tray.show(image, now[1], menu)
        for news in news_of(before, facts) if before is not None else ():
            self._tray.notify(news.title, news.text)


class TrayApp:
    """
    The launcher and its icon.

    Args:
        launch: How the launcher is started.
        make_tray: Makes the tray, given what is told of each choice.
        bar: What the icon stands on.
        run_command: Runs `korproxy WORDS` in the background.
    """

    def __init__(
        self,
        launch: Launch,
        make_tray: Callable[[Callable[[Item], None]], TrayPort],
        bar: Bar,
        run_command: Callable[[list[str]], None],
    ) -> None:
        self._home = launch.home
        self._launch = launch
        self._run_command = run_command
        self._tray = make_tray(self.choose)
        self._face = Face(self._tray, bar)
        self._system = autostart.this_system()
        self._status = Status()
        self._changed = threading.Event()
        self._ended = threading.Event()
        self._notices: queue.SimpleQueue[Notice | None] = queue.SimpleQueue()
        self._ready: Future[tuple[House, asyncio.AbstractEventLoop, Serving]] = Future()
        self._failed: BaseException | None = None

    def run(self) -> None:
        """
        Show the icon until the person quits; the gateway has finished what was in flight when this returns.

        Raises:
            AlreadyRunningError: another launcher keeps this folder.
        """
        listen_for_signals(
            lambda: self.choose(Item("Quit", Action.QUIT)),
            lambda: self.choose(Item("Restart", Action.RESTART)),
        )
        # No system shows an icon without a picture.
        self._face.show(Facts(self._status))
        loop = threading.Thread(target=self._serve, name="launcher")
        loop.start()
        shower = threading.Thread(target=self._show, name="tray facts", daemon=True)
        teller = threading.Thread(target=self._tell, name="tray notices", daemon=True)
        self._tray.run(lambda: _start(shower, teller))
        # The icon may end by itself, where its panel does; the gateway goes with it only if the person quits.
        loop.join()
        if self._failed is not None:
            raise self._failed

    def choose(self, item: Item) -> None:
        """An item was chosen; called in the tray's thread, which must not wait."""
        threading.Thread(target=self._act, args=(item,), name=f"tray {item.action}").start()

    def _act(self, item: Item) -> None:
        try:
            self._obey(item)
        except (KorProxyError, ConfigProblems, OSError) as error:
            text = error.message() if isinstance(error, KorProxyError) else str(error)
            self._tray.notify("KorProxy could not do that", text)
        self._changed.set()

    def _obey(self, item: Item) -> None:
        house, loop, serving = self._ready.result()
        match item.action:
            case Action.COPY_ENDPOINT:
                if not copy(item.argument):
                    self._tray.notify("KorProxy", item.argument)
            case Action.USE_PROFILE:
                use_profile(self._home, item.argument)
            case Action.OPEN_PAGE:
                webbrowser.open(f"{serving.url}/login?ticket={serving.sessions.new_ticket()}")
            case Action.INSPECT:
                self._run_command(own_command("inspect", "--home", str(self._home)))
            case Action.DEBUG_BUNDLE:
                self._say(News("KorProxy", "The debug bundle is being written."))
                self._say(export_bundle(self._home, bundle_folder(Path.home())))
            case Action.STOP_RECORDING:
                stop_recording(self._home)
            case Action.CHECK_UPDATES:
                self._say(look_for_updates(self._home))
            case Action.START_AT_LOGIN:
                if self._system is not None:
                    if self._system.is_on():
                        self._system.turn_off()
                    else:
                        self._system.turn_on(own_command("tray"))
            case Action.QUIT:
                loop.call_soon_threadsafe(house.quit)
            case action if action in _WISHES:
                loop.call_soon_threadsafe(house.wish, _WISHES[action])

    def _say(self, news: News) -> None:
        self._tray.notify(news.title, news.text)

    def _serve(self) -> None:
        """The launcher's thread."""
        try:
            asyncio.run(self._main())
        except BaseException as error:  # noqa: BLE001 - raised again in the main thread
            self._failed = error
        finally:
            self._ended.set()
            self._changed.set()
            self._notices.put(None)
            self._tray.stop()

    async def _main(self) -> None:
        def told(status: Status) -> None:
            self._status = status
            self._changed.set()
            self._launch.on_status(status)

        def up(serving: Serving) -> None:
            house = serving.steward
            assert isinstance(house, House)
            self._ready.set_result((house, asyncio.get_running_loop(), serving))

        def noticed(notice: Notice) -> None:
            self._notices.put(notice)
            self._launch.on_notice(notice)

        launch = replace(
            self._launch, on_status=told, on_notice=noticed, on_admin=up, signals=False
        )
        await serve(launch)

    def _tell(self) -> None:
        """The telling thread: a desktop may take its time to show a notification, and nobody waits for it."""
        while (notice := self._notices.get()) is not None:
            self._say(news_from(notice))

    def _show(self) -> None:
        """The showing thread: at once when something changed, else every few seconds, never oftener than once a second."""
        while not self._ended.is_set():
            self._changed.clear()
            self._face.show(self._facts())
            self._ended.wait(LEAST_S)
            self._changed.wait(LOOK_S)

    def _facts(self) -> Facts:
        on = None if self._system is None else self._system.is_on()
        return gather(
            self._home, self._status, self._healths(), starts_at_login=on, now=time.time()
        )

    def _healths(self) -> list[Mapping[str, Any]]:
        if not self._ready.done() or self._status.pid is None:
            return []
        house, loop, _ = self._ready.result()
        try:
            answer = asyncio.run_coroutine_threadsafe(house.ask("accounts"), loop)
            found: list[Mapping[str, Any]] = answer.result(timeout=LOOK_S)
        except (LookupError, TimeoutError, RuntimeError, CancelledError):
            return []
        return found


def _start(*threads: threading.Thread) -> None:
    for it in threads:
        it.start()
