"""What a small team asks for in a week: conversations of agents, most by day, few at the weekend."""

import random
from dataclasses import dataclass

from korproxy_addons.providers.quota import DAY_S

TURNS = (6, 22)


@dataclass(frozen=True)
class Turn:
    """One request of a conversation: how long after the last one, what it adds to the prompt, how much is answered."""

    gap_s: float
    read: int
    written: int


@dataclass(frozen=True)
class Conversation:
    """Its id, when it begins (Unix seconds), and its turns."""

    id: str
    begins: float
    turns: tuple[Turn, ...]


def conversations(seed: int, begins: float, per_day: int) -> list[Conversation]:
    """A week of them, in the order in which they begin."""
    chance = random.Random(seed)
    found: list[Conversation] = []
    for day in range(7):
        busy = 1.0 if day < 5 else 0.35
        for _ in range(round(per_day * busy)):
            # Two humps, before and after lunch.
            hour = chance.choice((10.5, 15.5)) + chance.gauss(0.0, 1.6)
            at = begins + day * DAY_S + min(max(hour, 0.0), 23.9) * 3600.0
            found.append(_conversation(f"c{len(found)}", at, chance))
    return sorted(found, key=lambda it: it.begins)


def _conversation(name: str, at: float, chance: random.Random) -> Conversation:
    turns = [Turn(0.0, chance.randint(9_000, 16_000), chance.randint(200, 900))]
    for _ in range(chance.randint(*TURNS)):
        gap_s = min(20.0 + chance.expovariate(1 / 60.0), 1200.0)
        turns.append(Turn(gap_s, chance.randint(300, 4_000), chance.randint(150, 900)))
    return Conversation(name, at, tuple(turns))
