"""
The long form of the sums: `python tests/sums/run.py [requests] [clients] [seed]`, 10,000 of 24 clients by default.

Exits with 1 and a line for every difference between the gateway's ledger and the simulator's.
"""

import sys
import tempfile
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from sums.tally import summary, tally
from sums.traffic import Traffic

EVENTS = ("kill", "replace", "reload", "kill", "stop", "replace") * 4
"""Eight kills, eight replacements, four ends and four reloads."""


def main(arguments: list[str]) -> int:
    """Run it and say how it went."""
    requests, clients, seed = [*map(int, arguments), *(10_000, 24, 1)[len(arguments) :]]
    with tempfile.TemporaryDirectory() as folder:
        evidence = Traffic(Path(folder) / "home", requests, clients, EVENTS, seed=seed).run()
    counted = tally(evidence)
    sys.stdout.write(f"{summary(evidence, counted)}\n{len(counted.findings)} differences\n")
    for line in counted.findings[:50]:
        sys.stdout.write(f"  {line}\n")
    return 1 if counted.findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
