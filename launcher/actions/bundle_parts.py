"""The files of a bundle, made of its facts and cleaned."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import to_builtins

from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.presets import PRESETS
from korproxy_addons.recording.bundle import Part, json_part, lines_part
from launcher.actions.bundle_cleaning import Cleaner
from launcher.actions.bundle_config import cleaned_config
from launcher.actions.bundle_facts import Facts
from launcher.actions.bundle_findings import findings
from launcher.actions.bundle_summary import day_sums

NEWEST = 300
"""So many of the last day's requests are shown one by one, and besides them as many of those that did not end well."""


def name_facts(facts: Facts, cleaner: Cleaner) -> None:
    """Give the names in the facts, which the configuration does not have, their pseudonyms."""
    views = facts.looked.accounts
    for view in () if isinstance(views, KorProxyError) else views:
        cleaner.name("account", view.id, view.label, view.email, view.organization)
    for record in reversed(facts.exchanges):
        if record.project:
            cleaner.name("project", record.project)
        if record.local_key:
            cleaner.name("key", record.local_key)
        if record.tool and record.tool not in PRESETS:
            # The name of a program that called, maybe of its author's own.
            cleaner.name("tool", record.tool)
    for line in facts.lines:
        if isinstance(line.get("project"), str):
            cleaner.name("project", line["project"])


def parts_of(facts: Facts, cleaner: Cleaner) -> tuple[Part, ...]:
    """
    Every part but the summary, the manifest and recordings.

    Args:
        facts: What was gathered.
        cleaner: Knows the secrets and the names (`name_facts`).
    """
    return tuple(_last_net(it, cleaner) for it in _raw(facts, cleaner))


def _raw(facts: Facts, cleaner: Cleaner) -> Iterator[Part]:
    clean = cleaner.value
    looked = facts.looked
    yield json_part("system.json", "versions and system", clean(facts.system))
    yield json_part(
        "findings.json", "what looks wrong, for programs", clean(_dicts(findings(facts)))
    )
    yield json_part(
        "self-test.json", "every check of `korproxy self-test`", clean(_dicts(looked.checks))
    )
    yield json_part(
        "status.json", "what launcher and gateway say of themselves", clean(_status(facts))
    )
    if facts.moments:
        moments = [it._asdict() for it in facts.moments]
        yield json_part("timeline.json", "the gateway's life in the last week", clean(moments))
    yield from _settings(facts, cleaner)
    if not isinstance(looked.accounts, KorProxyError):
        accounts = clean(_dicts(looked.accounts))
        yield json_part("accounts.json", "the accounts and how they stand", accounts)
    if facts.quota:
        yield json_part("quota.json", "what is left of them", clean(_dicts(facts.quota)))
    yield json_part(
        "vault.json", "how the vault stands; nothing of what lies in it", clean(_vault(facts))
    )
    yield json_part("usage-24h.json", "the last day in numbers", clean(day_sums(facts.exchanges)))
    if facts.exchanges:
        yield lines_part(
            "requests-24h.jsonl",
            "the last requests, and those that failed; never what was said",
            (clean(to_builtins(it)) for it in _shown(facts.exchanges)),
        )
    if facts.metrics:
        yield _text("metrics.txt", "the running gateway's metrics", facts.metrics, cleaner)
    if facts.lines:
        lines = (clean(it) for it in facts.lines)
        yield lines_part("logs/korproxy.jsonl", "the log of the last day", lines)
    for name, text in facts.texts:
        yield _text(f"logs/{name}", "what the launcher said in the background", text, cleaner)
    for name, value in facts.crashes:
        yield json_part(f"crashes/{name}", "a crash that was kept", clean(value))
    if facts.modes:
        modes = [
            f"{it.mode:04o} {it.size:>10} {it.name}{'/' if it.is_folder else ''}"
            for it in facts.modes
        ]
        text = "\n".join(modes) + "\n"
        yield _text("files.txt", "the folder's files: rights and sizes", text, cleaner)


def _settings(facts: Facts, cleaner: Cleaner) -> Iterator[Part]:
    if facts.config_text:
        text = cleaned_config(facts.config_text, cleaner)
        yield Part("config.yaml", "the configuration, without secrets and comments", text.encode())
    problems = facts.looked.config.problems
    if problems:
        value = cleaner.value(_dicts(problems))
        yield json_part("config-problems.json", "what is wrong with the configuration", value)


def _status(facts: Facts) -> dict[str, Any]:
    running = facts.looked.running
    return {
        "launcher_runs": running.launcher,
        "launcher": running.status,
        "gateway": None if running.health is None else running.health.model_dump(),
        "port": running.port,
    }


def _vault(facts: Facts) -> dict[str, Any]:
    view = dataclasses.asdict(facts.looked.vault)
    # Their names are those of accounts; how many there are is enough.
    return {**view, "entries": len(facts.looked.vault.entries)}


def _shown(records: Sequence[Any]) -> list[Any]:
    failed = [it for it in records if it.outcome != "ok"][:NEWEST]
    wanted = {it.id for it in (*records[:NEWEST], *failed)}
    return [it for it in records if it.id in wanted]


def _text(name: str, why: str, text: str, cleaner: Cleaner) -> Part:
    return Part(name, why, cleaner.text(text).encode())


def _last_net(part: Part, cleaner: Cleaner) -> Part:
    """Whatever way a secret in use may have come in, it does not leave."""
    return dataclasses.replace(part, content=cleaner.redactor.without_known(part.content))


def _dicts(values: Iterable[Any]) -> list[dict[str, Any]]:
    return [dataclasses.asdict(it) for it in values]
