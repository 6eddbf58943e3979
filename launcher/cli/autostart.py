"""`korproxy autostart` and `korproxy service`: KorProxy from login on."""

from typing import TYPE_CHECKING, Any

import typer

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.cli.output import AsJson, show

if TYPE_CHECKING:
    from launcher.service import Service, ServiceState

_AUTOSTART = typer.Typer(
    help="Start KorProxy, with its tray, when you log in.", no_args_is_help=True
)
_SERVICE = typer.Typer(
    help="Keep KorProxy running from login on, without a tray.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(_AUTOSTART, name="autostart")
    app.add_typer(_SERVICE, name="service")


@_AUTOSTART.command("on")
def autostart_on(*, as_json: AsJson = False) -> None:
    """Start KorProxy at login."""
    from launcher.autostart import own_command

    where = _autostart().turn_on(own_command("tray"))
    _say({"autostart": True, "where": where}, f"KorProxy starts at login ({where}).", as_json)


@_AUTOSTART.command("off")
def autostart_off(*, as_json: AsJson = False) -> None:
    """Do not start KorProxy at login."""
    _autostart().turn_off()
    _say({"autostart": False}, "KorProxy does not start at login.", as_json)


@_AUTOSTART.command("status")
def autostart_status(*, as_json: AsJson = False) -> None:
    """Say whether KorProxy starts at login."""
    on = _autostart().is_on()
    _say({"autostart": on}, f"KorProxy {'starts' if on else 'does not start'} at login.", as_json)


@_SERVICE.command("install")
def service_install(*, as_json: AsJson = False) -> None:
    """Make KorProxy a service of your account, and start it."""
    from launcher.autostart import own_command

    _tell(lambda service: service.install(own_command("run")), as_json)


@_SERVICE.command("uninstall")
def service_uninstall(*, as_json: AsJson = False) -> None:
    """Stop the service and remove it; settings and accounts stay."""
    _tell(lambda service: service.uninstall(), as_json)


@_SERVICE.command("status")
def service_status(*, as_json: AsJson = False) -> None:
    """Say how the service stands."""
    _tell(lambda service: service.state(), as_json)


def _autostart() -> Any:
    from launcher.autostart import this_system

    found = this_system()
    if found is None:
        raise KorProxyError(catalogue.NOT_ON_THIS_SYSTEM, "starting at login")
    return found


def _tell(act: "Any", as_json: bool) -> None:
    from launcher.service import ServiceError, this_system

    try:
        service: Service = this_system()
        state: ServiceState = act(service)
    except ServiceError as error:
        raise KorProxyError(catalogue.NOT_ON_THIS_SYSTEM, str(error)) from error
    words = "not installed"
    if state.installed:
        words = "installed, running" if state.running else "installed, not running"
    value = {"installed": state.installed, "running": state.running, "where": state.where}
    _say(value, f"The service is {words} ({state.where}).", as_json)


def _say(value: dict[str, Any], text: str, as_json: bool) -> None:
    show(value, lambda console: console.print(text), as_json=as_json)
