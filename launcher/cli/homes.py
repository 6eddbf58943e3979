"""Which KorProxy folder a command works on, and its vault."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from korproxy_addons.io.vault import Vault

Home = Annotated[
    Path | None,
    typer.Option(help="KorProxy's folder; else KORPROXY_HOME, else ~/.korproxy.", file_okay=False),
]


def folder_of(home: Path | None) -> Path:
    """The KorProxy folder that a command works on."""
    from korproxy_addons.config.store import default_home

    return home or default_home()


def vault_of(home: Path) -> "Vault":
    """Its vault, open; asks for a passphrase where it has one."""
    from korproxy_addons.io.vault_opening import open_vault
    from launcher.cli.passphrase import ask_passphrase

    return open_vault(home, ask=ask_passphrase)
