"""
The gateway's ledger beside the simulator's own, request by request and as a whole.

What the simulator told before a reply ended is what must be in the ledger, to the token. Lost may be what was in flight at a
kill -9, and what was not known to be kept before it. Less than was told may be booked where the gateway could not read it
(a reset, a head that is refused) or its client had left; that row says then that it is incomplete.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chaos.checks import UNREAD, account_of, attempted
from chaos.house import by_number
from launcher.simulator.ledger import Entry
from sums.traffic import NOBODYS, SUMS, Asked, Evidence

KINDS = ("input_tokens", "output_tokens")


@dataclass
class Tally:
    """
    What both ledgers come to.

    Attributes:
        findings: Every difference that may not be, one line each.
        told, kept: Tokens by kind in the simulator's ledger, and in the gateway's.
        lost: Of those told, what belongs to requests that a kill took with it.
        unread: Of those told, what the gateway could not or need not read.
        lost_rows: Requests that a kill took with it: in flight, or ended a moment before.
    """

    findings: list[str] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    unread: Counter[str] = field(default_factory=Counter)
    lost_rows: Counter[str] = field(default_factory=Counter)


def tally(evidence: Evidence) -> Tally:
    """Put the two side by side."""
    found = Tally()
    entries = by_number(evidence.entries)
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in evidence.rows:
        rows[row["request_id"]].append(row)
    for entry in evidence.entries:
        found.told.update({kind: entry.told.get(kind, 0) for kind in KINDS})
    for row in evidence.rows:
        found.kept.update({kind: row[kind] for kind in KINDS})
    for asked in evidence.asked:
        own = rows.pop(asked.id, [])
        problems = list(_of_one(found, evidence, asked, entries.get(asked.number, []), own))
        where = f"{asked.id} ({asked.dialect} for {asked.model}, {asked.status} {asked.broken})"
        found.findings += [f"{where}: {problem}" for problem in problems]
    found.findings += [f"nobody made the request {name!r}" for name in rows]
    found.findings += _of_the_whole(found, evidence)
    return found


def _of_one(
    found: Tally,
    evidence: Evidence,
    asked: Asked,
    entries: list[Entry],
    rows: list[dict[str, Any]],
) -> Iterator[str]:
    if len(rows) > 1:
        yield f"it has {len(rows)} rows"
        return
    if not rows:
        why = excuse(evidence, asked)
        if not why:
            yield "the ledger does not know it"
        found.lost_rows[why or "for no reason"] += 1
        for entry in entries:
            found.lost.update({kind: entry.told.get(kind, 0) for kind in KINDS})
        return
    (row,) = rows
    tries = row["attempts"]
    for name in (*KINDS, "cached_tokens", "reasoning_tokens", "cache_write_tokens"):
        if row[name] != sum(it.get(name, 0) for it in tries):
            yield f"{name} of the row are not those of its attempts"
    if asked.model == NOBODYS and (tries or row["outcome"] == "ok"):
        yield "somebody served a model that nobody has"
    if asked.leaves_after is not None:
        yield from _of_one_that_left(found, row, entries)
        return
    kept = attempted(tries, entries)
    for entry in entries:
        if entry not in kept:
            found.unread.update({kind: entry.told.get(kind, 0) for kind in KINDS})
    if [it["account"] for it in tries] != [account_of(it) for it in kept]:
        yield f"other attempts: {[it['account'] for it in tries]}, {[account_of(it) for it in kept]}"
        return
    for attempt, entry in zip(tries, kept, strict=True):
        yield from _of_an_attempt(found, attempt, entry)


def _of_an_attempt(found: Tally, attempt: dict[str, Any], entry: Entry) -> Iterator[str]:
    for kind in KINDS:
        heard, said = attempt.get(kind, 0), entry.told.get(kind, 0)
        found.unread[kind] += said - heard
        if heard != said and not (entry.verdict in UNREAD and heard < said):
            yield f"{kind} of {entry.verdict} at {entry.host}: {heard} in the ledger, {said} told"
    used = entry.usage or {}
    if any(entry.told.get(kind, 0) != used.get(kind, 0) for kind in KINDS):
        if not attempt.get("incomplete", False):
            yield f"a reply that told too little ({entry.verdict}) is not marked"
    elif used and all(attempt.get(kind, 0) == used[kind] for kind in KINDS):
        for name, simulated in (
            ("cached_tokens", "cached_tokens"),
            ("reasoning_tokens", "thinking_tokens"),
        ):
            if attempt.get(name, 0) not in (used[simulated], *_untold(entry, name)):
                yield f"{name} at {entry.host}: {attempt.get(name, 0)}, not {used[simulated]}"


def _untold(entry: Entry, name: str) -> tuple[int, ...]:
    """Anthropic's replies have no count of their own for reasoning."""
    return (0,) if (entry.host, name) == ("compat-anthropic", "reasoning_tokens") else ()


def _of_one_that_left(found: Tally, row: dict[str, Any], entries: list[Entry]) -> Iterator[str]:
    """Its upstream was cut off as well, so that not everything told was read; more than was told cannot be."""
    for kind in KINDS:
        said = sum(it.told.get(kind, 0) for it in entries)
        found.unread[kind] += said - row[kind]
        if row[kind] > said:
            yield f"{kind} of a client that left: {row[kind]} in the ledger, {said} told"
        if row[kind] < said and not row["usage_incomplete"]:
            yield f"a client left, {kind} are not all there, and the row is not marked"


def excuse(evidence: Evidence, asked: Asked) -> str:
    """Why a request may have no row; "" if it may not."""
    spared = all(kill.spared(asked) for kill in evidence.kills)
    return "" if spared else "taken by a kill"


def _of_the_whole(found: Tally, evidence: Evidence) -> Iterator[str]:
    for kind in KINDS:
        accounted = found.kept[kind] + found.lost[kind] + found.unread[kind]
        if found.told[kind] != accounted:
            yield f"{kind}: {found.told[kind]} told, {accounted} accounted for"
    counts: Counter[str] = Counter(requests=len(evidence.rows))
    for row in evidence.rows:
        ends = {"ok": "succeeded", "error": "failed", "client_gone": "abandoned"}
        counts[ends[row["outcome"]]] += 1
        counts["attempts"] += len(row["attempts"])
        counts["incomplete"] += sum(bool(it.get("incomplete")) for it in row["attempts"])
        for name in SUMS:
            if name.endswith("_tokens"):
                counts[name] += row[name]
    for table, sums in evidence.sums.items():
        for name in SUMS:
            if sums[name] != counts[name]:
                yield f"{name} by {table}: {sums[name]}, of the rows: {counts[name]}"


def summary(evidence: Evidence, counted: Tally) -> str:
    """The run in a few lines."""
    outcomes = Counter(it["outcome"] for it in evidence.rows)
    spoiled = sum(it.verdict != "answered" for it in evidence.entries)
    happened = Counter(evidence.events)
    left = sum(it.leaves_after is not None for it in evidence.asked)
    share = spoiled / max(1, len(evidence.entries))
    lines = [
        f"{len(evidence.asked)} requests in {evidence.seconds:.0f} s; {dict(happened)}",
        f"{len(evidence.entries)} attempts, {share:.0%} of them spoiled; {left} clients left early",
        f"rows {len(evidence.rows)} {dict(outcomes)}; without a row: {dict(counted.lost_rows)}",
    ]
    lines += [
        f"{kind}: told {counted.told[kind]} = ledger {counted.kept[kind]}"
        f" + lost at kills {counted.lost[kind]} + not read {counted.unread[kind]}"
        for kind in KINDS
    ]
    return "\n".join(lines)
