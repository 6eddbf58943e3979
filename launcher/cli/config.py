"""`korproxy config`: where the configuration lies, what stands in it, whether it holds; change it, take it elsewhere."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from launcher.cli.homes import Home, folder_of
from launcher.cli.output import AsJson, print_json, show

if TYPE_CHECKING:
    from korproxy_addons.config.problems import ConfigProblems
    from korproxy_addons.config.schema import Config


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help="The configuration file: where it is, whether it holds, its schema.")
    for command in (path, show_, edit, check, export, import_, schema):
        group.command(command.__name__.rstrip("_"))(command)
    group.command("validate", hidden=True)(check)
    app.add_typer(group, name="config")


def path(home: Home = None, as_json: AsJson = False) -> None:
    """Print where the configuration file is. The first start of the gateway writes it."""
    file = _file(home)
    value = {"path": str(file), "exists": file.exists()}
    show(value, lambda console: console.print(str(file), soft_wrap=True), as_json=as_json)


def show_(home: Home = None, as_json: AsJson = False) -> None:
    """Print the configuration file. A secret that is written in it is masked."""
    from launcher.actions.config_file import shown_config

    found = shown_config(folder_of(home))
    value = {"file": str(_file(home)), "text": found.text, "masked": list(found.left_out)}
    show(value, lambda console: console.print(found.text, soft_wrap=True, end=""), as_json=as_json)


def edit(home: Home = None, as_json: AsJson = False) -> None:
    """
    Open the configuration in your editor ($VISUAL, $EDITOR). It takes effect only once it can be used.

    What cannot be used is shown, and the editor opens again on your text, or nothing is changed.
    """
    from launcher.cli.editing import edit_in_editor

    changed = edit_in_editor(folder_of(home), ask=None if as_json else _once_more)
    value = {"file": str(_file(home)), "changed": changed}
    text = (
        "Changed; a running gateway takes it over at once." if changed else "Nothing was changed."
    )
    show(value, lambda console: console.print(text), as_json=as_json)


def export(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; else it is printed.")
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Print or write the configuration without any secret. Comments are left out too: it is to be given away."""
    from launcher.actions.config_file import export_config

    found = export_config(folder_of(home))
    if output is not None:
        try:
            output.write_text(found.text, "utf-8")
        except OSError as error:
            raise typer.BadParameter(f"{output}: {error.strerror}", param_hint="--output") from None
    value = {
        "output": str(output) if output else None,
        "left_out": list(found.left_out),
        "text": found.text,
    }
    text = f"{output}: written; {len(found.left_out)} secrets were left out.\n"
    shown = found.text if output is None else text
    show(value, lambda console: console.print(shown, soft_wrap=True, end=""), as_json=as_json)


def import_(
    file: Annotated[Path, typer.Argument(help="Configuration to take over.", dir_okay=False)],
    merge: Annotated[
        bool,
        typer.Option("--merge", help="Keep what there is, and put what the file says into it."),
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Take over a configuration. The present one is kept beside it (config.yaml.bak)."""
    from launcher.actions.config_file import import_config

    try:
        content = file.read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}") from None
    config = import_config(folder_of(home), content, str(file), merge=merge)
    value = {"file": str(_file(home)), "merged": merge, "accounts": len(config.accounts)}
    line = f"{file}: taken over; {len(config.accounts)} accounts."
    show(value, lambda console: console.print(line, soft_wrap=True), as_json=as_json)


def check(
    file: Annotated[
        Path | None, typer.Argument(help="File to check; by default the one in KorProxy's folder.")
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Check a configuration file. Exit 1 and name every problem if it cannot be used."""
    from korproxy_addons.config.problems import ConfigProblems

    checked = file or _file(home)
    if not checked.is_file():
        raise typer.BadParameter(
            f"there is no {checked}; the first start of the gateway writes one."
        )
    try:
        config = _read(checked, is_own=file is None)
    except ConfigProblems as refused:
        lines = "\n".join(map(str, refused.problems))
        show(
            _refused(checked, refused),
            lambda console: console.print(lines, soft_wrap=True),
            as_json=as_json,
        )
        raise typer.Exit(1) from refused
    value = {
        "ok": True,
        "file": str(checked),
        "accounts": [account.id for account in config.accounts],
        "providers": sorted(config.providers),
    }
    line = f"{checked}: can be used; {len(config.accounts)} accounts"
    show(value, lambda console: console.print(line, soft_wrap=True), as_json=as_json)


def schema(*, as_json: AsJson = False) -> None:
    """Print the JSON Schema of the configuration file. Editors and checks can use it."""
    del as_json  # it is JSON either way
    from korproxy_addons.config.schema import Config

    print_json(Config.model_json_schema())


def _file(home: Path | None) -> Path:
    from korproxy_addons.config.store import FILE_NAME, default_home

    return (home or default_home()) / FILE_NAME


def _read(file: Path, *, is_own: bool) -> "Config":
    """The file's configuration; of KorProxy's own file the access rights are checked too."""
    from korproxy_addons.config.parse import parse_config
    from korproxy_addons.config.store import ConfigStore

    if is_own:
        return ConfigStore(file.parent).load()
    return parse_config(file.read_bytes(), str(file))


def _refused(file: Path, problems: "ConfigProblems") -> dict[str, Any]:
    return {
        "ok": False,
        "file": str(file),
        "code": problems.spec.code,
        "problems": [dataclasses.asdict(problem) for problem in problems.problems],
    }


def _once_more(problems: str) -> bool:
    typer.echo(problems, err=True)
    return typer.confirm("Edit it again?", default=True, err=True)
