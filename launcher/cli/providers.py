"""`korproxy providers`: the providers, the ways into each, and where each way stands."""

from typing import TYPE_CHECKING, Any

import typer

from launcher.cli.output import AsJson, show

if TYPE_CHECKING:
    from rich.console import Console

    from korproxy_addons.providers.base import AccessSpec, ProviderSpec


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("providers")(providers)


def providers(as_json: AsJson = False) -> None:
    """List the providers, the ways into each (the default one first), and where each way stands."""
    from korproxy_addons.providers import PROVIDERS
    from korproxy_addons.providers.registry import REGISTRY

    rows = [as_object(provider) for provider in PROVIDERS.values()]
    value = {"checked": REGISTRY.checked.isoformat(), "providers": rows}
    show(value, lambda console: _print(console, value), as_json=as_json)


def as_object(provider: "ProviderSpec") -> dict[str, Any]:
    """A provider as JSON has it."""
    return {
        "id": provider.id,
        "name": provider.name,
        "accesses": [_access(provider.id, access) for access in provider.accesses],
    }


def _access(provider_id: str, access: "AccessSpec") -> dict[str, Any]:
    from korproxy_addons.providers.registry import route_of

    route = route_of(provider_id, access.id)
    return {
        "id": access.id,
        "name": access.name,
        "dialects": list(access.dialects),
        "base_url": access.base_url,
        "needs_consent": access.needs_consent,
        "state": route.state.value if route else None,
        "since": route.since.isoformat() if route else None,
        "reason": route.reason if route else None,
        "source": route.source if route else None,
        "replacement": route.replacement if route else None,
    }


def _print(console: "Console", value: dict[str, Any]) -> None:
    for provider in value["providers"]:
        console.print(f"{provider['name']} (provider: {provider['id']})", style="bold")
        for access in provider["accesses"]:
            state = f"{access['state']}, since {access['since']}" if access["state"] else ""
            dialects = ", ".join(access["dialects"])
            console.print(f"  access: {access['id']:<14} {state:<28} {dialects}", soft_wrap=True)
            for line in _remarks(access):
                console.print(f"    {line}", soft_wrap=True)
    console.print(f"\nChecked on {value['checked']}. Any other compatible endpoint: `providers:`")


def _remarks(access: dict[str, Any]) -> list[str]:
    """What a person should know before connecting."""
    remarks = []
    if access["reason"] and access["state"] != "works":
        remarks.append(access["reason"])
    if access["replacement"]:
        remarks.append(f"Instead: access {access['replacement']}.")
    if access["needs_consent"]:
        remarks.append("Works only with `consent: true` in the account.")
    return remarks
