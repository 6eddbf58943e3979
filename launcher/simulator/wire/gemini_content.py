"""Gemini generateContent: a turn out of a request, an answer as a stream or whole."""

import base64
import json
from typing import Any

from launcher.simulator.answer import Answer, Finish, Part, Text, Thinking, Tool, ToolCall, Turn
from launcher.simulator.ids import Ids, seal
from launcher.simulator.tokens import tokens_of_json
from launcher.simulator.wire.reading import (
    Json,
    mapping,
    number,
    objects,
    one_or_more,
    strings,
    text_of,
)
from launcher.simulator.wire.sse import encoded, pieces

_FINISH_REASONS = {
    Finish.END: "STOP",
    Finish.TOOLS: "STOP",
    Finish.LENGTH: "MAX_TOKENS",
    Finish.STOP_STRING: "STOP",
    Finish.REFUSAL: "SAFETY",
    Finish.PAUSE: "STOP",
}


def either(value: Json, name: str) -> Any:
    """A field by its camelCase name, or by the same name in snake_case."""
    if name in value:
        return value[name]
    return value.get("".join(f"_{c.lower()}" if c.isupper() else c for c in name))


def input_tokens(body: Json) -> int:
    """Tokens of the prompt: contents, system instruction and tools."""
    return tokens_of_json(either(body, key) for key in ("systemInstruction", "contents", "tools"))


def read_turn(body: Json, model: str, *, stream: bool) -> Turn:
    """What a generateContent request asks for."""
    contents = _listed(body.get("contents"))
    start = max(
        (i + 1 for i, each in enumerate(contents) if each.get("role") == "model"), default=0
    )
    parts = [part for content in contents[start:] for part in _listed(content.get("parts"))]
    results = [mapping(either(part, "functionResponse")) for part in parts]
    generation = mapping(either(body, "generationConfig"))
    calling = mapping(either(mapping(either(body, "toolConfig")), "functionCallingConfig"))
    allowed = strings(either(calling, "allowedFunctionNames"))
    mode = str(calling.get("mode", "AUTO")).upper()
    thinking = mapping(either(generation, "thinkingConfig"))
    schema = either(generation, "responseJsonSchema") or either(generation, "responseSchema")
    return Turn(
        model=model,
        stream=stream,
        prompt=text_of(parts),
        results=tuple(_result_text(each.get("response")) for each in results if each),
        tools=() if mode == "NONE" else tuple(_tools(body)),
        forced=(allowed[0] if allowed else "") if mode == "ANY" else None,
        max_tokens=number(either(generation, "maxOutputTokens")),
        stop_strings=strings(either(generation, "stopSequences")),
        thinking=either(thinking, "includeThoughts") is True,
        schema=schema if isinstance(schema, dict) else None,
        input_tokens=input_tokens(body),
    )


def _listed(value: Any) -> list[Json]:
    """The objects of a list; one object may stand without it."""
    return [value] if isinstance(value, dict) else objects(value)


def _tools(body: Json) -> list[Tool]:
    found = []
    for tool in one_or_more(body.get("tools")):
        for each in objects(either(tool, "functionDeclarations")):
            schema = each.get("parameters") or either(each, "parametersJsonSchema")
            found.append(Tool(str(each.get("name")), mapping(schema)))
    return found


def _result_text(response: Any) -> str:
    value = mapping(response)
    for key in ("output", "result", "content", "error"):
        if isinstance(value.get(key), str):
            return str(value[key])
    return json.dumps(value, ensure_ascii=False)


def signature_of(content: str) -> str:
    """The thought signature this simulator gives out, and takes back: base64, as Google's."""
    return base64.b64encode(f"simulator {seal('gemini-thought', content)}".encode()).decode()


def is_own_signature(value: str) -> bool:
    """True if this simulator made the signature."""
    return value.startswith(base64.b64encode(b"simulator ")[:12].decode())


def usage(answer: Answer, candidates: int | None = None) -> Json:
    """
    The usage metadata of a body; `candidatesTokenCount` comes without thoughts.

    Args:
        answer: The whole answer.
        candidates: Tokens of candidates up to this body, as streams count them; 0 leaves the count out.
    """
    if candidates is None:
        candidates = answer.output_tokens - answer.thinking_tokens
    counts: Json = {"promptTokenCount": answer.input_tokens}
    if candidates:
        counts["candidatesTokenCount"] = candidates
    counts["totalTokenCount"] = answer.input_tokens + answer.thinking_tokens + candidates
    details = [{"modality": "TEXT", "tokenCount": answer.input_tokens}]
    if answer.cached_tokens:
        counts["cachedContentTokenCount"] = answer.cached_tokens
    counts["promptTokensDetails"] = details
    if answer.cached_tokens:
        counts["cacheTokensDetails"] = [{"modality": "TEXT", "tokenCount": answer.cached_tokens}]
    if answer.thinking_tokens:
        counts["thoughtsTokenCount"] = answer.thinking_tokens
    counts["serviceTier"] = "standard"
    return counts


def whole(answer: Answer, model: str, ids: Ids) -> Json:
    """The answer as one body."""
    parts = _parts(answer, ids)
    return _body(answer, parts, model, ids.make("", 23), usage(answer), last=True)


def stream(answer: Answer, model: str, ids: Ids) -> list[Json]:
    """The answer as chunk bodies; the last one has the finish reason."""
    bodies: list[list[Json]] = []
    counts: list[Json] = []
    calls: list[Json] = []
    chars = 0
    for part, wire in zip(answer.parts, _parts(answer, ids), strict=True):
        if isinstance(part, ToolCall):
            calls.append(wire)
            continue
        rest = {key: value for key, value in wire.items() if key != "text"}
        for piece in pieces(part.text, answer.piece_chars):
            chars += 0 if isinstance(part, Thinking) else len(piece)
            bodies.append([{"text": piece, **rest}])
            counts.append(usage(answer, (chars + 3) // 4))
    # Parallel calls are parts of one content: only the first carries the signature.
    bodies.append(calls or [{"text": ""}])
    counts.append(usage(answer))
    response_id = ids.make("", 23)
    last = len(bodies) - 1
    return [
        _body(answer, parts, model, response_id, counted, last=n == last)
        for n, (parts, counted) in enumerate(zip(bodies, counts, strict=True))
    ]


def sse_frame(body: Json) -> bytes:
    """A chunk as Google frames it: `data:` alone, CRLF line ends."""
    return encoded(f"data: {google_json(body)}\r\n\r\n")


def array_frames(bodies: list[Json]) -> list[bytes]:
    """The chunks as one JSON array that arrives piece by piece."""
    last = len(bodies) - 1
    return [
        encoded(f"{'[' if n == 0 else ','}{google_json(body)}\n{']' if n == last else ''}")
        for n, body in enumerate(bodies)
    ]


def google_json(value: Any) -> str:
    """JSON with Google's spacing: a blank after the colon, none after the comma."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ": "))


def _parts(answer: Answer, ids: Ids) -> list[Json]:
    parts = []
    signed = False
    for part in answer.parts:
        wire, signed = _part(part, ids, signed=signed)
        parts.append(wire)
    return parts


def _part(part: Part, ids: Ids, *, signed: bool) -> tuple[Json, bool]:
    if isinstance(part, Thinking):
        return {"text": part.text, "thought": True}, signed
    if isinstance(part, Text):
        return {"text": part.text}, signed
    args = json.loads(part.arguments)
    call = {"name": part.name, "args": args, "id": ids.make("", 8)}
    if signed:
        return {"functionCall": call}, True
    return {"functionCall": call, "thoughtSignature": signature_of(part.name)}, True


def _body(
    answer: Answer, parts: list[Json], model: str, response_id: str, counted: Json, *, last: bool
) -> Json:
    candidate: Json = {"content": {"parts": parts, "role": "model"}}
    if last:
        candidate["finishReason"] = _FINISH_REASONS[answer.finish]
    candidate["index"] = 0
    if last and any("functionCall" in part for part in parts):
        candidate["finishMessage"] = "Model generated function call(s)."
    return {
        "candidates": [candidate],
        "usageMetadata": counted,
        "modelVersion": model,
        "responseId": response_id,
    }
