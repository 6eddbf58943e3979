"""
Exceptions in hooks of any addon, also of those that are not ours.

mitmproxy logs them and goes on, as if the addon had agreed: a user's script that takes names out of prompts would fail
open. Here a hook is watched while it runs, so that the stream can end the exchange instead. The link between the two is
what mitmproxy logs, which is all it tells.
"""

import logging
from contextvars import ContextVar
from typing import Any

from mitmproxy.proxy.commands import StartHook

_ADDON_LOG = "mitmproxy.addonmanager"


class HookWatch:
    """Whether some handler of one hook has raised."""

    def __init__(self) -> None:
        self.failed = False


_WATCH: ContextVar[HookWatch | None] = ContextVar("watch", default=None)


class _Listener(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        watch = _WATCH.get()
        if watch is not None and record.exc_info:
            watch.failed = True


_LISTENER = _Listener(logging.ERROR)


def listen_for_failures() -> None:
    """Begin to hear of exceptions; more than once is the same as once."""
    logging.getLogger(_ADDON_LOG).addHandler(_LISTENER)


def watch(hook: StartHook) -> HookWatch:
    """
    Watch `hook`, which is about to be handed to the addons.

    Each hook has a task of its own, which asks for the arguments before it calls a handler: from then on what is logged in
    that task is of this hook.
    """
    found = HookWatch()
    arguments = hook.args

    def args() -> list[Any]:
        _WATCH.set(found)
        return arguments()

    hook.args = args  # type: ignore[method-assign]
    return found
