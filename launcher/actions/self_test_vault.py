"""The vault, and the system's keyring that may keep its key."""

import threading

from pydantic import SecretStr

from korproxy_addons.io.vault_keyring import KeyringLockedError, NoKeyringError, OsKeyring
from korproxy_addons.io.vault_keys import SERVICE, Ask
from launcher.actions.checks import Check
from launcher.actions.vault import VaultView

PATIENCE_S = 6.0
"""How long the keyring may take here: somebody waits for the whole test."""
_ITEM = "self-test"
_BY_KEYRING = "the keyring: "
"""How `SystemKeys` begins what a keyring that stays locked says."""


class AskOnce:
    """
    Asks a person for the passphrase once, however many want to know it at the same time.

    Args:
        ask: Asks.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._mutex = threading.Lock()
        self._answers: list[SecretStr | None] = []

    def __call__(self, *, new: bool) -> SecretStr | None:
        """What was typed, by whomever it was asked for first."""
        with self._mutex:
            if not self._answers:
                self._answers.append(self._ask(new=new))
            return self._answers[0]


def check_vault(view: VaultView, gateway: str = "") -> Check:
    """
    Whether the vault opens.

    Args:
        view: As `vault_status` has it.
        gateway: What the running gateway says of it, as in `Health.vault`; "" if none runs.
    """
    name = "vault"
    if view.state == "failed" and gateway == "open":
        detail = (
            f"{view.code} not from this terminal: {view.detail}; the running gateway has it open"
        )
        return Check(name=name, result="warn", detail=detail, remedy=view.remedy)
    if view.state == "failed":
        return Check(
            name=name,
            result="fail",
            detail=f"{view.code} {view.title}: {view.detail}",
            remedy=view.remedy,
        )
    if view.state == "none":
        detail = "nothing is stored yet; the first login or key makes it"
        return Check(name=name, result="ok", detail=detail)
    entries = f"{len(view.entries)} {'entry' if len(view.entries) == 1 else 'entries'}"
    detail = f"opens; {entries}; key kept in: {view.key_place}"
    if not view.backup:
        detail += "; no save before this one yet"
    return Check(name=name, result="ok", detail=detail)


def check_keyring(view: VaultView, keyring: OsKeyring | None = None) -> Check:
    """
    Whether this session has a keyring that answers; its owner may be asked to unlock it.

    Args:
        view: The vault; one that was opened with the keyring's key has proved it.
        keyring: None: this session's.
    """
    name = "keyring"
    if view.state == "open" and view.key_place == "keyring":
        return Check(name=name, result="ok", detail="has the vault's key")
    elsewhere = view.state == "open"
    told = (view.detail or "").removeprefix(_BY_KEYRING)
    if view.state == "failed" and told != view.detail:
        # It has just been asked, and its owner with it.
        return _locked(told, elsewhere=False)
    try:
        (keyring or OsKeyring(patience_s=PATIENCE_S)).read_text(SERVICE, _ITEM)
    except NoKeyringError:
        if elsewhere:
            detail = f"none in this session; the vault's key is in its {view.key_place}"
            return Check(name=name, result="ok", detail=detail)
        return Check(
            name=name,
            result="warn",
            detail="none in this session (a remote shell, a container, a service)",
            remedy=(
                "Start KorProxy from a desktop session,",
                "or name a file for the vault's key in KORPROXY_VAULT_KEY_FILE.",
            ),
        )
    except KeyringLockedError as error:
        return _locked(str(error), elsewhere=elsewhere)
    return Check(name=name, result="ok", detail="answers")


def _locked(why: str, *, elsewhere: bool) -> Check:
    return Check(
        name="keyring",
        result="ok" if elsewhere else "warn",
        detail=f"there is one, but {why}",
        remedy=() if elsewhere else ("Unlock it (log in to the desktop), and try again.",),
    )
