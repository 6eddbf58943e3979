"""`korproxy account add`: by key, by signing in, or with a tool's own login."""

import asyncio
import dataclasses
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from launcher.cli.homes import Home, folder_of, vault_of
from launcher.cli.output import AsJson, show

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from korproxy_addons.config.schema import Config
    from launcher.actions.connect import Connected, Wishes
    from launcher.actions.offers import Offer
    from launcher.login.watch import Method


def add(  # noqa: PLR0913, PLR0917 - typer makes an option of each
    provider: Annotated[
        str, typer.Argument(help="claude, codex, gemini, qwen, iflow, or one of your own.")
    ],
    access: Annotated[
        str | None, typer.Option(help="Way in, such as api-key; `korproxy providers` lists them.")
    ] = None,
    device: Annotated[
        bool, typer.Option("--device", help="Sign in by a code, on any device.")
    ] = False,
    paste: Annotated[
        bool, typer.Option("--paste", help="Sign in elsewhere, and paste the address it ends on.")
    ] = False,
    key: Annotated[
        bool, typer.Option("--key", help="By API key: typed unseen, or piped in.")
    ] = False,
    from_cli: Annotated[
        bool,
        typer.Option(
            "--from-cli", help="Use the login of the provider's own tool; it is read only."
        ),
    ] = False,
    secret: Annotated[
        str | None,
        typer.Option(metavar="PLACE", help="Leave the key where it is: env:NAME or file:PATH."),
    ] = None,
    account_id: Annotated[
        str, typer.Option("--id", help="Id of the new account; by default one is made up.")
    ] = "",
    replace: Annotated[
        str, typer.Option(metavar="ID", help="Give this account a new login or key.")
    ] = "",
    label: Annotated[str, typer.Option(help="Name for people.")] = "",
    region: Annotated[str, typer.Option(help="Region of the key (Qwen).")] = "",
    project: Annotated[str, typer.Option(help="Google Cloud project (Code Assist).")] = "",
    accept_terms: Annotated[
        bool, typer.Option("--accept-terms", help="The terms are read and agreed to; do not ask.")
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Connect an account. It takes an API key, a sign-in, or a tool's own login."""
    from launcher.actions.connect import Wishes
    from launcher.login.watch import Method

    if device + paste + key + from_cli + (secret is not None) > 1:
        raise typer.BadParameter("one of --device, --paste, --key, --from-cli and --secret only.")
    method = Method.DEVICE if device else Method.PASTE if paste else None
    folder = folder_of(home)
    wishes = Wishes(
        id=account_id,
        replace=replace,
        label=label,
        region=region,
        project=project,
        consent=accept_terms,
    )
    if from_cli:
        adopt(folder, provider, wishes, as_json=as_json)
        return
    offer = _chosen(folder, provider, access, wishes, key=key or secret is not None, method=method)
    wishes = _placed(offer, _agreed(offer, wishes))
    connected = _connect(folder, offer, wishes, method, secret)
    _say_connected(folder, connected, as_json=as_json)


def _errors() -> "Console":
    """What is said beside the result goes to standard error."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def adopt(home: "Path", tool: str, wishes: "Wishes", *, as_json: bool) -> None:
    """Add an account by the login that an official tool has left, and say so."""
    from korproxy_addons.config.secret_ref import CLI_TOOLS
    from korproxy_addons.config.store import ConfigStore
    from launcher.actions.cli_logins import find_login
    from launcher.actions.connect import adopt_login, check_found
    from launcher.actions.offers import find_offer

    if tool not in CLI_TOOLS:
        raise typer.BadParameter(f"there are logins of {', '.join(CLI_TOOLS)}; not of {tool}.")
    found = find_login(tool)
    offer = find_offer(ConfigStore(home).load(), found.provider, found.access, home)
    # Before anybody is asked for anything.
    check_found(offer, found)
    connected = adopt_login(home, offer, _agreed(offer, wishes), found)
    _say_connected(home, connected, as_json=as_json)


def _chosen(
    home: "Path",
    provider: str,
    access: str | None,
    wishes: "Wishes",
    *,
    key: bool,
    method: "Method | None",
) -> "Offer":
    """The way in that the options name, or that the person chooses."""
    from korproxy_addons.config.store import ConfigStore
    from korproxy_addons.errors.catalogue import LOGIN_NOT_OFFERED
    from korproxy_addons.errors.exceptions import KorProxyError
    from launcher.actions.offers import Kind, find_offer, offers

    config = ConfigStore(home).load()
    if access is None and wishes.replace:
        access = _access_of(config, provider, wishes.replace)
    if access is not None:
        return find_offer(config, provider, access, home)
    fits = [
        it
        for it in offers(config, provider, home)
        if (not key or it.kind is Kind.KEY) and (method is None or method in it.methods)
    ]
    # Where all is over there is nothing to choose: whichever it is, its end is explained.
    living = [it for it in fits if not it.retired] or fits[:1]
    if not living:
        what = f"sign-in by {method}" if method is not None else "way in by key"
        raise KorProxyError(LOGIN_NOT_OFFERED, f"{provider} has no {what}")
    if len(living) == 1 or key or method is not None or not sys.stdin.isatty():
        return living[0]
    return _asked(living)


def _access_of(config: "Config", provider: str, account_id: str) -> str | None:
    account = config.account(account_id)
    return account.access if account is not None and account.provider == provider else None


def _asked(found: "list[Offer]") -> "Offer":
    from rich.padding import Padding
    from rich.text import Text

    console = _errors()
    console.print(f"\n[bold]{found[0].way.provider.name}[/]: how do you want to connect it?\n")
    for number, offer in enumerate(found, start=1):
        route = offer.way.route
        state = "" if route is None or route.state == "works" else f"  [yellow]{route.state}[/]"
        console.print(f"  [bold]{number}[/]  {offer.way.access.name}{state}")
        for line in offer.terms()[:1]:
            console.print(Padding(Text(line, style="dim"), (0, 0, 0, 5), expand=False))
    console.print()
    answer: int = typer.prompt(f"Choose 1-{len(found)}", default=1, type=int, err=True)
    if not 1 <= answer <= len(found):
        raise typer.BadParameter(f"choose a number from 1 to {len(found)}.")
    return found[answer - 1]


def _agreed(offer: "Offer", wishes: "Wishes") -> "Wishes":
    """The terms in plain words, and the person's consent where the provider's terms limit a login."""
    offer.check_offered()
    terms = offer.terms()
    if terms:
        from rich.padding import Padding
        from rich.text import Text

        console = _errors()
        console.print(f"\n[bold]{offer.way.provider.name}, {offer.way.access.name}[/]")
        for line in terms:
            console.print(Padding(Text(line), (0, 0, 0, 2), expand=False))
        console.print()
    if not offer.way.access.needs_consent or wishes.consent or not sys.stdin.isatty():
        return wishes
    agreed = typer.confirm("Connect it all the same?", default=False, err=True)
    if not agreed:
        from korproxy_addons.auth.states import cancelled

        raise cancelled("you did not agree to it")
    return dataclasses.replace(wishes, consent=True)


def _placed(offer: "Offer", wishes: "Wishes") -> "Wishes":
    """The region of the key, which its provider's hosts go by."""
    regions = offer.regions
    if len(regions) < 2 or wishes.region or wishes.replace or not sys.stdin.isatty():
        return wishes
    question = f"Region of the key ({', '.join(regions)})"
    region: str = typer.prompt(question, default=regions[0], err=True)
    if region not in regions:
        raise typer.BadParameter(f"the regions are {', '.join(regions)}.")
    return dataclasses.replace(wishes, region=region)


def _connect(
    home: "Path", offer: "Offer", wishes: "Wishes", method: "Method | None", secret: str | None
) -> "Connected":
    from korproxy_addons.auth.states import cancelled
    from launcher.actions.connect import (
        check,
        connect_key,
        connect_login,
        connect_without_secret,
    )
    from launcher.actions.offers import Kind
    from launcher.login.terminal import TerminalWatch
    from launcher.login.typed import TypedLines, read_key
    from launcher.login.watch import Method

    if secret is not None or offer.kind in {Kind.TOOL, Kind.NONE}:
        return connect_without_secret(home, offer, wishes, secret or "")
    check(home, offer, wishes)
    name = f"{offer.way.provider.name}, {offer.way.access.name}"
    try:
        if offer.kind is Kind.KEY:
            typed = read_key(f"{name}: paste it here (it stays unseen): ")
            return connect_key(home, offer, wishes, typed, lambda: vault_of(home))
        reads = sys.stdin.isatty() or method is Method.PASTE

        async def sign_in() -> "Connected":
            lines = TypedLines() if reads and method is not Method.DEVICE else None
            watch = TerminalWatch(_errors(), lines)
            work = connect_login(home, offer, wishes, lambda: vault_of(home), watch, method=method)
            if lines is None:
                return await work
            with lines.reading():
                return await work

        return asyncio.run(sign_in())
    except (KeyboardInterrupt, EOFError):
        raise cancelled("you stopped it") from None


def _say_connected(home: "Path", connected: "Connected", *, as_json: bool) -> None:
    from launcher.actions.accounts import show_account

    view = show_account(home, connected.id, lambda: vault_of(home))
    value = {"account": dataclasses.asdict(view), "reconnected": connected.reconnected}
    who = ", ".join(it for it in (connected.email, connected.plan) if it)

    def text(console: "Console") -> None:
        verb = "Reconnected" if connected.reconnected else "Connected"
        console.print(
            f"[green]✓[/] {verb}: [bold]{view.id}[/]" + (f" ({who})" if who else ""), markup=True
        )
        if view.hint:
            console.print(f"  {view.hint}", soft_wrap=True)
        console.print(
            f"  A running gateway uses it at once. Try it: korproxy account test {view.id}",
            soft_wrap=True,
        )

    show(value, text, as_json=as_json)
