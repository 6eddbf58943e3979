"""
Custom (freeform) tools for upstreams that only know functions (T139, T140).

On the way up a custom tool becomes a function with one string `input`, and so do its calls in the history. On the
way back `InputReader` unwraps that string while it streams.
"""

import re
from typing import Final

import msgspec

from korproxy_addons.dialects.model import CustomTool, FunctionTool
from korproxy_addons.dialects.payload import encoded_text

_SCHEMA: Final = msgspec.Raw(
    b'{"type":"object","properties":{"input":{"type":"string",'
    b'"description":"The raw input of the tool, exactly as the tool expects it."}},'
    b'"required":["input"],"additionalProperties":false}'
)
_HEAD: Final = re.compile(r'\s*\{\s*"input"\s*:\s*"')
_HEAD_LIMIT: Final = 256
# Up to the closing quote: plain characters and whole escapes; a first half of a pair only with its second.
_CONTENT: Final = re.compile(
    r'(?:[^"\\]++|\\["\\/bfnrt]|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}'
    r"|\\u(?![dD][89a-fA-F])[0-9a-fA-F]{4})*"
)
_LONGEST_ESCAPE: Final = 12
_CONTROL: Final = re.compile("[\x00-\x1f]")


class _Grammar(msgspec.Struct):
    definition: str = ""
    syntax: str = ""


class _Format(msgspec.Struct):
    definition: str = ""
    syntax: str = ""
    grammar: _Grammar | None = None


class _Wrapped(msgspec.Struct):
    input: str


_FORMAT: Final = msgspec.json.Decoder(_Format)
_WRAPPED: Final = msgspec.json.Decoder(_Wrapped)


def as_function(tool: CustomTool) -> FunctionTool:
    """The function that stands in for a custom tool; a grammar goes into the description."""
    lines = [tool.description] if tool.description else []
    if tool.format is not None:
        try:
            form = _FORMAT.decode(tool.format)
        except msgspec.MsgspecError:
            form = _Format()
        grammar = form.grammar or form
        if grammar.definition:
            lines.append(
                f"`input` must match this {grammar.syntax or 'grammar'}:\n{grammar.definition}"
            )
    return FunctionTool(tool.name, "\n\n".join(lines), _SCHEMA)


def as_arguments(text: str) -> str:
    """The arguments of that function for a raw input."""
    return '{"input":' + encoded_text(text) + "}"


class InputReader:
    """
    Unwraps `{"input": "..."}` while it streams.

    Arguments of another form (more keys, broken JSON) are held to the end and then given whole: what
    `input` says if they parse, else as they are.
    """

    __slots__ = ("_held", "_over", "_started")

    def __init__(self) -> None:
        self._held = ""
        self._started = False
        self._over = False

    def feed(self, text: str) -> str:
        """The raw input that can be told so far."""
        if self._over:
            return ""
        self._held += text
        if not self._started:
            head = _HEAD.match(self._held[:_HEAD_LIMIT])
            if not head:
                return ""
            self._started = True
            self._held = self._held[head.end() :]
        out: list[str] = []
        while True:
            content = _CONTENT.match(self._held)
            end = content.end() if content else 0
            out.append(_unescaped(self._held[:end]))
            self._held = self._held[end:]
            if self._held[:1] == '"':
                self._over = True
                self._held = ""
            if len(self._held) < _LONGEST_ESCAPE:
                return "".join(out)
            out.append(self._held[0])  # no escape is this long: a broken one, passed on as it is
            self._held = self._held[1:]

    def close(self) -> str:
        """The rest, when the arguments are over."""
        if self._over:
            return ""
        self._over = True
        held, self._held = self._held, ""
        if self._started:
            return held
        try:
            return _WRAPPED.decode(held).input
        except (ValueError, RecursionError):
            return "" if held.strip() in {"", "{}"} else held


def _unescaped(content: str) -> str:
    if "\\" not in content:
        return content
    plain = _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", content)
    text: str = msgspec.json.decode(f'"{plain}"', type=str)
    return text
