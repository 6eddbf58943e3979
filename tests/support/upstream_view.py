"""What a request told its upstream of a conversation with tools, whatever the upstream's dialect."""

import json
from dataclasses import dataclass, field
from typing import Any

from launcher.simulator import Entry

Json = dict[str, Any]
_OWN_QUESTIONS = ("usage", "profile", "reset_credits")


@dataclass
class View:
    """
    A conversation as one upstream was told it.

    Attributes:
        calls: Id, name and arguments of each call, in order; calls of one answer stand beside each other.
        results: Id, text and whether it is marked as an error, in order.
        pictures: Base64 of each.
        sealed: The model's own state that came back: signatures, encrypted reasoning.
        thoughts: Text of its thinking that came back.
        reasons: How reasoning is asked for; empty where it is not.
    """

    calls: list[tuple[str, str, Json]] = field(default_factory=list)
    results: list[tuple[str, str, bool]] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)
    sealed: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    reasons: Json = field(default_factory=dict)


def asked(entries: list[Entry]) -> list[Entry]:
    """What came upstream because a tool asked: all but the gateway's own look at how full a plan is."""
    return [it for it in entries if it.operation not in _OWN_QUESTIONS]


def view(entry: Entry) -> View:
    """
    Read a generation request.

    Raises:
        AssertionError: The simulator kept no body of it.
    """
    assert entry.body is not None
    body = json.loads(entry.body)
    if entry.path.endswith("/messages"):
        return _messages(body)
    if entry.path.endswith("/responses"):
        return _responses(body)
    if entry.path.endswith("/completions"):
        return _chat(body)
    return _gemini(body.get("request", body))


def _messages(body: Json) -> View:
    found = View(reasons={**body.get("thinking", {}), **body.get("output_config", {})})
    for message in body["messages"]:
        for block in _blocks(message["content"]):
            match block["type"]:
                case "tool_use":
                    found.calls.append((block["id"], block["name"], block["input"]))
                case "tool_result":
                    inner = _blocks(block["content"])
                    text = "".join(it.get("text", "") for it in inner)
                    found.results.append((block["tool_use_id"], text, block.get("is_error", False)))
                    found.pictures += [it["source"]["data"] for it in inner if "source" in it]
                case "image":
                    found.pictures.append(block["source"]["data"])
                case "thinking":
                    found.thoughts.append(block["thinking"])
                    found.sealed.append(block["signature"])
    return found


def _responses(body: Json) -> View:
    found = View(reasons=body.get("reasoning", {}))
    for item in body["input"]:
        match item["type"]:
            case "function_call":
                arguments = json.loads(item["arguments"])
                found.calls.append((item["call_id"], item["name"], arguments))
            case "function_call_output":
                inner = _blocks(item["output"])
                text = "".join(it.get("text", "") for it in inner)
                found.results.append((item["call_id"], text, text.startswith("Error: ")))
                found.pictures += _of_urls(inner)
            case "message":
                found.pictures += _of_urls(_blocks(item["content"]))
            case "reasoning":
                found.sealed.append(item["encrypted_content"])
                found.thoughts += [it["text"] for it in item["summary"]]
    return found


def _chat(body: Json) -> View:
    found = View(reasons={k: v for k, v in body.items() if "think" in k or "reason" in k})
    for message in body["messages"]:
        for call in message.get("tool_calls", ()):
            function = call["function"]
            found.calls.append((call["id"], function["name"], json.loads(function["arguments"])))
        if "reasoning_content" in message:
            found.thoughts.append(message["reasoning_content"])
        inner = _blocks(message.get("content") or "")
        if message["role"] == "tool":
            text = "".join(it.get("text", "") for it in inner)
            found.results.append((message["tool_call_id"], text, text.startswith("Error: ")))
        found.pictures += _of_urls(inner)
    return found


def _gemini(body: Json) -> View:
    found = View(reasons=body.get("generationConfig", {}).get("thinkingConfig", {}))
    for content in body["contents"]:
        for part in content["parts"]:
            if "thoughtSignature" in part:
                found.sealed.append(part["thoughtSignature"])
            if part.get("thought"):
                found.thoughts.append(part["text"])
            if "functionCall" in part:
                call = part["functionCall"]
                found.calls.append((call["id"], call["name"], call["args"]))
            if "functionResponse" in part:
                given = part["functionResponse"]
                said = given["response"]
                text = said.get("output", said.get("error", ""))
                found.results.append((given["id"], text, "error" in said))
                found.pictures += [it["inlineData"]["data"] for it in given.get("parts", ())]
            if "inlineData" in part:
                found.pictures.append(part["inlineData"]["data"])
    return found


def _blocks(content: Any) -> list[Json]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _of_urls(blocks: list[Json]) -> list[str]:
    """Base64 of the pictures among parts that name them by a data URL."""
    urls = [it.get("image_url") for it in blocks]
    texts = [it["url"] if isinstance(it, dict) else it for it in urls if it is not None]
    return [it.partition("base64,")[2] for it in texts]
