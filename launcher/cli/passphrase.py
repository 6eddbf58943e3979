"""Asks the person at a terminal for the vault's passphrase."""

from pydantic import SecretStr


def ask_passphrase(*, new: bool) -> SecretStr | None:
    """What was typed, unseen; a new one twice. None where nobody sits at a terminal, or nothing was typed."""
    from korproxy_addons.io.vault_terminal import TerminalAsk

    return TerminalAsk()(new=new)
