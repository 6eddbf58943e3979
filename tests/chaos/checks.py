"""What must hold after a storm, said of each request for which it does not."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from chaos.storm import ACCOUNTS, CLIENT_TIMEOUT_S, REST_S, TOLD_TO_REST, Asked, Report
from chaos.weather import FINAL_NAMES, MIDDLE_NAMES, TOLD_TO_WAIT, TOLD_WAIT_S
from launcher.simulator.ledger import Entry

# What the gateway could not read, or had no time to read, however much of it went out.
UNREAD = frozenset({"reset", "huge-headers"})


def findings(report: Report) -> list[str]:
    """Every promise that was broken, one line each; empty if all were kept."""
    told = list(_told(report))
    found = [*_of_the_kill(report), *_of_the_ledger(report)]
    for asked in report.asked:
        entries = report.entries.get(asked.number, [])
        where = f"{asked.id} ({asked.dialect}, {'stream' if asked.stream else 'whole'})"
        problems = list(_of_one(asked, entries, killed=asked.number in report.killed))
        if asked.number not in report.killed:
            problems += _of_its_failure(asked, entries, told)
            row = report.rows.get(asked.number)
            unknown = asked.number not in report.kept and asked.ended_at < report.killed_at
            if row is None and unknown:
                continue  # the kill took the last moment of the ledger with it
            problems += _of_its_row(asked, entries, row)
        found += [f"{where}: {problem}; {_story(asked, entries)}" for problem in problems]
    return found


def summary(report: Report) -> str:
    """The run in a few lines."""
    good = sum(it.whole for it in report.asked)
    began = [it for it in report.asked if it.status == 200 and not it.whole]
    failed = Counter(str(it.status or it.broken) for it in report.asked if it.status != 200)
    entries = [it for found in report.entries.values() for it in found]
    spoiled = Counter(it.verdict for it in entries if it.verdict != "answered")
    latencies = sorted(it.ended_at - it.sent_at for it in report.asked)
    share = sum(spoiled.values()) / max(1, len(entries))
    p50, p99 = (latencies[int(len(latencies) * it)] for it in (0.5, 0.99))
    return (
        f"{len(report.asked)} requests in {report.seconds:.0f} s, {len(entries)} attempts,"
        f" {share:.0%} of them spoiled\n"
        f"{good} answered whole, {len(began)} ended by an error in their stream,"
        f" failed: {dict(failed)}, in flight at the kill: {len(report.killed)}\n"
        f"latency p50 {p50:.2f} s, p99 {p99:.2f} s, most {latencies[-1]:.2f} s\n"
        f"spoiled: {dict(spoiled.most_common())}"
    )


def _of_one(asked: Asked, entries: list[Entry], *, killed: bool) -> Iterator[str]:
    if asked.ended_at - asked.sent_at >= CLIENT_TIMEOUT_S:
        yield "it hung"
    late = [it for it in entries if asked.first_byte_at and it.received_at > asked.first_byte_at]
    if late:
        yield "it was sent once more after its first byte"
    if killed:
        return
    if asked.broken:
        yield f"its connection broke: {asked.broken}"
    elif asked.status == 200 and not asked.whole:
        last = entries[-1].verdict if entries else "nothing"
        if not asked.stream or last not in MIDDLE_NAMES:
            yield "it began and was not whole"
        elif "error" not in asked.text:
            yield "it ended early and did not say so"


def _of_its_failure(
    asked: Asked, entries: list[Entry], told: list[tuple[str, float, float]]
) -> Iterator[str]:
    """A request may fail for its own fault, or when everybody was asked who had not been told to wait."""
    if asked.status == 200 or asked.broken:
        return
    if entries and entries[-1].verdict in FINAL_NAMES:
        return
    asked_of = {account_of(it) for it in entries}
    resting = {
        account
        for account, since, until in told
        if since <= asked.ended_at and until >= asked.sent_at
    }
    healthy = set(ACCOUNTS) - asked_of - resting
    if healthy:
        yield f"it failed with {asked.status} though {sorted(healthy)} could have served"


def _of_its_row(asked: Asked, entries: list[Entry], row: dict[str, Any] | None) -> Iterator[str]:
    if row is None:
        yield "the ledger does not know it"
        return
    tries = row["attempts"]
    entries = attempted(tries, entries)
    if [it["account"] for it in tries] != [account_of(it) for it in entries]:
        yield f"the ledger has other attempts: {[it['account'] for it in tries]}"
        return
    for one, entry in zip(tries, entries, strict=True):
        for name in ("input_tokens", "output_tokens"):
            heard, said = one.get(name, 0), entry.told.get(name, 0)
            if heard != said and not (entry.verdict in UNREAD and heard < said):
                yield f"{name} of {entry.verdict}: {heard} in the ledger, {said} told"
        used = bool(entry.usage) and (
            {name: entry.told.get(name) for name in ("input_tokens", "output_tokens")}
            != {name: entry.usage[name] for name in ("input_tokens", "output_tokens")}
        )
        if used and not one.get("incomplete", False):
            yield f"a reply that told too little ({entry.verdict}) is not marked"
    if asked.whole and row["outcome"] != "ok":
        yield f"the ledger calls it {row['outcome']}"


def attempted(tries: list[dict[str, Any]], entries: list[Entry]) -> list[Entry]:
    """
    The entries that are attempts.

    A kept connection that dies before the first byte of its reply is replaced without a word: one attempt, two entries.
    """
    spare = len(entries) - len(tries)
    found: list[Entry] = []
    for entry in entries:
        if spare > 0 and entry.verdict == "reset-before-head":
            spare -= 1
        else:
            found.append(entry)
    return found


def _of_the_ledger(report: Report) -> Iterator[str]:
    numbers = {it.number for it in report.asked}
    for row in report.strangers:
        yield f"the ledger has a request that nobody made: {row}"
    if set(report.rows) - numbers:
        yield "the ledger has numbers that nobody asked"
    if len(numbers) != len(report.asked):
        yield "a client's request was counted twice"


def _of_the_kill(report: Report) -> Iterator[str]:
    if report.before_kill is None:
        return
    if report.after_restart is None:
        yield f"after the kill nobody knew that {report.before_kill['account']} rests"
    elif report.after_restart != report.before_kill:
        yield f"before the kill {report.before_kill}, after it {report.after_restart}"
    if len(report.killed) > 64:
        yield "the kill hit more requests than there were clients"


def account_of(entry: Entry) -> str:
    """Id of the account whose attempt it was."""
    return f"{entry.host.removeprefix('compat-')}-{entry.key.removeprefix('sk-compat-sim-')}"


def _told(report: Report) -> Iterator[tuple[str, float, float]]:
    """
    Whom the providers told to wait: account, since when and until when.

    The wait begins when the gateway reads of it: before its client has an answer, and a busy one may be late.
    """
    ended = {it.number: it.ended_at for it in report.asked}
    for number, entries in report.entries.items():
        for it in entries:
            wait_s = {TOLD_TO_WAIT: TOLD_WAIT_S, TOLD_TO_REST: REST_S}
            for words, seconds in wait_s.items():
                if it.status == 429 and words in it.message:
                    # Told in whole seconds.
                    yield account_of(it), it.received_at, ended[number] + seconds + 1.0


def _story(asked: Asked, entries: list[Entry]) -> str:
    told = [f"{account_of(it)}:{it.verdict}:{it.status}" for it in entries]
    return f"status {asked.status} {asked.code} [{asked.why}] {told}"
