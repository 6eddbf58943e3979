"""The provider registry with the user's own words on top: `registry.json` in the KorProxy folder."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

from korproxy_addons.providers.registry import REGISTRY, Registry, Routes, decode_registry

log = logging.getLogger("korproxy.registry")

FILE_NAME = "registry.json"
_LIMIT_BYTES = 256 * 1024


def load_routes(home: Path, clock: Callable[[], float] = time.time) -> Routes:
    """
    The ways in as they stand today.

    Args:
        home: The KorProxy folder; a `registry.json` in it, in the form of the shipped one, wins for the ways in it names.
        clock: Unix seconds.
    """
    return _registry(home).on(day_of(clock()))


def day_of(now: float) -> date:
    """The day of an instant, in UTC."""
    return datetime.fromtimestamp(now, UTC).date()


def _registry(home: Path) -> Registry:
    path = home / FILE_NAME
    try:
        with path.open("rb") as file:
            data = file.read(_LIMIT_BYTES)
    except FileNotFoundError:
        return REGISTRY
    except OSError as error:
        _say(path, error.strerror or type(error).__name__)
        return REGISTRY
    try:
        return REGISTRY.with_overrides(decode_registry(data))
    except (ValueError, RecursionError) as error:
        _say(path, str(error))
        return REGISTRY


def _say(path: Path, reason: str) -> None:
    # The shipped registry is better than none: nobody is locked out by a slip in a file.
    fields = {"file": str(path), "problem": reason}
    log.warning("registry file not used", extra={"fields": fields})
