"""
The gateway with an exception planted somewhere: `python -m support.planted PLACE [engine arguments]`.

PLACE is `module:Name` or `module:Class.method`; whatever stands there raises when it is called. For a hook the exception is
planted inside the decorator, where the addon's own code would raise it.
"""

import importlib
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from korproxy_addons.gateway import hook

CANARY = "planted-canary-5d1f"


class Planted(Exception):
    """What raises."""


def boom(*_arguments: object, **_named: object) -> NoReturn:
    """Raise, with a text that must be seen nowhere."""
    raise Planted(CANARY)


def plant(place: str) -> None:
    """Make `place` raise."""
    module_name, _, path = place.partition(":")
    owner: Any = importlib.import_module(module_name)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    old = getattr(owner, name)
    kinds: dict[str, Callable[..., Any]] = {
        "requestheaders": hook.request_hook,
        "request": hook.request_hook,
        "responseheaders": hook.response_hook,
        "response": hook.closing_hook,
        "error": hook.closing_hook,
    }
    decorated = hasattr(old, "__wrapped__") and name in kinds
    setattr(owner, name, kinds[name](boom) if decorated else boom)


if __name__ == "__main__":
    from korproxy_addons.__main__ import main

    plant(sys.argv[1])
    sys.exit(main(sys.argv[2:]))
