"""
What rules may ask about a request's body, whichever dialect it is in: one typed look, no whole decode.

The dialects' fields have different names, so that one struct reads them all, and a body of one dialect on the path of
another too. What is malformed is read as absent: whether the request is right is for others to say.
"""

from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import Raw, Struct

BYTES_PER_TOKEN: Final = 4
PICTURE_TOKENS: Final = 1500
"""About what a picture costs at any provider."""

_DEEPEST: Final = 5
_PICTURES: Final = frozenset({"image", "image_url", "input_image"})
_NO_EFFORT: Final = frozenset({"none", "minimal"})


class Traits(Struct, frozen=True):
    """
    What a body says.

    Attributes:
        input_tokens: About how many tokens the prompt has.
        pictures: How many pictures it holds.
        tools: It offers tools of the client's own.
        web_search: It offers the provider's web search.
        thinking: It asks for reasoning.
        max_tokens: Limit of the answer, if it sets one.
        shape: "chat" or "completion" or "embedding" by its fields; "" if they say nothing.
    """

    input_tokens: int = 0
    pictures: int = 0
    tools: bool = False
    web_search: bool = False
    thinking: bool = False
    max_tokens: int | None = None
    shape: str = ""


class _Body(Struct):
    messages: Raw = Raw()
    input: Raw = Raw()
    contents: Raw = Raw()
    prompt: Raw = Raw()
    content: Raw = Raw()
    request: Raw = Raw()
    tools: Raw = Raw()
    functions: Raw = Raw()
    web_search_options: Raw = Raw()
    thinking: Raw = Raw()
    reasoning: Raw = Raw()
    reasoning_effort: Raw = Raw()
    enable_thinking: Raw = Raw()
    thinking_budget: Raw = Raw()
    max_tokens: Raw = Raw()
    max_completion_tokens: Raw = Raw()
    max_output_tokens: Raw = Raw()
    generationConfig: Raw = Raw()  # noqa: N815 - the wire's name
    generation_config: Raw = Raw()


class _Part(Struct):
    """A message or a part of one, as deep as pictures may lie."""

    type: Raw = Raw()
    content: Raw = Raw()
    parts: Raw = Raw()
    output: Raw = Raw()
    image_url: Raw = Raw()
    source: Raw = Raw()
    file: Raw = Raw()
    file_data: Raw = Raw()
    input_audio: Raw = Raw()
    inlineData: Raw = Raw()  # noqa: N815 - the wire's name
    inline_data: Raw = Raw()
    fileData: Raw = Raw()  # noqa: N815 - the wire's name
    functionResponse: Raw = Raw()  # noqa: N815 - the wire's name
    function_response: Raw = Raw()


class _Tool(Struct):
    type: Raw = Raw()
    googleSearch: Raw = Raw()  # noqa: N815 - the wire's name
    google_search: Raw = Raw()
    googleSearchRetrieval: Raw = Raw()  # noqa: N815 - the wire's name
    google_search_retrieval: Raw = Raw()


class _Thinking(Struct):
    type: Raw = Raw()
    effort: Raw = Raw()
    enabled: Raw = Raw()
    max_tokens: Raw = Raw()
    thinkingBudget: Raw = Raw()  # noqa: N815 - the wire's name
    thinking_budget: Raw = Raw()
    thinkingLevel: Raw = Raw()  # noqa: N815 - the wire's name
    thinking_level: Raw = Raw()


class _Generation(Struct):
    maxOutputTokens: Raw = Raw()  # noqa: N815 - the wire's name
    max_output_tokens: Raw = Raw()
    thinkingConfig: Raw = Raw()  # noqa: N815 - the wire's name
    thinking_config: Raw = Raw()


_BODY: Final = msgspec.json.Decoder(_Body)
_PARTS: Final = msgspec.json.Decoder(list[_Part])
_ONE_PART: Final = msgspec.json.Decoder(_Part)
_TOOLS: Final = msgspec.json.Decoder(list[_Tool])
_THINKING: Final = msgspec.json.Decoder(_Thinking)
_GENERATION: Final = msgspec.json.Decoder(_Generation)


def read_traits(body: bytes) -> Traits:
    """The traits of a request's body. Never raises; costs one pass over the bytes."""
    read = _decoded(_BODY, body)
    if read is None:
        return Traits()
    if read.request:
        read = _decoded(_BODY, read.request) or read
    generation = _decoded(_GENERATION, read.generationConfig or read.generation_config)
    generation = generation or _Generation()
    pictures, media_bytes = 0, 0
    for part in _parts(read.messages or read.contents or read.input or read.content, 0):
        size_bytes = len(part.source) + len(part.image_url) + len(_blob(part))
        media_bytes += size_bytes + len(part.file) + len(part.file_data) + len(part.input_audio)
        pictures += _is_picture(part)
    tools = _decoded(_TOOLS, read.tools) or []
    searching = [it for it in tools if _searches(it)]
    words = max(0, len(body) - media_bytes)
    return Traits(
        input_tokens=words // BYTES_PER_TOKEN + pictures * PICTURE_TOKENS,
        pictures=pictures,
        tools=len(tools) > len(searching) or bytes(read.functions) not in (b"", b"null", b"[]"),
        web_search=bool(searching) or bytes(read.web_search_options) not in (b"", b"null"),
        thinking=_thinks(read, generation),
        max_tokens=_limit(read, generation),
        shape=_shape(read),
    )


def _decoded[T](decoder: msgspec.json.Decoder[T], data: bytes | Raw) -> T | None:
    if not data:
        return None
    try:
        return decoder.decode(data)
    except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
        return None


def _parts(data: Raw, depth: int) -> Iterator[_Part]:
    """The parts of a list, and those inside them."""
    if depth > _DEEPEST or not data:
        return
    first = bytes(memoryview(data)[:1])
    if first == b"[":
        found = _decoded(_PARTS, data) or []
    elif first == b"{":
        one = _decoded(_ONE_PART, data)
        found = [] if one is None else [one]
    else:
        return
    for part in found:
        yield part
        for inner in (part.content, part.parts, part.output):
            if inner:
                yield from _parts(inner, depth + 1)
        answer = part.functionResponse or part.function_response
        if answer:
            yield from _parts(answer, depth + 1)


def _blob(part: _Part) -> Raw:
    return part.inlineData or part.inline_data or part.fileData


def _is_picture(part: _Part) -> bool:
    if part.type and _text(part.type) in _PICTURES:
        return True
    blob = _blob(part) or part.file_data
    if not blob:
        return False
    # The type stands before the data or right behind it: the data itself need not be looked at.
    view = bytes(blob)
    return b"image/" in view[:200] or b"image/" in view[-200:]


def _searches(tool: _Tool) -> bool:
    if tool.googleSearch or tool.google_search:
        return True
    if tool.googleSearchRetrieval or tool.google_search_retrieval:
        return True
    return _text(tool.type).startswith("web_search")


def _thinks(read: _Body, generation: _Generation) -> bool:
    effort = _text(read.reasoning_effort)
    if effort and effort not in _NO_EFFORT:
        return True
    if bytes(read.enable_thinking) == b"true" or _number(read.thinking_budget):
        return True
    config = generation.thinkingConfig or generation.thinking_config
    for said in (read.thinking, read.reasoning, config):
        found = _decoded(_THINKING, said)
        if found is not None and _asks(found):
            return True
    return False


def _asks(said: _Thinking) -> bool:
    """Whether one object of settings asks for reasoning."""
    if _text(said.type) in ("enabled", "adaptive") or bytes(said.enabled) == b"true":
        return True
    word = _text(said.effort or said.thinkingLevel or said.thinking_level).lower()
    if word and word not in _NO_EFFORT:
        return True
    budget = _number(said.thinkingBudget or said.thinking_budget or said.max_tokens)
    return bool(budget)


def _limit(read: _Body, generation: _Generation) -> int | None:
    for said in (
        read.max_tokens,
        read.max_completion_tokens,
        read.max_output_tokens,
        generation.maxOutputTokens,
        generation.max_output_tokens,
    ):
        number = _number(said)
        if number is not None:
            return number
    return None


def _shape(read: _Body) -> str:
    if read.messages or read.contents:
        return "chat"
    if read.prompt:
        return "completion"
    if read.content:
        return "embedding"
    return ""


def _text(data: Raw) -> str:
    value = _plain(data)
    return value if isinstance(value, str) else ""


def _number(data: Raw) -> int | None:
    value = _plain(data)
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _plain(data: Raw) -> object:
    # A scalar is short; anything longer is none of those asked for.
    if not data or len(data) > 100:
        return None
    try:
        return msgspec.json.decode(data)
    except (ValueError, RecursionError):
        return None
