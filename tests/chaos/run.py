"""
The long chaos run: `python tests/chaos/run.py [requests] [clients] [seed]`, 10,000 requests of 32 clients by default.

Exits with 1 and a line for every promise that was broken.
"""

import sys
import tempfile
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from chaos.checks import findings, summary
from chaos.storm import Storm


def main(arguments: list[str]) -> int:
    """Run it and say how it went."""
    requests, clients, seed = [*map(int, arguments), *(10_000, 32, 1)[len(arguments) :]]
    with tempfile.TemporaryDirectory() as folder:
        report = Storm(Path(folder) / "home", requests, clients, seed=seed).run()
    broken = findings(report)
    sys.stdout.write(f"{summary(report)}\n{len(broken)} promises broken\n")
    for line in broken[:50]:
        sys.stdout.write(f"  {line}\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
