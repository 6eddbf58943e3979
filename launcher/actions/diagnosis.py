"""
What is wrong now, worst first: the gateway, its settings, the accounts, requests that failed and were not answered since.

Read from the launcher's word, the gateway's own page and the database; nothing is sent to a provider, nothing is written, and
no gateway need run.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from korproxy_addons.config.problems import ConfigProblems
from korproxy_addons.config.store import FILE_NAME as CONFIG_NAME
from korproxy_addons.config.store import ConfigStore
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.catalogue import CATALOGUE
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.database import Reader
from korproxy_addons.io.database_file import FILE_NAME
from korproxy_addons.io.vault_opening import open_vault
from korproxy_addons.presets import PRESETS
from korproxy_addons.providers.resolve import resolve_accounts
from korproxy_addons.usage.record import OWN_REQUESTS
from launcher.actions.account_health import Trouble, troubles
from launcher.actions.accounts import AccountView, list_accounts
from launcher.actions.checks import ORDER, Check, Result
from launcher.actions.routes import explain_route
from launcher.gateway_look import Stance, Who

RECENT_S = 6 * 3600.0
"""A failure that is older is history."""
MOST_ROWS = 5000
_OWNERS = ("needs-login", "session-ended", "no-secret", "vault-closed", "retired", "consent-needed")
"""States of accounts that only a person can end."""
_RESTS = ("rate-limited", "erroring")
_NO_MODEL = ("KP-REQ-711", "KP-PROV-103")
_KEY = catalogue.LOCAL_KEY_REFUSED.code
_BEFORE_A_MODEL = (_KEY, "KP-REQ-707", "KP-REQ-708")
"""What a wrong key, a wrong path and a wrong method are told: nobody has read by then which model was meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Check):
    """
    Something that is wrong, or that somebody should know.

    Attributes:
        about: `gateway`, `settings`, `account`, `request` or `tool`.
        code: The error code that belongs to it; "" if there is none.
        subject: Id of the account, or the model that was asked for.
        tool: Id of the tool that met it, "" if none did, or it did not say its name.
        request_id: The last request that met it.
    """

    about: str
    code: str = ""
    subject: str = ""
    tool: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failed:
    """Requests that failed in the same way, and none of their kind has succeeded since."""

    request_id: str
    at: float
    tool: str
    dialect: str
    model: str
    provider: str
    account: str
    code: str
    status: int | None
    times: int = 1


def diagnose(
    home: Path, stance: Stance, *, clock: Callable[[], float] = time.time
) -> tuple[Finding, ...]:
    """
    What is wrong with KorProxy now.

    Args:
        home: The KorProxy folder.
        stance: How it stands (`gateway_look.stance_of`).
        clock: Unix seconds.
    """
    found = [*_gateway(stance), *_settings(home, stance), *_no_account(home)]
    failed = list(_failures(home, clock()))
    told: set[str] = set()
    resting = troubles(home, clock())
    for view in _accounts(home, clock):
        trouble = resting.get(view.id)
        met = [it for it in failed if _met(it, view, trouble)]
        about = _account(view, trouble, next(iter(met), None), clock())
        if about is not None:
            told |= {it.request_id for it in met}
            found.append(about)
    found += [_request(home, it, clock()) for it in failed if it.request_id not in told]
    return tuple(sorted(found, key=lambda it: ORDER.index(it.result)))


# --- the gateway and its settings


def _gateway(stance: Stance) -> Iterator[Finding]:
    state = (stance.launcher or {}).get("state", "")
    port = stance.address.port
    if state == "paused":
        yield Finding(
            about="gateway", name="gateway", result="fail", code=catalogue.PAUSED.code,
            detail="KorProxy is paused: it answers every request with an error.",
            remedy=("korproxy resume",),
        )  # fmt: skip
        return
    if stance.serves:
        return
    if stance.look.who is Who.STRANGER:
        who = stance.look.name or "another program"
        yield Finding(
            about="gateway", name="gateway", result="fail", code=catalogue.NOT_RUNNING.code,
            detail=f"KorProxy does not run, and its port {port} is taken by {who}.",
            remedy=("End that program, or set another listen.port in config.yaml.", "korproxy start"),
        )  # fmt: skip
    elif stance.look.who is Who.OTHER_FOLDER:
        yield Finding(
            about="gateway", name="gateway", result="fail", code=catalogue.NOT_RUNNING.code,
            detail=f"At port {port} runs a KorProxy with another folder than this one.",
            remedy=("Name its folder with --home or KORPROXY_HOME, or give one of them another port.",),
        )  # fmt: skip
    elif state in ("", "stopped"):
        yield Finding(
            about="gateway", name="gateway", result="fail", code=catalogue.NOT_RUNNING.code,
            detail=f"KorProxy does not run; nothing listens on port {port}.",
            remedy=("korproxy start",),
        )  # fmt: skip
    else:
        detail = (stance.launcher or {}).get("detail", "")
        yield Finding(
            about="gateway", name="gateway", result="fail", code=catalogue.START_FAILED.code,
            detail=f"The gateway is {state}" + (f": {detail}" if detail else "."),
            remedy=("korproxy logs", "korproxy restart"),
        )  # fmt: skip


def _settings(home: Path, stance: Stance) -> Iterator[Finding]:
    health = stance.look.health
    running = health.config_problems if health is not None and stance.serves else ()
    for problem in stance.problems or running:
        yield Finding(
            about="settings", name="settings", result="fail", code=catalogue.CONFIG_INVALID.code,
            detail=f"{CONFIG_NAME} cannot be used: {problem}",
            remedy=(f"Mend {home / CONFIG_NAME}; the last good settings stay in force until then.",),
        )  # fmt: skip


# --- accounts


def _no_account(home: Path) -> Iterator[Finding]:
    if not (home / CONFIG_NAME).exists():
        return
    try:
        config = ConfigStore(home).load()
    except ConfigProblems:
        return
    if not resolve_accounts(config):
        yield Finding(
            about="account", name="accounts", result="fail", code=catalogue.NO_ACCOUNT.code,
            detail="No account is in use, so no model is served.",
            remedy=("korproxy account add PROVIDER: claude, codex, gemini, qwen, or one of your own",),
        )  # fmt: skip


def _accounts(home: Path, clock: Callable[[], float]) -> tuple[AccountView, ...]:
    if not (home / CONFIG_NAME).exists():
        return ()
    try:
        return list_accounts(home, lambda: open_vault(home), clock)
    except (ConfigProblems, KorProxyError):
        return ()  # what is wrong with the settings is said already


def _met(failed: _Failed, view: AccountView, trouble: Trouble | None) -> bool:
    """Whether requests failed for what is held against an account; one that was not even asked stands nowhere."""
    if not _is_accounts(failed.code):
        return False
    refused = not failed.account and trouble is not None and failed.code == _code_in(trouble.reason)
    return failed.account == view.id or refused


def _account(
    view: AccountView, trouble: Trouble | None, met: _Failed | None, now: float
) -> Finding | None:
    if view.state not in (*_OWNERS, *_RESTS):
        return None
    code = met.code if met is not None else _code_in(trouble.reason if trouble else view.hint)
    spec = CATALOGUE.get(code)
    title = spec.title if spec is not None else f"It is {view.state.replace('-', ' ')}"
    words = trouble.reason.removeprefix(code).removeprefix(": ") if trouble is not None else ""
    said = [title if words in ("", "no reason told") else f"{title}: {words.rstrip('.')}"]
    if trouble is not None and trouble.until:
        said.append(f"It is asked again in {_length(trouble.until - now)}")
    if met is not None:
        said.append(
            f"Last met {_ago(met.at, now)} by {_name_of(met.tool)}, request {met.request_id}"
        )
    owner = view.state in _OWNERS
    steps = [it.removesuffix(".") for it in (_command(view.hint),) if it and owner]
    if not owner and spec is not None:
        steps += spec.remedy
    if not owner:
        steps.append(f"korproxy account test {view.id}")
    return Finding(
        about="account", name=f"account {view.id}", result="fail" if owner or met is not None else "warn",
        code=code, subject=view.id, tool=met.tool if met is not None else "",
        request_id=met.request_id if met is not None else "",
        detail=f"{view.label} at {view.provider_name}: {'. '.join(said)}.",
        remedy=tuple(steps or [view.hint]),
    )  # fmt: skip


def _command(hint: str) -> str:
    """The command in a hint of `AccountView`; "" if it has none."""
    start = hint.find("korproxy ")
    return hint[start:] if start >= 0 else ""


def _is_accounts(code: str) -> bool:
    """Whether a code is about the account, or the way to its provider, and not about what was asked."""
    return code.startswith(("KP-AUTH-", "KP-RATE-40", "KP-RATE-41", "KP-NET-")) or code in (
        "KP-PROV-101", "KP-PROV-105", "KP-PROV-107", "KP-PROV-113",
    )  # fmt: skip


def _code_in(text: str) -> str:
    words = (it.strip(".,:;()") for it in text.split())
    return next((it for it in words if it in CATALOGUE), "")


# --- requests


def _failures(home: Path, now: float) -> Iterator[_Failed]:
    reader = Reader(home / FILE_NAME)
    try:
        rows = reader.read(
            "SELECT request_id, started_at, tool, client_dialect, requested_model, provider, account,"
            " code, status, outcome FROM exchanges WHERE started_at > ?"
            " AND (requested_model <> '' OR code IN (?, ?, ?)) ORDER BY started_at DESC LIMIT ?",
            (now - RECENT_S, *_BEFORE_A_MODEL, MOST_ROWS),
        )
    finally:
        reader.close()
    # A tool asks a strange path now and then beside its work; a key that was good before may be gone since.
    working = {row[2] for row in rows if row[-1] == "ok"}
    served: set[tuple[Any, Any]] = set()
    served_tools: set[Any] = set()
    found: dict[tuple[Any, ...], _Failed] = {}
    for request_id, at, tool, dialect, model, provider, account, code, status, outcome in rows:
        accounts = bool(account) and _is_accounts(str(code))
        if outcome == "ok":
            served |= {(tool, model), (account, "")}
            served_tools.add(tool)
        # The newest come first: what was served since is no longer wrong.
        if outcome != "error" or ((account, "") if accounts else (tool, model)) in served:
            continue
        if (tool, model) in served:
            continue
        if tool == OWN_REQUESTS and not accounts:
            continue  # whoever ran the command has read what was refused
        if not model and tool in (served_tools if code == _KEY else working):
            continue
        key = (account, code) if accounts else (tool, model, account, code)
        known = found.get(key)
        if known is not None:
            found[key] = replace(known, times=known.times + 1)
            continue
        found[key] = _Failed(
            request_id=str(request_id), at=float(at or 0), tool=str(tool), dialect=str(dialect),
            model=str(model), provider=str(provider), account=str(account), code=str(code),
            status=None if status is None else int(status),
        )  # fmt: skip
    yield from found.values()


def _request(home: Path, failed: _Failed, now: float) -> Finding:
    spec = CATALOGUE.get(failed.code)
    title = (
        spec.title if spec is not None else f"the provider answered {failed.code or failed.status}"
    )
    steps = list(spec.remedy) if spec is not None else []
    tool = _name_of(failed.tool)
    times = "" if failed.times == 1 else f", {failed.times} times"
    if not failed.model:
        return _refused(failed, title, f"{tool} was refused {_ago(failed.at, now)}{times}", steps)
    asked = f"{tool} asked for {failed.model} {_ago(failed.at, now)}{times}"
    name = f"model {failed.model}"
    result: Result = "fail"
    if failed.account and _is_accounts(failed.code):
        name = f"account {failed.account}"
        detail = f"{failed.account} at {failed.provider}: {title}. {asked[0].upper()}{asked[1:]}."
        steps.append(f"korproxy account test {failed.account}")
    else:
        by = f", asked of account {failed.account} ({failed.provider})" if failed.account else ""
        detail = f"{asked[0].upper()}{asked[1:]}{by}: {title}."
    if failed.code in _NO_MODEL:
        again = _asked_again(home, failed)
        if again == "":
            result, steps = "warn", []
            detail += " It would be served now."
        elif again is not None:
            near = again.removeprefix(f"{title}: ").partition(f" {steps[0]}")[0].rstrip(".")
            detail = f"{detail.removesuffix('.')}: {near}." if near not in detail else detail
            steps = [
                f"Name another model in {tool}'s settings.",
                f"Or give this name a meaning, in config.yaml: aliases: {{{failed.model}: MODEL}}",
            ]
    return Finding(
        about="request", name=name, result=result, code=failed.code, subject=failed.model, tool=failed.tool,
        request_id=failed.request_id, detail=f"{detail} Request {failed.request_id}.",
        remedy=(*steps, f"korproxy explain {failed.request_id}"),
    )  # fmt: skip


def _refused(failed: _Failed, title: str, said: str, steps: list[str]) -> Finding:
    """What was turned away before its model was read: its key, or its path, is wrong."""
    result: Result = "fail" if failed.code == _KEY else "warn"
    return Finding(
        about="request", name="tool", result=result, code=failed.code, tool=failed.tool,
        request_id=failed.request_id, remedy=(*steps, f"korproxy explain {failed.request_id}"),
        detail=f"{said[0].upper()}{said[1:]}: {title}. Request {failed.request_id}.",
    )  # fmt: skip


def _name_of(tool: str) -> str:
    """Of a tool; what calls itself something else is a program of the user's own."""
    if tool in PRESETS:
        return PRESETS[tool].name
    if tool == OWN_REQUESTS:
        return "KorProxy itself"
    return f"the program {tool}" if tool else "a tool"


def _asked_again(home: Path, failed: _Failed) -> str | None:
    """What a request for the model would be told now; "" if it were served; None if that cannot be found out."""
    question = {"model": failed.model, "tool": failed.tool, "dialect": failed.dialect}
    try:
        said = explain_route(home, question)
    except KorProxyError:
        return None
    return str(said["error"])


def _ago(at: float, now: float) -> str:
    return f"{_length(now - at)} ago"


def _length(seconds: float) -> str:
    passed = max(0.0, seconds)
    if passed < 90:
        return f"{passed:.0f} s"
    return f"{passed / 60:.0f} min" if passed < 5400 else f"{passed / 3600:.0f} h"
