"""What went through the matrix, counted; printed at the end of the run."""

from collections import Counter, defaultdict

SHORT = {
    "openai-chat": "chat",
    "openai-responses": "responses",
    "anthropic-messages": "messages",
    "gemini": "gemini",
}


class Table:
    """
    Counts per pair and feature: carried whole, and carried with a listed loss of that feature.

    Args:
        title: Stands above it.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self._pairs: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self._columns: dict[str, None] = {}

    def count(self, source: str, to: str, feature: str, times: int = 1) -> None:
        """`times` more of a feature from one dialect to another."""
        self._columns[feature] = None
        self._pairs[source, to][feature] += times

    def total(self, feature: str) -> int:
        """How often a feature went through, over all pairs."""
        return sum(counts[feature] for counts in self._pairs.values())

    @property
    def pairs(self) -> frozenset[tuple[str, str]]:
        """Those that anything went through."""
        return frozenset(self._pairs)

    def lines(self) -> list[str]:
        """The table; nothing if nothing was counted."""
        if not self._pairs:
            return []
        columns = list(self._columns)
        widths = [max(len(name), 4) for name in columns]
        head = " ".join(name.rjust(width) for name, width in zip(columns, widths, strict=True))
        lines = [self.title, f"{'':21} {head}"]
        for (source, to), counts in self._pairs.items():
            cells = " ".join(
                (str(counts[name]) if counts[name] else ".").rjust(width)
                for name, width in zip(columns, widths, strict=True)
            )
            lines.append(f"{SHORT[source]:>9} → {SHORT[to]:<9} {cells}")
        return lines


REQUESTS = Table("requests: cases × upstreams of each pair, by what they hold")
ANSWERS = Table("answers: cases of each pair, streamed and whole, by what they hold")
# By dialect and kind of prompt: cases, median and worst error of the local estimate, as parts of what was stated.
ESTIMATES: dict[tuple[str, str], tuple[int, float, float]] = {}


def estimate_lines() -> list[str]:
    """The estimates' errors; nothing if none were made."""
    return [
        f"{SHORT[dialect]:>9} {kind:<5} {cases:>3} prompts: median {middle:6.1%}, worst {worst:6.1%}"
        for (dialect, kind), (cases, middle, worst) in ESTIMATES.items()
    ]
