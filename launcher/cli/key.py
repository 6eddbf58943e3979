"""`korproxy key`: local keys for tools and projects."""

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any

import typer

from launcher.cli.fields import Clear, given_fields, listed, one_or_more, told
from launcher.cli.homes import Home, folder_of
from launcher.cli.output import AsJson, show

if TYPE_CHECKING:
    from rich.console import Console

    from launcher.actions.local_keys import LocalKeyView, NewKey

Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the key; `key list` has them.")]
Profile = Annotated[
    str | None, typer.Option(help="Profile for requests with this key, by id or name.")
]
PerMinute = Annotated[
    int | None, typer.Option("--requests-per-minute", help="Most requests in 60 seconds.")
]
PerDay = Annotated[int | None, typer.Option("--tokens-per-day", help="Most tokens in a day.")]
PerMonth = Annotated[
    float | None, typer.Option("--cost-usd-per-month", help="Most US dollars in a month.")
]
AtOnce = Annotated[
    int | None, typer.Option("--concurrency", help="Most requests at the same time.")
]
Models = Annotated[
    list[str] | None,
    typer.Option("--model", help="Model that may be asked for; a pattern. By default all."),
]

_HELP = "Local keys: one per tool or project, each with its profile and limits."
_LIMITS = ("requests_per_minute", "tokens_per_day", "cost_usd_per_month", "concurrency", "models")


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help=_HELP, no_args_is_help=True)
    group.command("list")(list_)
    group.command("add")(add)
    group.command("edit")(edit)
    group.command("renew")(renew)
    group.command("remove")(remove)
    app.add_typer(group, name="key")


def list_(home: Home = None, as_json: AsJson = False) -> None:
    """List the keys, their profiles and limits. The keys themselves are kept nowhere."""
    from launcher.actions.local_keys import list_keys

    views = list_keys(folder_of(home))
    value = {"keys": [dataclasses.asdict(it) for it in views]}
    show(value, lambda console: _print(console, views), as_json=as_json)


def add(  # noqa: PLR0913, PLR0917 - typer makes an option of each
    key_id: Annotated[str, typer.Argument(metavar="ID", help="Id, such as the tool's name.")],
    profile: Profile = None,
    requests_per_minute: PerMinute = None,
    tokens_per_day: PerDay = None,
    cost_usd_per_month: PerMonth = None,
    concurrency: AtOnce = None,
    model: Models = None,
    require: Annotated[
        bool, typer.Option("--require", help="From now on, refuse requests without a key.")
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Make a key. It is shown once; the configuration keeps only its SHA-256."""
    from launcher.actions.local_keys import add_key

    limits = given_fields(
        None, _LIMITS, requests_per_minute=requests_per_minute, tokens_per_day=tokens_per_day,
        cost_usd_per_month=cost_usd_per_month, concurrency=concurrency, models=one_or_more(model),
    )  # fmt: skip
    given = given_fields(None, (), profile=profile, limits=limits or None)
    _show_key(add_key(folder_of(home), key_id, given, require=require), as_json=as_json)


def edit(  # noqa: PLR0913, PLR0917 - typer makes an option of each
    key_id: Id,
    profile: Profile = None,
    requests_per_minute: PerMinute = None,
    tokens_per_day: PerDay = None,
    cost_usd_per_month: PerMonth = None,
    concurrency: AtOnce = None,
    model: Models = None,
    clear: Clear = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Change a key's profile or limits; the key itself stays."""
    from launcher.actions.local_keys import edit_key

    changes = given_fields(
        clear, (*_LIMITS, "profile"), requests_per_minute=requests_per_minute,
        tokens_per_day=tokens_per_day, cost_usd_per_month=cost_usd_per_month,
        concurrency=concurrency, models=one_or_more(model), profile=profile,
    )  # fmt: skip
    given = {name: changes.pop(name) for name in ("profile",) if name in changes}
    view = edit_key(folder_of(home), key_id, given, changes)
    line = f"The key {view.id} was changed."
    value = {"key": dataclasses.asdict(view)}
    show(value, lambda console: console.print(line, soft_wrap=True), as_json=as_json)


def renew(key_id: Id, home: Home = None, as_json: AsJson = False) -> None:
    """Put a new key in the place of the old one; it is shown once."""
    from launcher.actions.local_keys import renew_key

    _show_key(renew_key(folder_of(home), key_id), as_json=as_json)


def remove(key_id: Id, home: Home = None, as_json: AsJson = False) -> None:
    """Take a key out; from then on it fits nowhere."""
    from launcher.actions.local_keys import remove_key

    remove_key(folder_of(home), key_id)
    line = f"The key {key_id} was removed."
    value = {"id": key_id, "removed": True}
    show(value, lambda console: console.print(line, soft_wrap=True), as_json=as_json)


def _show_key(made: "NewKey", *, as_json: bool) -> None:
    view, text = made.view, made.text
    value = {"key": dataclasses.asdict(view), "secret": text}

    def as_text(console: "Console") -> None:
        console.print(f"The key for {view.id}, shown this once:", soft_wrap=True)
        console.print(f"\n  {text}\n", style="bold", soft_wrap=True)
        console.print("Put it where the tool wants its API key, or into the header X-KorProxy-Key.")
        if not view.required:
            console.print(
                "Requests without a key are served too, until local_keys.required is true."
            )

    show(value, as_text, as_json=as_json)


def _limit(value: Any) -> str:
    return " ".join(value) if isinstance(value, list) else str(value)


def _print(console: "Console", views: "tuple[LocalKeyView, ...]") -> None:
    from rich.table import Table

    if not views:
        console.print("There is no key; every tool on this computer is served.")
        return
    table = Table("key", "profile", "limits", "kept as", box=None, pad_edge=False)
    for view in views:
        limits = listed(f"{name} {_limit(value)}" for name, value in view.limits.items())
        table.add_row(view.id, told(view.profile), limits, view.kept)
    console.print(table)
    console.print(f"\nKeys are {'required' if views[0].required else 'not required'}.")
