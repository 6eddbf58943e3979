"""Arguments of a call that come in pieces, each with the path of its place."""

import re
from itertools import pairwise
from typing import Any, Final

import msgspec

from korproxy_addons.dialects.gemini.wire import PartialArg, is_null
from korproxy_addons.errors.catalogue import UPSTREAM_INVALID_REPLY
from korproxy_addons.errors.exceptions import KorProxyError

_STEP: Final = re.compile(r"""\.?([^.\[\]'"]+)|\[(\d{1,6})\]|\['([^']*)'\]|\["([^"]*)"\]""")
_DEPTH_LIMIT: Final = 64


class _Text:
    """A string that is still growing."""

    __slots__ = ("pieces",)

    def __init__(self) -> None:
        self.pieces: list[str] = []


class PartialArgs:
    """
    Builds one call's arguments.

    Attributes:
        unfinished: A string was announced to go on and has not ended.
    """

    __slots__ = ("_root", "unfinished")

    def __init__(self) -> None:
        self._root: dict[str, Any] = {}
        self.unfinished = False

    def add(self, piece: PartialArg) -> None:
        """
        Take a piece; texts of one path are joined.

        Raises:
            KorProxyError: UPSTREAM_INVALID_REPLY, the path leads nowhere.
        """
        steps = _steps(piece.json_path)
        self.unfinished = bool(piece.will_continue)
        place: Any = self._root
        for step, following in pairwise(steps):
            child = _at(place, step)
            if not isinstance(child, dict | list):
                child = [] if isinstance(following, int) else {}
                _put(place, step, child)
            place = child
        if piece.string_value is None:
            _put(place, steps[-1], _plain(piece))
            return
        text = _at(place, steps[-1])
        if not isinstance(text, _Text):
            text = _Text()
            _put(place, steps[-1], text)
        text.pieces.append(piece.string_value)

    def text(self) -> str:
        """The JSON text of everything so far."""
        return msgspec.json.encode(_settled(self._root)).decode()


def _steps(path: str) -> list[str | int]:
    steps: list[str | int] = []
    place = 1 if path.startswith("$") else 0
    while place < len(path):
        found = _STEP.match(path, place)
        if found is None or len(steps) >= _DEPTH_LIMIT:
            raise _nowhere(path)
        place = found.end()
        key = next(group for group in found.groups() if group is not None)
        steps.append(int(key) if found[2] else key)
    if not steps:
        raise _nowhere(path)
    return steps


def _at(place: Any, step: str | int) -> Any:
    if isinstance(place, dict):
        return place.get(str(step))
    if isinstance(place, list) and isinstance(step, int) and step < len(place):
        return place[step]
    return None


def _put(place: Any, step: str | int, value: Any) -> None:
    if isinstance(place, dict):
        place[str(step)] = value
    elif not isinstance(step, int) or step > len(place):
        raise _nowhere(str(step))
    elif step == len(place):
        place.append(value)
    else:
        place[step] = value


def _plain(piece: PartialArg) -> Any:
    return piece.bool_value if is_null(piece.number_value) else piece.number_value


def _settled(value: Any) -> Any:
    if isinstance(value, _Text):
        return "".join(value.pieces)
    if isinstance(value, dict):
        return {key: _settled(child) for key, child in value.items()}
    return [_settled(child) for child in value] if isinstance(value, list) else value


def _nowhere(path: str) -> KorProxyError:
    return KorProxyError(UPSTREAM_INVALID_REPLY, f"a call's argument has no place: {path[:80]!r}")
