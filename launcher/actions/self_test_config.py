"""The configuration and its accounts, looked at without writing anything."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from korproxy_addons.config.problems import ConfigProblem, ConfigProblems
from korproxy_addons.config.schema import Config
from korproxy_addons.config.secret_ref import Place
from korproxy_addons.config.store import FILE_NAME, LAST_GOOD_NAME, ConfigStore
from korproxy_addons.errors.catalogue import CONFIG_UNSAFE
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import ErrorSpec
from korproxy_addons.io.secrets import load_secret
from launcher.actions.accounts import AccountView, OpenVault, list_accounts
from launcher.actions.checks import Check

USABLE = frozenset({"ready", "ends-soon", "rate-limited"})
"""States in which an account is asked, now or after a while."""
_MOST_PROBLEMS = 5
STATES = {
    "disabled": "is disabled",
    "consent-needed": "waits for its owner's consent",
    "retired": "uses a way in that its provider has closed",
    "session-ended": "must be signed in again: its session has ended",
    "ends-soon": "must soon be signed in again",
    "no-secret": "has no secret",
    "vault-closed": "has its secret in the vault, which does not open",
    "needs-login": "must be reconnected: its provider refused it",
    "rate-limited": "rests until its limit is reset",
    "erroring": "rests after repeated errors",
    "ready": "is ready",
}
"""What a state of an account means, behind the account's id."""


@dataclass(frozen=True, slots=True)
class FoundConfig:
    """
    What the file says.

    Attributes:
        config: The configuration; where the file cannot be used, the last one that could, else an empty one.
        problems: What is wrong with the file.
        spec: What kind of problem that is; None: none.
        is_there: There is a file.
    """

    config: Config
    problems: tuple[ConfigProblem, ...] = ()
    spec: ErrorSpec | None = None
    is_there: bool = True


def find_config(home: Path) -> FoundConfig:
    """The configuration of a folder; unlike a start, this writes no first file."""
    if not (home / FILE_NAME).exists():
        return FoundConfig(Config(), is_there=False)
    try:
        return FoundConfig(ConfigStore(home).load())
    except ConfigProblems as error:
        problems, spec = error.problems, error.spec
    try:
        return FoundConfig(ConfigStore(home).load_last_good(), problems, spec)
    except ConfigProblems:
        return FoundConfig(Config(), problems, spec)


def check_config(home: Path, found: FoundConfig) -> Check:
    """Whether the file can be used; each problem with its line, what was expected, and what stands there."""
    name = "configuration"
    if not found.is_there:
        detail = "not there yet; the first start writes one"
        return Check(name=name, result="ok", detail=detail)
    if found.spec is None:
        config = found.config
        detail = f"can be used; {_count(len(config.accounts), 'account')}"
        return Check(name=name, result="ok", detail=detail)
    told = [_told(it) for it in found.problems]
    more = f"; and {len(told) - _MOST_PROBLEMS} more" if len(told) > _MOST_PROBLEMS else ""
    if found.spec is CONFIG_UNSAFE:
        remedy = found.spec.remedy
    else:
        remedy = (
            "Mend that line: korproxy config edit shows the file and checks it.",
            "A running gateway goes on with the last configuration that could be used.",
        )
        if (home / LAST_GOOD_NAME).exists():
            remedy += (f"Or go back to that one: it lies in {LAST_GOOD_NAME}.",)
    return Check(
        name=name,
        result="fail",
        detail=f"{found.spec.code} {'; '.join(told[:_MOST_PROBLEMS])}{more}",
        remedy=remedy,
        seen=tuple(told),
    )


def account_views(
    home: Path, found: FoundConfig, vault: OpenVault, clock: Callable[[], float] = time.time
) -> tuple[AccountView, ...] | KorProxyError:
    """How the accounts stand; why that cannot be told where the configuration cannot be used."""
    if not found.is_there:
        return ()
    try:
        return list_accounts(home, vault, clock)
    except KorProxyError as error:
        return error


def check_accounts(
    views: tuple[AccountView, ...] | KorProxyError, *, database_ok: bool = True
) -> Check:
    """
    Whether there is an account that can be used, and which cannot.

    Args:
        views: As `account_views` has them.
        database_ok: What the gateway last met with each could be read.
    """
    name = "accounts"
    if isinstance(views, KorProxyError):
        return Check(name=name, result="skip", detail="the configuration cannot be used")
    used = [it for it in views if it.state != "disabled"]
    seen = tuple(f"{it.id}: {it.state}" for it in views)
    if not used:
        return Check(
            name=name,
            result="warn",
            detail="none is connected" if not views else "all are disabled",
            remedy=("korproxy account add shows what can be connected.",),
            seen=seen,
        )
    lost = [it for it in used if it.state not in USABLE]
    if lost:
        return Check(
            name=name,
            result="fail" if len(lost) == len(used) else "warn",
            detail="; ".join(map(_stands, lost)),
            remedy=tuple(dict.fromkeys(it.hint for it in lost if it.hint)),
            seen=seen,
        )
    waiting = [it for it in used if it.state != "ready"]
    if waiting:
        return Check(
            name=name,
            result="warn",
            detail="; ".join(map(_stands, waiting)),
            remedy=tuple(dict.fromkeys(it.hint for it in waiting if it.hint)),
            seen=seen,
        )
    detail = f"{len(used)} ready"
    if not database_ok:
        detail += ", as far as is known without the database"
    return Check(name=name, result="ok", detail=detail, seen=seen)


def check_secrets(home: Path, config: Config, environ: Mapping[str, str]) -> Check:
    """
    Whether the secrets that lie in files and variables are there; those in the vault are told by the accounts.

    Args:
        home: The KorProxy folder.
        config: The configuration.
        environ: This process's environment; the gateway may have been started with another.
    """
    name = "secrets"
    missing: list[str] = []
    unset: list[str] = []
    known = 0
    for account in config.enabled_accounts():
        ref = account.secret
        if ref is None or ref.place not in (Place.FILE, Place.ENV):
            continue
        known += 1
        try:
            load_secret(ref, home, environ)
        except KorProxyError as error:
            (unset if ref.place is Place.ENV else missing).append(f"{account.id}: {error.detail}")
    if not known:
        return Check(name=name, result="ok", detail="none lies in a file or a variable")
    told = "; ".join((*missing, *unset))
    if missing:
        remedy = ("Put the key there, or name the place where it is: korproxy config edit",)
        return Check(name=name, result="fail", detail=told, remedy=remedy)
    if unset:
        remedy = ("It must be set where KorProxy is started; in this terminal it need not be.",)
        return Check(name=name, result="warn", detail=told, remedy=remedy)
    return Check(name=name, result="ok", detail=f"{known} in files and variables, all there")


def _stands(view: AccountView) -> str:
    return f"{view.id} {STATES.get(view.state, view.state)}"


def _told(problem: ConfigProblem) -> str:
    key = f" {problem.key}:" if problem.key else ""
    return f"line {problem.line}:{key} expected {problem.expected}; found {problem.found}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
