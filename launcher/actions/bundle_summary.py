"""`SUMMARY.md`: one page that says in plain words what looks wrong, what to do next, and what else is in the bundle."""

import statistics
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from korproxy_addons.errors.catalogue import CATALOGUE
from korproxy_addons.recording.bundle import Part
from korproxy_addons.usage.record import ExchangeRecord
from launcher.actions.bundle_facts import Facts
from launcher.actions.bundle_findings import findings, in_order
from launcher.actions.checks import Check

_MOST_FINDINGS = 12
_MOST_LINES = 8


def summary_text(facts: Facts, parts: Iterable[Part], *, vault_open: bool) -> str:
    """
    The page, as Markdown.

    Args:
        facts: What was gathered.
        parts: The other files of the bundle.
        vault_open: The vault's secrets were known when everything was cleaned.
    """
    found = findings(facts)
    versions = next((it.detail for it in facts.looked.checks if it.name == "versions"), "")
    lines = ["# What looks wrong", "", f"{_time(facts.at)}. {versions}.", ""]
    lines += _wrong(found)
    lines += ["## What is in order", "", f"{', '.join(in_order(facts)) or 'Nothing'}.", ""]
    lines += _unknown(facts)
    lines += ["## The last 24 hours", "", *_day(facts), ""]
    lines += ["## What is in here", "", *_contents(parts), ""]
    lines += [
        "Secrets were taken out. Names that a person chose stand here as `account-1`, `project-1` and so on, the same everywhere;",
        "only who made this bundle has the list of who is who.",
        "",
    ]
    if not vault_open:
        lines += [
            "The vault could not be opened, so what lies in it could not be looked for; secrets were found by how they look.",
            "",
        ]
    lines += ["Nothing of this was sent anywhere.", ""]
    return "\n".join(lines)


def day_sums(records: Iterable[ExchangeRecord]) -> dict[str, Any]:
    """The last day in numbers; the earlier apps' bundle had the first five."""
    known = tuple(records)
    outcomes = Counter(it.outcome for it in known)
    times = sorted(it.total_ms for it in known if it.outcome == "ok")
    firsts = sorted(it.first_byte_ms for it in known if it.first_byte_ms is not None)
    return {
        "totalRequests": len(known),
        "successCount": outcomes["ok"],
        "failureCount": outcomes["error"],
        "avgLatencyMs": round(statistics.fmean(times), 1) if times else None,
        "last24hRequests": len(known),
        "givenUpByTheTool": outcomes["client_gone"],
        "total_ms": _percentiles(times),
        "first_byte_ms": _percentiles(firsts),
        "retried": sum(len(it.attempts) > 1 for it in known),
        "codes": dict(Counter(it.code for it in known if it.code).most_common()),
        "by_provider": dict(Counter(it.provider or "(none)" for it in known).most_common()),
        "by_tool": dict(Counter(it.tool or "(not known)" for it in known).most_common()),
        "input_tokens": sum(it.input_tokens for it in known),
        "output_tokens": sum(it.output_tokens for it in known),
    }


def _wrong(found: tuple[Check, ...]) -> list[str]:
    if not found:
        return [
            "Nothing. Everything that was looked at works. If something is wrong all the same, say when it happened,",
            "and which request it was (`korproxy requests` lists them).",
            "",
        ]
    lines: list[str] = []
    for number, it in enumerate(found[:_MOST_FINDINGS], start=1):
        weight = "" if it.result == "fail" else " (worth knowing)"
        lines += [f"**{number}. {it.name}**{weight}", ""]
        lines += [_sentence(it.detail), ""] if it.detail else []
        lines += [f"    {line}" for line in it.seen[-_MOST_LINES:]]
        lines += [""] if it.seen else []
        lines += [f"- {step}" for step in it.remedy]
        lines += [""]
    if len(found) > _MOST_FINDINGS:
        lines += [f"And {len(found) - _MOST_FINDINGS} more, in `findings.json`.", ""]
    return lines


def _unknown(facts: Facts) -> list[str]:
    skipped = [f"- {it.name}: {it.detail}" for it in facts.looked.checks if it.result == "skip"]
    lacking = [f"- {it}" for it in facts.lacking]
    return ["## What is not known", "", *skipped, *lacking, ""] if skipped or lacking else []


def _day(facts: Facts) -> list[str]:
    sums = day_sums(facts.exchanges)
    if not sums["totalRequests"]:
        return ["No request was kept."]
    times = sums["total_ms"]
    told = (
        f"{sums['totalRequests']} requests: {sums['successCount']} succeeded, {sums['failureCount']} failed,"
        f" {sums['givenUpByTheTool']} were given up by the tool."
    )
    lines = [told]
    if times:
        lines.append(
            f"Half of them took up to {times['p50']:.0f} ms, nine in ten up to {times['p90']:.0f} ms."
        )
    if sums["codes"]:
        lines += ["", "| code | times | what it says |", "| --- | --- | --- |"]
        for code, number in list(sums["codes"].items())[:_MOST_LINES]:
            spec = CATALOGUE.get(code)
            lines.append(
                f"| {code} | {number} | {spec.title if spec else 'the provider’s own word'} |"
            )
    return lines


def _contents(parts: Iterable[Part]) -> list[str]:
    rows = [
        f"| {it.name} | {it.why}{' **It holds what was said.**' if it.private else ''} |"
        for it in sorted(parts, key=lambda it: it.name)
    ]
    return ["| file | what for |", "| --- | --- |", *rows]


def _percentiles(ordered: list[float]) -> dict[str, float] | None:
    if not ordered:
        return None

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)

    return {"p50": at(0.5), "p90": at(0.9), "p99": at(0.99)}


def _sentence(text: str) -> str:
    ended = text if text.endswith((".", ":", "!", "?")) else f"{text}."
    # An account's id or a code is not a word.
    return ended[0].upper() + ended[1:] if ended.partition(" ")[0].isalpha() else ended


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
