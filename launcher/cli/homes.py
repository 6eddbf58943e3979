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
    return home or defaultfolder_of()


def vault_of(home: Path) -> "Vault":
    """Its vault, open; asks for a passphrase where it has one."""
    from launcher.cli.passphrase import ask_passphrase

    return openvault_of(home, ask=ask_passphrase)
