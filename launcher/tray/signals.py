"""Signals while a tray library holds the main thread, where Python would hear of them only when that library lets it."""

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Callable

_ENDS: list[socket.socket] = []


def listen_for_signals(on_end: Callable[[], None], on_restart: Callable[[], None]) -> None:
    """
    Have SIGTERM and SIGINT call `on_end`, and SIGHUP `on_restart`, in a thread of their own; the main thread must call this.

    The interpreter writes a byte for each signal as it comes, whatever the main thread does.
    """
    reading, writing = socket.socketpair()
    writing.setblocking(False)
    calls = {signal.SIGTERM: on_end, signal.SIGINT: on_end}
    if os.name == "posix":
        calls[signal.SIGHUP] = on_restart
    for number in calls:
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
    _ENDS.extend((reading, writing))  # they live as long as the process
    threading.Thread(target=_listen, args=(reading, calls), name="signals", daemon=True).start()


def _listen(reading: socket.socket, calls: dict[signal.Signals, Callable[[], None]]) -> None:
    while numbers := reading.recv(64):
        for number in numbers:
            with contextlib.suppress(KeyError, ValueError):
                calls[signal.Signals(number)]()
