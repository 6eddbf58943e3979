"""The addons, in the order in which they see a request; `build` makes them for one KorProxy folder."""

import secrets
from pathlib import Path

from korproxy_addons.accounts.pool import Pool
from korproxy_addons.addons.access import Access
from korproxy_addons.addons.control import Control
from korproxy_addons.addons.dispatch import Dispatch
from korproxy_addons.addons.egress import Egress
from korproxy_addons.addons.entrance import Entrance
from korproxy_addons.addons.ingress import Ingress
from korproxy_addons.addons.journal import Journal
from korproxy_addons.addons.metering import Metering
from korproxy_addons.config.store import ConfigStore
from korproxy_addons.io.secret_store import SecretStore
from korproxy_addons.recording.redact import Redactor
from korproxy_addons.usage.metrics import Metrics


def build(
    home: Path, *, own_process: bool = False, log_to_terminal: bool = False
) -> tuple[object, ...]:
    """
    The gateway's addons for the folder `home`.

    The same for our own master and for stock mitmdump and mitmweb.

    Args:
        home: The KorProxy folder; its config is read (and written first, if there is none).
        own_process: The process is ours, so what mitmproxy warns of belongs into our log.
        log_to_terminal: Write the log to stderr too.
    Raises:
        ConfigProblems: the config cannot be used.
    """
    store = ConfigStore(home)
    store.load()
    redactor = Redactor()
    secret_store = SecretStore(home, redactor.learn, redactor.without_known)
    pool = Pool()
    metrics = Metrics()
    journal = Journal(home, store, redactor, own_process=own_process, terminal=log_to_terminal)
    dispatch = Dispatch(store, secret_store, pool)
    control = Control(
        store, pool, metrics, secrets.token_hex(8), (dispatch.apply_config, journal.apply_config)
    )
    return (
        journal,
        Entrance(lambda: store.current),
        Access(secret_store.load),
        control,
        Ingress(),
        dispatch,
        Egress(),
        Metering(metrics),
        journal.closing,
    )
