r"""
Directives: what a test or a demo writes into a prompt to choose the answer.

A directive stands anywhere in the text of the last user turn, in double square brackets, and is one or more words.
Values may be bare words, JSON strings or JSON objects and lists:

    [[sim text="any text, \u00fcnicode too"]]        answers with this text
    [[sim tool=NAME args={"path":"a.py"}]]           calls the offered tool NAME; without `args` they fit its schema;
                                                     ignored where no such tool is offered (title requests do that)
    [[sim tool=NAME input="raw text"]]               raw input of a custom (freeform) tool
    [[sim tool=A]] [[sim tool=B]]                    parallel calls, in this order; with `text=` the text comes first
    [[sim thinking]]  [[sim thinking="why"]]         reasons first;  [[sim thinking=off]] doesn't, even if asked to
    [[sim tokens=200]]                               a text of exactly 200 tokens
    [[sim bytes=20971520]]                           a text of so many bytes
    [[sim unicode]]                                  a text with characters of 1 to 4 bytes and joined emoji
    [[sim piece=5]]                                  characters per streamed piece (default 24)
    [[sim delay_ms=5]]                               pause before each streamed frame
    [[sim cached=512]]                               so many of the input tokens count as read from the prompt cache
    [[sim finish=refusal]]                           `refusal`, `length` or `pause` instead of the natural end
    [[sim empty]]                                    an answer with no content at all

Words of several directives add up. In a short prompt `use the NAME tool` and `use the tool` call a tool as well.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

_DIRECTIVE = re.compile(r"\[\[sim\s+")
_WORD = re.compile(r"\s*([a-z_]+)(=)?")
_BRIEF = 300
_BARE = re.compile(r"[^\s\]]+")
_USE = re.compile(r"\buse (?:the|a) (?:([A-Za-z0-9_.:-]+) )?tool\b", re.IGNORECASE)


@dataclass
class WantedCall:
    """A tool call somebody asked for; `name` is `None` for whichever tool comes first."""

    name: str | None
    args: Any = None
    text: str | None = None


@dataclass
class Directives:
    """All words of all directives of one prompt."""

    text: str | None = None
    calls: list[WantedCall] = field(default_factory=list)
    thinking: str | None = None
    tokens: int | None = None
    size_bytes: int | None = None
    unicode: bool = False
    piece: int | None = None
    delay_ms: float = 0.0
    cached: int = 0
    finish: str | None = None
    empty: bool = False

    @property
    def any_content(self) -> bool:
        """True if a directive says what to answer."""
        chosen = (self.text, self.tokens, self.size_bytes)
        return bool(self.calls) or self.unicode or self.empty or any(c is not None for c in chosen)


def read(prompt: str) -> Directives:
    """
    The directives in a prompt.

    Raises:
        ValueError: an unknown word, or a value that is no JSON where JSON begins.
    """
    found = Directives()
    for opening in _DIRECTIVE.finditer(prompt):
        _read_words(prompt, opening.end(), found)
    # Tools' own reminders speak of tools too; a person who asks for one is brief.
    if not found.any_content and len(prompt) < _BRIEF and (use := _USE.search(prompt)):
        found.calls.append(WantedCall(use[1]))
    return found


def _read_words(prompt: str, at: int, found: Directives) -> None:
    call: WantedCall | None = None
    while not prompt.startswith("]]", at):
        word = _WORD.match(prompt, at)
        if word is None:
            if prompt[at : at + 1].isspace():
                at += 1
                continue
            raise ValueError(f"a directive breaks off: {prompt[at : at + 40]!r}")
        at = word.end()
        value: Any = True
        if word[2]:
            value, at = _value(prompt, at)
        if word[1] == "tool":
            call = WantedCall(str(value))
            found.calls.append(call)
        elif word[1] in {"args", "input"} and call is not None:
            if word[1] == "args":
                call.args = value
            else:
                call.text = str(value)
        else:
            _set(found, word[1], value)


def _set(found: Directives, word: str, value: Any) -> None:
    if word in {"text", "finish"}:
        setattr(found, word, str(value))
    elif word == "thinking":
        found.thinking = "The user wants an example." if value is True else str(value)
    elif word in {"tokens", "piece", "cached"}:
        setattr(found, word, int(value))
    elif word == "bytes":
        found.size_bytes = int(value)
    elif word == "delay_ms":
        found.delay_ms = float(value)
    elif word in {"unicode", "empty"}:
        setattr(found, word, True)
    else:
        raise ValueError(f"unknown word in a directive: {word}")


def _value(prompt: str, at: int) -> tuple[Any, int]:
    if prompt[at : at + 1] in {'"', "{", "["}:
        try:
            return json.JSONDecoder().raw_decode(prompt, at)
        except json.JSONDecodeError as bad:
            raise ValueError(f"a directive's value is no JSON: {prompt[at : at + 40]!r}") from bad
    bare = _BARE.match(prompt, at)
    if bare is None:
        raise ValueError("a directive's value is missing")
    return bare[0], bare.end()
