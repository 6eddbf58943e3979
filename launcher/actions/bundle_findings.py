"""What looks wrong, by rules over the facts of a bundle: worst first, each with what was found and the next steps."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from korproxy_addons.errors.catalogue import CATALOGUE
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.usage.availability import RESTART, Moment
from korproxy_addons.usage.record import OWN_REQUESTS, ExchangeRecord
from launcher.actions.bundle_facts import DAY_S, Facts
from launcher.actions.checks import ORDER, Check
from launcher.actions.self_test_config import USABLE

HOUR_S = 3600.0
OFTEN = 3
"""So often within an hour something is no accident."""
LITTLE_PERCENT = 10.0
_CRASH_LOOP = "crash-loop"
_KILLED = "it ended with exit code -9"

TITLES = {
    "configuration": "The configuration cannot be used",
    "port": "The gateway's port is not to be had",
    "gateway": "The gateway does not serve",
    "disk": "The disk is full, or cannot be written",
    "database": "The database cannot be read, or was damaged",
    "vault": "The vault does not open, so no login in it can be used",
    "secrets": "The secrets of accounts cannot be read",
    "accounts": "Accounts cannot be used as they are",
    "clock": "This machine's clock is wrong",
    "DNS": "Names of providers do not resolve",
    "providers' hosts": "Providers cannot be reached",
    "TLS certificates": "The providers' certificates are not their own",
    "proxies": "The proxy settings are in the way",
    "file permissions": "Others can get at KorProxy's files",
    "keyring": "There is no keyring for the vault's key",
    "port of the page": "The page has another port than usual",
    "versions": "The versions do not fit",
}
"""Checks of the self-test by name: what is wrong when they are not ok."""
_RANKS = tuple(TITLES)
_MAY_END_IT = {TITLES[it] for it in ("configuration", "port", "gateway", "disk", "database")}
"""What keeps a gateway from running; of all else somebody wants to know only once it runs."""


def findings(facts: Facts) -> tuple[Check, ...]:
    """
    What looks wrong, worst first; empty where nothing does.

    A cause stands before what comes of it. The name of each is one sentence for people.
    """
    rules: tuple[Callable[[Facts], Iterator[Check]], ...] = (
        _checks_and_gateway,
        _crash_loop,
        _crashes,
        _quota,
        _codes,
        _given_up,
        _unseen,
        _log_errors,
    )
    found = [it for rule in rules for it in rule(facts)]
    return tuple(sorted(found, key=lambda it: ORDER.index(it.result)))


def in_order(facts: Facts) -> tuple[str, ...]:
    """Names of what was looked at and is as it should be."""
    return tuple(it.name for it in facts.looked.checks if it.result == "ok")


def _checks_and_gateway(facts: Facts) -> Iterator[Check]:
    """That it does not run comes after what may be the cause of that, and before all else."""
    checks = tuple(_checks(facts))
    yield from (it for it in checks if it.name in _MAY_END_IT)
    yield from _gateway_down(facts)
    yield from (it for it in checks if it.name not in _MAY_END_IT)


def _checks(facts: Facts) -> Iterator[Check]:
    """What the self-test found; a round that failed is one finding, however many of its dialects did."""
    named = sorted(
        (it for it in facts.looked.checks if it.name in TITLES),
        key=lambda it: _RANKS.index(it.name),
    )
    explained = _explained(facts)
    for check in named:
        if check.result in ("fail", "warn") and check.name not in explained:
            # What a gateway said last, and every line of the configuration that is wrong.
            told = check.name in ("gateway", "configuration")
            detail = check.detail
            if check.name == "configuration" and check.seen:
                detail = f"{detail.partition(' ')[0]}, at:"
            hurts = check.name == "accounts" and _lost(facts) & {
                it.account for it in _failed(facts)
            }
            title = TITLES[check.name]
            if check.name == "vault" and check.result == "warn":
                title = "The vault does not open from this terminal"
            yield Check(
                name=title,
                result="fail" if hurts else check.result,
                detail=detail,
                remedy=check.remedy,
                seen=check.seen if told else (),
            )
    rounds = [it for it in facts.looked.checks if it.name not in TITLES and it.result == "fail"]
    if rounds:
        yield Check(
            name="KorProxy does not get through its own test",
            result="fail",
            detail="; ".join(f"{it.name}: {it.detail}" for it in rounds),
            remedy=rounds[0].remedy,
        )


def _explained(facts: Facts) -> set[str]:
    """Checks that say nothing more where another has failed, of which theirs is what comes of it."""
    looked = facts.looked
    failed = {it.name for it in looked.checks if it.result == "fail"}
    reason = str((looked.running.status or {}).get("reason", ""))
    found: set[str] = set()
    if (reason, True) in (
        ("port-busy", "port" in failed),
        ("config-error", "configuration" in failed),
    ):
        found.add("gateway")
    if "vault" in failed:
        found.add("keyring")
        views = () if isinstance(looked.accounts, KorProxyError) else looked.accounts
        if {it.state for it in views} <= USABLE | {"disabled", "vault-closed"}:
            found.add("accounts")
    return found


def _gateway_down(facts: Facts) -> Iterator[Check]:
    running = facts.looked.running
    if running.health is not None or running.launcher:
        return
    last = facts.moments[-1] if facts.moments else None
    detail = "No gateway answers, and no launcher runs."
    if last is not None:
        detail += f" Last seen {_time(last.at)}: {_moment(last)}."
    remedy = ["korproxy start"]
    if facts.looked.config.spec is not None:
        remedy.insert(0, "Mend the configuration first.")
    yield Check(name="KorProxy does not run", result="fail", detail=detail, remedy=tuple(remedy))


def _crash_loop(facts: Facts) -> Iterator[Check]:
    since = facts.at - HOUR_S
    broke = [it for it in facts.moments if it.reason in (RESTART, _CRASH_LOOP) and it.at >= since]
    given_up = [it for it in broke if it.reason == _CRASH_LOOP]
    if len(broke) < OFTEN and not given_up:
        return
    last = broke[-1]
    last_lines = tuple((facts.looked.running.status or {}).get("last_lines", ()))
    remedy = [
        "What it did last stands in crashes/ here."
        if facts.crashes
        else "What it did last stands at the end of logs/ here.",
        "korproxy run --plain starts it with nothing configured: if that holds, the configuration is the cause.",
        "korproxy run --last-good starts it with the last configuration that held.",
    ]
    if last.detail.startswith(_KILLED):
        remedy.insert(
            0, "Something ends it: the system when memory runs out, or a security program."
        )
    yield Check(
        name="The gateway breaks down again and again",
        result="fail",
        detail=f"{_times(len(broke))} in the last hour, last {_time(last.at)}: {last.detail or last.state}",
        remedy=tuple(remedy),
        seen=last_lines,
    )


def _crashes(facts: Facts) -> Iterator[Check]:
    if not facts.crashes:
        return
    names = ", ".join(name for name, _ in facts.crashes)
    yield Check(
        name="KorProxy has failed inside",
        result="warn",
        detail=f"crash reports were kept: {names}",
        remedy=("Report it, with this bundle: that is a fault of KorProxy.",),
    )


def _quota(facts: Facts) -> Iterator[Check]:
    for account in facts.quota:
        for window in account.windows:
            left = window.remaining_percent
            if left is None or left > LITTLE_PERCENT or (window.reset_in_s == 0):
                continue
            models = "" if window.models == "*" else f" for {window.models}"
            reset = f"; it resets {window.reset_at}" if window.reset_at else ""
            yield Check(
                name="An account's quota is used up"
                if left <= 0
                else "An account's quota runs out",
                result="fail" if left <= 0 else "warn",
                detail=f"account {account.id}: window {window.name}{models}, {left:g} % left{reset}",
                remedy=(
                    "Wait for the reset, or add a second account: korproxy account add",
                    "korproxy quota shows all windows.",
                ),
            )


def _codes(facts: Facts) -> Iterator[Check]:
    """Errors that came often within the last hour, one finding for each code."""
    recent, failed, lost = _recent(facts), _failed(facts), _lost(facts)
    by_code: dict[str, list[ExchangeRecord]] = {}
    for record in failed:
        by_code.setdefault(record.code or f"HTTP {record.status}", []).append(record)
    for code, records in sorted(by_code.items(), key=lambda it: -len(it[1])):
        if len(records) < OFTEN and len(failed) < len(recent):
            continue
        asked = {it.account for it in records if it.account}
        if code.startswith("KP-AUTH-") and asked and asked <= lost:
            continue  # that the account is lost is said already
        newest = records[0]
        again = next(
            (it for it in recent if it.outcome == "ok" and it.started_at > newest.started_at), None
        )
        spec = CATALOGUE.get(code)
        title = spec.title if spec is not None else f"The provider answers {code}"
        detail = f"{code}: {_times(len(records))} of {len(recent)} requests in the last hour; {_who(records)}"
        detail += f"; last {_time(newest.started_at)}, request {newest.request_id}"
        if again is not None:
            detail += ". Other requests have succeeded since"
        remedy = (
            spec.remedy
            if spec is not None
            else ("It is the provider's own word: see its status page.",)
        )
        yield Check(
            name=title,
            result="warn" if again is not None else "fail",
            detail=detail,
            remedy=(*remedy, f"korproxy explain {code}" if spec else "korproxy requests --failed"),
        )


def _given_up(facts: Facts) -> Iterator[Check]:
    recent = _recent(facts)
    gone = [it for it in recent if it.outcome == "client_gone"]
    if len(gone) < OFTEN or len(gone) * 5 < len(recent):
        return
    waited_s = max(it.total_ms for it in gone) / 1000
    yield Check(
        name="Tools give up before the answer is there",
        result="warn",
        detail=f"{_times(len(gone))} of {len(recent)} in the last hour, after up to {waited_s:.0f} s; {_who(gone)}",
        remedy=(
            "If it was not you who cancelled: raise the tool's own timeout, or pick a faster model.",
        ),
    )


def _unseen(facts: Facts) -> Iterator[Check]:
    """A gateway that serves, accounts that work, and nobody who asks."""
    running = facts.looked.running
    if running.health is None or facts.exchanges or not facts.looked.database_ok:
        return
    if facts.at - running.health.started_at < HOUR_S / 4:
        return
    since = max(facts.at - DAY_S, running.health.started_at)
    yield Check(
        name="No tool has asked anything",
        result="warn",
        detail=f"not one request since {_time(since)}; the gateway listens on port {running.port}",
        remedy=(
            f"Is the tool pointed here? OpenAI tools: http://localhost:{running.port}/v1, others: http://localhost:{running.port}",
            "korproxy doctor TOOL looks into the tool's own settings.",
        ),
    )


def _log_errors(facts: Facts) -> Iterator[Check]:
    """Errors in the log that belong to no request: those are told by their codes."""
    counts: Counter[tuple[str, str]] = Counter()
    codes: dict[tuple[str, str], str] = {}
    for line in facts.lines:
        if line.get("level") not in ("error", "critical") or line.get("request_id"):
            continue
        at = line.get("ts")
        # A line that somebody else wrote may say anything there.
        if not isinstance(at, int | float) or at < facts.at - HOUR_S:
            continue
        key = (str(line.get("component", "")), str(line.get("event", "")))
        counts[key] += 1
        codes[key] = str(line.get("code", ""))
    if not counts:
        return
    told = [
        f"{component}: {event}{f' ({codes[component, event]})' if codes[component, event] else ''}, {_times(number)}"
        for (component, event), number in counts.most_common(OFTEN)
    ]
    remedy = [f"korproxy explain {it}" for it in dict.fromkeys(codes.values()) if it in CATALOGUE]
    yield Check(
        name="The log has errors of the last hour",
        result="warn",
        detail="; ".join(told),
        remedy=(*remedy[:OFTEN], "korproxy logs --level error shows them."),
    )


def _recent(facts: Facts) -> list[ExchangeRecord]:
    """Of the last hour, but for those of KorProxy's own tests: the doctor asks for what must be refused, too."""
    since = facts.at - HOUR_S
    return [it for it in facts.exchanges if it.started_at >= since and it.tool != OWN_REQUESTS]


def _failed(facts: Facts) -> list[ExchangeRecord]:
    return [it for it in _recent(facts) if it.outcome == "error"]


def _lost(facts: Facts) -> set[str]:
    """Accounts that only a person can bring back."""
    views = facts.looked.accounts
    if isinstance(views, KorProxyError):
        return set()
    return {it.id for it in views if it.state not in USABLE | {"disabled", "erroring"}}


def _who(records: list[ExchangeRecord]) -> str:
    """Whom it was about: tools, models and accounts, the most frequent of each."""

    def most(values: Iterator[str]) -> str:
        found = Counter(it for it in values if it).most_common(1)
        return found[0][0] if found else ""

    words = {
        "tool": most(it.tool for it in records),
        "asked for": most(it.requested_model for it in records),
        "provider": most(it.provider for it in records),
        "account": most(it.account for it in records),
    }
    return ", ".join(f"{what} {word}" for what, word in words.items() if word) or "of nobody known"


def _moment(moment: Moment) -> str:
    reason = f" ({moment.reason})" if moment.reason else ""
    return f"{moment.state}{reason}{f': {moment.detail}' if moment.detail else ''}"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
