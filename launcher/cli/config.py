"""`korproxy config`: where the configuration lies, whether it holds, what may stand in it."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from launcher.cli.output import AsJson, print_json, show

if TYPE_CHECKING:
    from korproxy_addons.config.problems import ConfigProblems
    from korproxy_addons.config.schema import Config

Home = Annotated[
    Path | None,
    typer.Option(help="KorProxy's folder; else KORPROXY_HOME, else ~/.korproxy.", file_okay=False),
]


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help="The configuration file: where it is, whether it holds, its schema.")
    group.command("path")(path)
    group.command("check")(check)
    group.command("schema")(schema)
    app.add_typer(group, name="config")


def path(home: Home = None, as_json: AsJson = False) -> None:
    """Print where the configuration file is; the first start of the gateway writes it."""
    file = _file(home)
    value = {"path": str(file), "exists": file.exists()}
    show(value, lambda console: console.print(str(file), soft_wrap=True), as_json=as_json)


def check(
    file: Annotated[
        Path | None, typer.Argument(help="File to check; by default the one in KorProxy's folder.")
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Check a configuration file; exit 1 and name every problem if it cannot be used."""
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


def schema() -> None:
    """Print the JSON Schema of the configuration file, for editors and checks."""
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
