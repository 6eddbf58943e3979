"""
The self-test: whether this installation works, from its files to a full round through a gateway.

Everything is looked at, whatever fails before it, and nothing is changed. With `offline` no connection leaves the machine; without
it, only the hosts of the user's own providers are asked, and nothing is sent to them but `HEAD /`.
"""

import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from korproxy_addons import __version__
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.proxies import SystemProxies
from korproxy_addons.io.registry_file import load_routes
from korproxy_addons.io.vault_keyring import OsKeyring
from korproxy_addons.io.vault_keys import Ask, SystemKeys, ask_nobody
from korproxy_addons.io.vault_opening import open_vault
from korproxy_addons.providers.resolve import resolve_accounts
from launcher.actions.accounts import AccountView
from launcher.actions.checks import Check, worst
from launcher.actions.self_test_config import (
    FoundConfig,
    account_views,
    check_accounts,
    check_config,
    check_secrets,
    find_config,
)
from launcher.actions.self_test_folder import (
    check_database,
    check_disk,
    check_permissions,
    database_trouble,
)
from launcher.actions.self_test_network import (
    check_certificates,
    check_clock,
    check_names,
    check_proxies,
    check_reach,
)
from launcher.actions.self_test_ports import (
    Running,
    check_admin_port,
    check_gateway,
    check_port,
    find_running,
)
from launcher.actions.self_test_probe import Probed, probe_all, targets_of
from launcher.actions.self_test_round import DIALECTS, full_round
from launcher.actions.self_test_vault import PATIENCE_S, AskOnce, check_keyring, check_vault
from launcher.actions.steps import OnStep, Steps, tell_nobody
from launcher.actions.vault import VaultView, vault_status

OLDEST_PYTHON = (3, 12)
CHECKS = 17 + 1 + len(DIALECTS)
"""How many there are: our own, then the start of a gateway and a question in each dialect."""


@dataclass(frozen=True, slots=True)
class Looked:
    """
    What a self-test found out on its way; the debug bundle shows it whole.

    Attributes:
        checks: Every check, in the order in which they are shown.
        config: The configuration.
        running: What runs.
        vault: How the vault stands.
        accounts: How the accounts stand, or why that cannot be told.
        database_ok: The database can be read.
    """

    checks: tuple[Check, ...]
    config: FoundConfig
    running: Running
    vault: VaultView
    accounts: tuple[AccountView, ...] | KorProxyError
    database_ok: bool

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return worst(self.checks) != "fail"


type Round = Callable[[], Iterator[Check]]


def self_test(
    home: Path,
    *,
    offline: bool = False,
    environ: Mapping[str, str] | None = None,
    clock: Callable[[], float] = time.time,
    rounds: Round = full_round,
    ask: Ask = ask_nobody,
    on_step: OnStep = tell_nobody,
) -> Looked:
    """
    Look at everything.

    Args:
        home: The KorProxy folder; it need not be there.
        offline: Ask nobody outside this machine.
        environ: Environment variables; None: the process's own.
        clock: Unix seconds.
        rounds: The full round through a gateway of its own.
        ask: Asks a person for the vault's passphrase, where it has one.
        on_step: Is told of each check that is done, and which is waited for.
    """
    environ = os.environ if environ is None else environ
    steps = Steps(on_step, CHECKS)
    with ThreadPoolExecutor(4, thread_name_prefix="self-test") as pool:
        # Side by side: the gateway's start, the keyring, the hosts and a locked database are what takes time.
        config = find_config(home)
        rounding = pool.submit(lambda: tuple(steps.each(rounds())))
        probing = None if offline else pool.submit(probe_providers, config, home, clock)
        troubling = pool.submit(database_trouble, home)
        keys = SystemKeys(OsKeyring(patience_s=PATIENCE_S), environ, AskOnce(ask))
        viewing = pool.submit(
            account_views, home, config, lambda: open_vault(home, keys=keys), clock
        )
        steps.at("files")
        files = steps.got(
            check_versions(), check_config(home, config), check_permissions(home), check_disk(home)
        )
        steps.at("vault and keyring")
        vault = vault_status(home, keys=keys)
        keyring = steps.got(check_keyring(vault), check_secrets(home, config.config, environ))
        steps.at("gateway and ports")
        running = find_running(home, config.config)
        vaults = steps.got(check_vault(vault, running.health.vault if running.health else ""))
        ports = steps.got(
            check_gateway(running),
            check_port(home, config.config, running),
            check_admin_port(config.config, running),
            check_proxies(environ),
        )
        steps.at("database and accounts")
        found, accounts = troubling.result(), viewing.result()
        database = steps.got(check_database(home, found))
        stand = steps.got(check_accounts(accounts, database_ok=found is None))
        steps.at("providers' hosts")
        probed = None if probing is None else probing.result()
        hosts = steps.got(
            check_clock(clock(), probed),
            check_names(probed),
            check_reach(probed),
            check_certificates(probed),
        )
        steps.at("a full round through a gateway")
        round_ = rounding.result()
    checks = (*files, *database, *vaults, *keyring, *stand, *ports, *hosts, *round_)
    return Looked(checks, config, running, vault, accounts, found is None)


def check_versions(python: tuple[int, int] = sys.version_info[:2]) -> Check:
    """What runs here."""
    name = "versions"
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    detail = f"KorProxy {__version__}, Python {platform.python_version()}, {system}"
    seen = (f"mitmproxy {library_version('mitmproxy')}",)
    if python < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        remedy = (f"Install KorProxy with Python {wanted} or newer.",)
        return Check(name=name, result="fail", detail=detail, remedy=remedy, seen=seen)
    return Check(name=name, result="ok", detail=detail, seen=seen)


def library_version(name: str) -> str:
    """The version of a package that is installed; a frozen program need not know it."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "of a version that is not told"


def probe_providers(
    config: FoundConfig, home: Path, clock: Callable[[], float]
) -> tuple[Probed, ...]:
    """Ask the hosts of the accounts that may be used."""
    ways = resolve_accounts(config.config, home, load_routes(home, clock))
    return probe_all(targets_of(ways, SystemProxies()), clock)
