"""
How long the coding tools wait, and what that leaves to their providers; pure.

A tool that loses patience sends its request again, which costs a second time and shows its person an error that names nobody:
so a provider's time is up before the tool's. What counts as a sign of life differs: most tools reset their clock with every
byte, some only with an event of their own API, so that a comment does not keep them.
"""

from collections.abc import Iterable
from dataclasses import dataclass

# What of a tool's patience a provider may use up: the rest is for saying so in time.
_SHARE = 0.8
_SHORTEST_S = 0.1
# A tool that nobody knows may be behind a middle box that cuts after a minute.
UNKNOWN_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Patience:
    """
    One tool's.

    Attributes:
        tool: Its id; "" stands for all that are not named.
        first_byte_s: Until the reply's head.
        idle_s: Between two signs of life.
        hears_beats: Whether comments and pings are such signs.
        source: Where it says so.
    """

    tool: str
    first_byte_s: float
    idle_s: float
    hears_beats: bool
    source: str


_UNDICI = "Node's fetch: headersTimeout and bodyTimeout of undici, 300 s each"

PATIENCE: tuple[Patience, ...] = (
    Patience(
        "claude-code", 300, 300, hears_beats=True,
        source="code.claude.com, API_FORCE_IDLE_TIMEOUT: 5 minutes without a byte at a gateway; API_TIMEOUT_MS 600000",
    ),
    Patience(
        "codex-cli", 300, 300, hears_beats=False,
        source="developers.openai.com/codex, stream_idle_timeout_ms 300000: between two events, comments are none",
    ),
    Patience(
        "gemini-cli", 300, 300, hears_beats=True,
        source="google-gemini/gemini-cli PR 20890: DEFAULT_HEADERS_TIMEOUT 300000; " + _UNDICI,
    ),
    Patience(
        "qwen-code", 120, 120, hears_beats=True,
        source="QwenLM/qwen-code issue 741: contentGenerator.timeout is 120 s",
    ),
    Patience(
        "opencode", 300, 300, hears_beats=True,
        source="anomalyco/opencode PR 46890 and 46903: chunkTimeout and headerTimeout 300000, reset by any data",
    ),
    Patience("cline", 300, 300, hears_beats=True, source=_UNDICI),
    Patience("continue", 300, 300, hears_beats=True, source=_UNDICI),
    Patience(
        "aider", 600, 600, hears_beats=True, source="LiteLLM and the OpenAI SDK inside: 600 s",
    ),
)  # fmt: skip
"""Every tool whose patience is known."""

_BY_TOOL = {it.tool: it for it in PATIENCE}


@dataclass(frozen=True, slots=True)
class Waits:
    """
    What a provider may take for one attempt, and what its client gets meanwhile; seconds.

    Attributes:
        first_byte_s: Until the reply's head.
        idle_s: Between two pieces of it.
        hold_s: From the request's arrival, until the client is kept waiting under a head of our own; None: never.
        over: The tool would not wait for another attempt.
    """

    first_byte_s: float
    idle_s: float
    hold_s: float | None
    over: bool = False


def patience_of(tool: str, told_s: float | None = None) -> Patience | None:
    """
    A tool's patience; None if nothing is known of it.

    Args:
        tool: Its id, or "".
        told_s: What the request says itself (`X-Stainless-Timeout`), in seconds.
    """
    known = _BY_TOOL.get(tool)
    if told_s is None or told_s <= 0:
        return known
    if known is None:
        return Patience(tool, told_s, told_s, hears_beats=True, source="X-Stainless-Timeout")
    if told_s >= known.first_byte_s:
        return known
    return Patience(tool, told_s, min(told_s, known.idle_s), known.hears_beats, known.source)


def waits(
    patience: Patience | None,
    *,
    first_byte_s: float,
    idle_s: float,
    hold_share: float,
    beats: bool,
    elapsed_s: float = 0.0,
) -> Waits:
    """
    The times for the next attempt.

    Args:
        patience: The tool's.
        first_byte_s: What the configuration allows, at most.
        idle_s: The same, between two pieces.
        hold_share: Share of the patience that may pass before the client is kept waiting.
        beats: Whether anything may be sent to keep it waiting.
        elapsed_s: Since the request's arrival.
    """
    hold_s = None
    if beats:
        held_for = patience.first_byte_s if patience is not None else UNKNOWN_PATIENCE_S
        hold_s = held_for * hold_share
    if patience is None:
        return Waits(first_byte_s, idle_s, hold_s)
    if beats and patience.hears_beats:
        return Waits(first_byte_s, idle_s, hold_s)
    idle_s = min(idle_s, patience.idle_s * _SHARE)
    left_s = patience.first_byte_s * _SHARE - elapsed_s
    first_byte_s = min(first_byte_s, max(_SHORTEST_S, left_s))
    return Waits(first_byte_s, idle_s, hold_s, over=left_s <= _SHORTEST_S)


def told_patience(values: Iterable[str]) -> float | None:
    """The seconds that the values of `X-Stainless-Timeout` say; None if they say none."""
    for value in values:
        try:
            seconds = float(value)
        except ValueError:
            continue
        if 0 < seconds < float("inf"):
            return seconds
    return None
