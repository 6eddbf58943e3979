"""What a body or a stream looks like with its values left out: names, their order, framing, order of events."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Json = dict[str, Any]
DATA = frozenset(
    {
        "input",
        "args",
        "parameters",
        "schema",
        "tools",
        "tool_choice",
        "format",
        "metadata",
        "instructions",
    }
)
"""Fields whose content is the user's, not the dialect's."""


@dataclass(frozen=True)
class Recording:
    """One recorded exchange."""

    name: str
    provider: str
    streaming: bool
    status: int
    url: str
    request: Json | None
    request_headers: dict[str, str]
    body: Any
    faithful: bool


def recordings(folder: Path, dialect: str, *providers: str) -> list[Recording]:
    """The recordings of a dialect by the genuine services named."""
    found = []
    for path in sorted((folder / dialect).glob("*.json")):
        exchange = json.loads(path.read_text("utf-8"))
        if exchange["provider"] not in providers:
            continue
        request = exchange["request"] or {}
        body = request.get("body")
        found.append(
            Recording(
                path.name,
                exchange["provider"],
                exchange["streaming"],
                exchange["response"]["status"],
                request.get("url") or "",
                body if isinstance(body, dict) else None,
                request.get("headers") or {},
                exchange["response"]["body"],
                exchange["fidelity"].startswith("as recorded"),
            )
        )
    return found


def reasons(request: Json) -> bool:
    """Whether OpenAI's model reasons on a Chat request: those from GPT-5.1 on only if they are asked to."""
    model = str(request["model"])
    if model.startswith("gpt-5."):
        return bool(request.get("reasoning_effort")) and request["reasoning_effort"] != "none"
    return model.startswith("gpt-5") and "chat" not in model


def payloads(stream: str) -> list[Json]:
    """The JSON objects of a stream's `data:` lines."""
    lines = re.split(r"\r\n|\n|\r", stream)
    data = [line[5:].strip() for line in lines if line.startswith("data:")]
    return [json.loads(each) for each in data if each not in {"", "[DONE]"}]


def framings(stream: str) -> set[str]:
    """How frames look: JSON becomes `J`, an event's name `E`; line ends stay."""
    frames = re.split(r"(?<=\r\n\r\n)|(?<=\n\n)", stream)
    return {
        re.sub(r"^event: \S+", "event: E", re.sub(r"data: [\[{].*[\]}]", "data: J", frame))
        for frame in frames
        if frame.strip()
    }


@dataclass
class Names:
    """Which field names, in which order, an object of a kind was seen to have."""

    ordered: dict[str, set[tuple[str, ...]]] = field(default_factory=lambda: defaultdict(set))
    unordered: dict[str, set[frozenset[str]]] = field(default_factory=lambda: defaultdict(set))

    def learn(self, value: Any, *, faithful: bool) -> None:
        """Note all objects in a value; the order counts only where the recording kept it."""
        for kind, names in objects(value):
            self.unordered[kind].add(frozenset(names))
            if faithful:
                self.ordered[kind].add(names)

    def strange(self, value: Any) -> dict[str, tuple[str, ...]]:
        """
        The objects in a value that nobody was seen to send like this: kind and names.

        The order is judged only where the same names were recorded with theirs.
        """
        found = {}
        for kind, names in objects(value):
            same_names = {order for order in self.ordered[kind] if set(order) == set(names)}
            known = names in same_names if same_names else frozenset(names) in self.unordered[kind]
            if not known:
                found[kind] = names
        return found


def objects(value: Any, kind: str = "") -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every object in a value as its kind (path, and `type` where there is one) and its names in order."""
    if isinstance(value, list):
        for each in value:
            yield from objects(each, kind)
    elif isinstance(value, dict):
        tag = value.get("type")
        kind = f"{kind}:{tag}" if isinstance(tag, str) else kind
        yield kind, tuple(value)
        for name, inner in value.items():
            if name not in DATA:
                yield from objects(inner, f"{kind}.{name}")


def run_lengths_left_out(events: Iterable[str]) -> tuple[str, ...]:
    """A sequence with repetitions folded: `a b b b c` is `a b c`."""
    found: list[str] = []
    for event in events:
        if not found or found[-1] != event:
            found.append(event)
    return tuple(found)
