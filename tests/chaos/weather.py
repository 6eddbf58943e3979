"""What goes wrong in the chaos run: faults of every kind, by what must follow from them."""

from dataclasses import dataclass
from typing import Any

TOLD_WAIT_S = 1
"""What a 429 says that names a time."""

TOLD_TO_WAIT = "told to wait"


@dataclass(frozen=True)
class Fault:
    """A fault of the simulator, its settings, and its weight among all."""

    name: str
    words: tuple[tuple[str, Any], ...] = ()
    weight: float = 1.0


def fault(name: str, weight: float = 1.0, **words: Any) -> Fault:
    """A fault with its settings."""
    return Fault(name, tuple(words.items()), weight)


BEFORE = (
    # The account failed, and nothing has reached the client: another one serves.
    fault("408"),
    fault("429"),
    fault("429", retry_after=TOLD_WAIT_S, message=TOLD_TO_WAIT, weight=0.3),
    fault("500"),
    fault("502"),
    fault("503"),
    fault("504"),
    fault("529"),
    fault("invalid-json"),
    fault("empty-200"),
    fault("redirect"),
    fault("reset-before-head"),
    fault("garbage"),
    fault("huge-headers"),
    fault("error-in-200"),
    fault("drop", after=0),
    fault("cut", after=0),
)
MIDDLE = (
    # A stream has begun: it ends with an error in the client's dialect. A whole answer is served by another account.
    fault("cut"),
    fault("drop"),
    fault("reset"),
    fault("error-mid-stream"),
    fault("stall", stall_s=30.0, weight=0.3),
)
HARMLESS = (
    # Ugly, and served all the same.
    fault("slow-first-byte", seconds=0.2),
    fault("gzip"),
    fault("pace", delay_ms=2),
    fault("split", bytes=3),
    fault("bare-data"),
    fault("comments"),
    fault("clock-skew"),
    fault("headers", headers={"x-noise": "1"}),
)
FINAL = (
    # The request is at fault, the provider says: nobody else is asked.
    fault("status", status=400, message="no such parameter"),
    fault("413"),
    fault("403"),
    fault("404"),
)
ALL = (*BEFORE, *MIDDLE, *HARMLESS, *FINAL)
MIDDLE_NAMES = frozenset(it.name for it in MIDDLE)
FINAL_NAMES = frozenset({"status", "413", "403", "404"})


def rules(share: float) -> list[tuple[str, dict[str, Any]]]:
    """The simulator's rules that make `share` of all generations go wrong, every fault by its weight."""
    whole = sum(it.weight for it in ALL)
    found, left = [], 1.0
    for it in ALL:
        own = share * it.weight / whole
        words = {"count": None, "operation": "generate", "share": own / left, **dict(it.words)}
        found.append((it.name, words))
        left -= own
    return found
