"""`korproxy vault`: how the vault stands, another key for it, its backup, a new beginning."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from launcher.cli.homes import Home, folder_of
from launcher.cli.output import AsJson, show

if TYPE_CHECKING:
    from rich.console import Console

    from launcher.actions.vault import VaultView

_HELP = "The vault, where logins and keys lie encrypted: how it stands, its key, its backup."
_FIRST_KEY = (
    "Its key is then made, and kept in the system's keyring.",
    "Where there is none (a container, a remote shell): name a file for it in KORPROXY_VAULT_KEY_FILE.",
    "Or give a passphrase, typed or in the file that KORPROXY_VAULT_PASSPHRASE_FILE names.",
)


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help=_HELP, no_args_is_help=True)
    group.command("status")(status)
    group.command("rotate")(rotate)
    group.command("restore")(restore)
    group.command("reset")(reset)
    app.add_typer(group, name="vault")


def status(home: Home = None, as_json: AsJson = False) -> None:
    """Say whether the vault opens, and where its key is. Names what lies in it; exit 1 if it does not open."""
    from launcher.actions.vault import vault_status
    from launcher.cli.passphrase import ask_passphrase

    view = vault_status(folder_of(home), ask_passphrase)
    show(dataclasses.asdict(view), lambda console: _print(console, view), as_json=as_json)
    if view.state == "failed":
        raise typer.Exit(1)


def rotate(
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            help="Where to keep the new key: keyring, key-file or passphrase; else where the old one is.",
        ),
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(help="The new key's file; else the one KORPROXY_VAULT_KEY_FILE names."),
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Encrypt the vault and its backup with a new key. The old key then opens nothing."""
    from korproxy_addons.io.vault_recovery import Target
    from launcher.actions.vault import rotate_key
    from launcher.cli.passphrase import ask_passphrase

    if to is not None and to not in Target:
        raise typer.BadParameter(f"--to takes one of {', '.join(Target)}.")
    target = Target.KEY_FILE if to is None and key_file is not None else to and Target(to)
    place = rotate_key(folder_of(home), target or None, key_file, ask_passphrase)
    value = {"rotated": True, "key_place": place}
    lines = [f"The vault has a new key, kept in: {place}."]
    if key_file is not None:
        lines.append(f"From now on KORPROXY_VAULT_KEY_FILE must name {key_file}.")
    show(value, lambda console: console.print("\n".join(lines), soft_wrap=True), as_json=as_json)


def restore(home: Home = None, as_json: AsJson = False) -> None:
    """Go back to the save before the last one. A damaged vault is kept beside it."""
    from launcher.actions.vault import restore as restore_vault
    from launcher.cli.passphrase import ask_passphrase

    damaged = restore_vault(folder_of(home), ask_passphrase)
    value = {"restored": True, "damaged": None if damaged is None else str(damaged)}
    line = "The vault is as it was before its last save."
    if damaged is not None:
        line += f" The damaged file is now {damaged}."
    show(value, lambda console: console.print(line, soft_wrap=True), as_json=as_json)


def reset(
    force: Annotated[
        bool,
        typer.Option("--force", help="Also a vault that opens: every login in it is given up."),
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Put a vault aside whose key is lost. Sign in again, and a new one begins."""
    from launcher.actions.vault import reset as reset_vault
    from launcher.cli.passphrase import ask_passphrase

    moved = reset_vault(folder_of(home), force=force, ask=ask_passphrase)
    value = {"moved": [str(it) for it in moved]}
    line = "There was no vault." if not moved else f"Put aside: {', '.join(value['moved'])}."
    show(value, lambda console: console.print(line, soft_wrap=True), as_json=as_json)


def _print(console: "Console", view: "VaultView") -> None:
    console.print(f"{view.path}: {_words(view)}", soft_wrap=True)
    if view.key_place is not None:
        strength = "; weaker than a keyring" if view.weak else ""
        console.print(f"  key kept in: {view.key_place}{strength}", soft_wrap=True)
    if view.state == "none":
        # Said without asking the keyring, which would ask its owner.
        for line in _FIRST_KEY:
            console.print(f"  > {line}", soft_wrap=True)
    if view.entries:
        console.print(f"  entries: {', '.join(view.entries)}", soft_wrap=True)
    for line in view.remedy:
        console.print(f"  > {line}", soft_wrap=True)
    if view.orphans:
        console.print(f"  put aside: {', '.join(view.orphans)}", soft_wrap=True)


def _words(view: "VaultView") -> str:
    match view.state:
        case "none":
            return "not there yet; the first login or key makes it"
        case "open":
            return "opens"
        case _:
            return f"does not open: {view.code} {view.title}: {view.detail}"
