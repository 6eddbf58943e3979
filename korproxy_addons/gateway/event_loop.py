"""The event loop of our own process: uvloop where it is installed, else asyncio's."""

import asyncio
import gc
import inspect
from typing import Any


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A loop for `asyncio.run(..., loop_factory=new_event_loop)`."""
    try:
        import uvloop  # noqa: PLC0415 - not there on Windows
    except ImportError:
        return asyncio.new_event_loop()
    _accept_eager_start()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def settle() -> None:
    """
    Everything loaded by now stays for good: leave it out of garbage collections.

    Nothing else about the collector is changed. mitmproxy's layers are cycles, and a lazier collector was measured to pause
    for a tenth of a second.
    """
    gc.collect()
    gc.freeze()
    # Off since `quick_start.hurry`.
    gc.enable()


def _accept_eager_start() -> None:
    """
    Let `asyncio.eager_task_factory`, which mitmproxy installs, take the argument that uvloop hands to every factory.

    Python before 3.13.3 has a factory that refuses it.
    """
    factory: Any = asyncio.eager_task_factory
    parameters = inspect.signature(factory).parameters
    takes = "eager_start" in parameters or any(
        it.kind is inspect.Parameter.VAR_KEYWORD for it in parameters.values()
    )
    if takes:
        return

    def accepting(
        loop: asyncio.AbstractEventLoop, coroutine: Any, *, eager_start: bool = True, **named: Any
    ) -> Any:
        del eager_start  # always
        return factory(loop, coroutine, **named)

    asyncio.__dict__["eager_task_factory"] = accepting  # the attribute's type says less than it may
