"""The addons, in the order in which they see a request; `build` makes them for one KorProxy folder."""

import secrets
import time
from pathlib import Path

from korproxy_addons import __version__
from korproxy_addons.addons.access import Access
from korproxy_addons.addons.control import Control
from korproxy_addons.addons.dispatch import Dispatch
from korproxy_addons.addons.egress import Egress
from korproxy_addons.addons.entrance import Entrance
from korproxy_addons.addons.ingress import Ingress
from korproxy_addons.addons.journal import Journal
from korproxy_addons.addons.metering import Metering, account_states, quota_left
from korproxy_addons.addons.notices import Notices
from korproxy_addons.addons.recorder import Recorder
from korproxy_addons.addons.state import State
from korproxy_addons.addons.telemetry import Telemetry
from korproxy_addons.config.store import ConfigStore
from korproxy_addons.gateway.conversations import Conversations
from korproxy_addons.gateway.limiting import Limiter
from korproxy_addons.gateway.socket_history import SocketHistory
from korproxy_addons.io.conversation_shelf import ConversationShelf
from korproxy_addons.io.database import open_database
from korproxy_addons.io.past_use import PastUse
from korproxy_addons.io.secret_store import SecretStore
from korproxy_addons.io.vault_key import VaultKey
from korproxy_addons.io.vault_keys import SystemKeys, ask_nobody
from korproxy_addons.io.vault_opening import VaultDoor
from korproxy_addons.io.vault_terminal import TerminalAsk
from korproxy_addons.io.workspace import Workspace
from korproxy_addons.recording.redact import Redactor
from korproxy_addons.usage.metrics import Metrics


def build(
    home: Path,
    *,
    own_process: bool = False,
    log_to_terminal: bool = False,
    store: ConfigStore | None = None,
    vault_key: VaultKey | None = None,
) -> tuple[object, ...]:
    """
    The gateway's addons for the folder `home`.

    The same for our own master and for stock mitmdump and mitmweb.

    Args:
        home: The KorProxy folder; its config is read (and written first, if there is none).
        own_process: The process is ours, so what mitmproxy warns of belongs into our log.
        log_to_terminal: Write the log to stderr too.
        store: The config, loaded; None: the one in the folder is.
        vault_key: Handed over by a launcher; None: the vault's key is looked for where this machine keeps it.
    Raises:
        ConfigProblems: the config cannot be used.
    """
    if store is None:
        store = ConfigStore(home)
        store.load()
    redactor = Redactor()
    keys = SystemKeys(ask=TerminalAsk() if own_process else ask_nobody)
    door = VaultDoor(home, keys if vault_key is None else vault_key, redactor.learn)
    door.begin()
    secret_store = SecretStore(home, redactor.learn, redactor.without_known, door=door)
    database = open_database(home)
    state = State(database)
    metrics = Metrics(__version__)
    metrics.rows_dropped = lambda: database.dropped
    metrics.accounts = lambda: account_states(store.current, state.fleet.pool, time.time())
    metrics.quota = lambda: quota_left(store.current, state.fleet.quota, time.time())
    telemetry = Telemetry(home, store, own_process=own_process)
    journal = Journal(
        home,
        store,
        redactor,
        own_process=own_process,
        terminal=log_to_terminal,
        crashed=telemetry.desk.crashed,
    )
    conversations = Conversations(ConversationShelf(database))
    limiter = Limiter(PastUse(database), metrics)
    workspace = Workspace(Path.home())
    dispatch = Dispatch(
        store,
        secret_store,
        state.fleet,
        conversations=conversations,
        spending=state.spending,
        limiter=limiter,
        on_renewal=lambda result: metrics.token_refresh.labels(result).inc(),
        workspace=workspace,
    )
    notices = Notices(store, state, time.time)
    limiter.on_reached = notices.reached
    dispatch.on_network = notices.network
    sockets = SocketHistory()
    control = Control(
        store,
        state.fleet.pool,
        metrics,
        secrets.token_hex(8),
        (dispatch.apply_config, journal.apply_config, notices.apply_config),
    )
    control.vault_state = lambda: door.state
    control.offline = dispatch.offline
    recorder = Recorder(home, redactor, lambda: store.current, workspace=workspace)
    control.recording = recorder.state
    door.wait()
    return (
        journal,
        state,
        notices,
        Entrance(lambda: store.current, sockets),
        recorder,
        Access(secret_store.load),
        control,
        Ingress(sockets),
        dispatch,
        Egress(),
        Metering(
            metrics,
            database,
            lambda: store.current,
            (limiter.finished,),
            workspace=workspace,
        ),
        state.closing,
        journal.closing,
        telemetry,
    )
