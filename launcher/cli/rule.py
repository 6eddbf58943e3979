"""`korproxy rule`: which requests go where."""

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any

import typer

from launcher.cli.fields import Clear, given_fields, listed, number, one_or_more, pairs, told
from launcher.cli.homes import Home, folder_of
from launcher.cli.output import AsJson, show

if TYPE_CHECKING:
    from rich.console import Console

    from launcher.actions.rules import RuleView

RuleName = Annotated[str, typer.Argument(metavar="NAME", help="Name of the rule.")]
InProfile = Annotated[
    str, typer.Option("--profile", help="Profile, by id or name. By default the one in force.")
]
Tool = Annotated[list[str] | None, typer.Option(help="If the tool is this one; a pattern.")]
Dialect = Annotated[list[str] | None, typer.Option(help="If the tool speaks this API.")]
Kind = Annotated[
    list[str] | None,
    typer.Option(
        help="If the request is of this kind: chat, completion, embedding, other, background, thinking, long-context,"
        " tool-use, vision, web-search."
    ),
]
ForModel = Annotated[
    list[str] | None, typer.Option("--for-model", help="If this model is asked for; a pattern.")
]
Least = Annotated[
    int | None,
    typer.Option("--min-input-tokens", help="If the prompt has at least so many tokens."),
]
Most = Annotated[
    int | None, typer.Option("--max-input-tokens", help="If the prompt has at most so many tokens.")
]
Project = Annotated[
    list[str] | None, typer.Option(help="If the tool runs in this folder, or below it; a pattern.")
]
Header = Annotated[
    list[str] | None,
    typer.Option(help="If this header fits this pattern.", metavar="NAME=PATTERN"),
]
Time = Annotated[
    list[str] | None,
    typer.Option(help="If it is this time: mon-fri 09:00-18:00, sat,sun, 22:00-06:00."),
]
Group = Annotated[
    list[str] | None,
    typer.Option(
        "--group", help="Send it to this group; several: the next one when the first has nobody."
    ),
]
Model = Annotated[
    str | None,
    typer.Option("--model", help="Ask for this model: its name, an alias, or provider/model."),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Set in the request: max_tokens, temperature, top_p, effort or thinking_budget.",
        metavar="NAME=VALUE",
    ),
]
Before = Annotated[
    str, typer.Option(help="Ask it before this rule; `last`: after all others.", metavar="RULE")
]

_HELP = "Rules: which requests go where. The first one that fits decides."
_WHEN = (
    "tool", "dialect", "kind", "model", "min_input_tokens", "max_input_tokens", "project", "header",
    "time",
)  # fmt: skip
_PARAMETERS = ("max_tokens", "temperature", "top_p", "effort", "thinking_budget")


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help=_HELP, no_args_is_help=True)
    group.command("list")(list_)
    group.command("add")(add)
    group.command("edit")(edit)
    group.command("remove")(remove)
    app.add_typer(group, name="rule")


def list_(profile: InProfile = "", home: Home = None, as_json: AsJson = False) -> None:
    """List a profile's rules in the order in which they are asked."""
    from launcher.actions.rules import list_rules

    views = list_rules(folder_of(home), profile)
    value = {"rules": [dataclasses.asdict(it) for it in views]}
    show(value, lambda console: _print(console, views), as_json=as_json)


def add(  # noqa: PLR0913, PLR0917 - typer makes an option of each
    name: RuleName,
    profile: InProfile = "",
    tool: Tool = None,
    dialect: Dialect = None,
    kind: Kind = None,
    for_model: ForModel = None,
    min_input_tokens: Least = None,
    max_input_tokens: Most = None,
    project: Project = None,
    header: Header = None,
    time: Time = None,
    group: Group = None,
    model: Model = None,
    set_: Set = None,
    before: Before = "last",
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Add a rule; it fits where all its conditions hold."""
    from launcher.actions.rules import add_rule

    when = _when(
        tool=tool, dialect=dialect, kind=kind, model=for_model, min_input_tokens=min_input_tokens,
        max_input_tokens=max_input_tokens, project=project, header=header, time=time,
    )  # fmt: skip
    given = given_fields(
        None, (), when=when or None, group=one_or_more(group), model=model,
        parameters=_parameters(set_) or None,
    )  # fmt: skip
    _say("added", add_rule(folder_of(home), profile, name, given, before=before), as_json=as_json)


def edit(  # noqa: PLR0913, PLR0917 - typer makes an option of each
    name: RuleName,
    profile: InProfile = "",
    tool: Tool = None,
    dialect: Dialect = None,
    kind: Kind = None,
    for_model: ForModel = None,
    min_input_tokens: Least = None,
    max_input_tokens: Most = None,
    project: Project = None,
    header: Header = None,
    time: Time = None,
    group: Group = None,
    model: Model = None,
    set_: Set = None,
    clear: Clear = None,
    disabled: Annotated[
        bool | None, typer.Option("--disable/--enable", help="Keep the rule without using it.")
    ] = None,
    before: Before = "",
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Change a rule, or move it; what is not named stays. --clear for-model takes that condition out."""
    from launcher.actions.rules import edit_rule

    # A rule's own model and the one of its condition: two fields of one name.
    cleared = [it.replace("-", "_") for it in clear or ()]
    of_when = [
        "model" if it == "for_model" else it
        for it in cleared
        if it in (*_WHEN, "for_model") and it != "model"
    ]
    of_parameters = [it for it in cleared if it in _PARAMETERS]
    known = ("for_model", *_WHEN, *_PARAMETERS, "group", "model")
    given = given_fields(
        [it for it in cleared if it in ("group", "model") or it not in known],
        ("group", "model", *known),
        group=one_or_more(group),
        model=model,
        disabled=disabled or (None if disabled is None else False),
    )
    when = _when(
        tool=tool, dialect=dialect, kind=kind, model=for_model, min_input_tokens=min_input_tokens,
        max_input_tokens=max_input_tokens, project=project, header=header, time=time,
    )  # fmt: skip
    view = edit_rule(
        folder_of(home),
        profile,
        name,
        given,
        when=when | dict.fromkeys(of_when),
        parameters=_parameters(set_) | dict.fromkeys(of_parameters),
        before=before,
    )
    _say("changed", view, as_json=as_json)


def remove(
    name: RuleName, profile: InProfile = "", home: Home = None, as_json: AsJson = False
) -> None:
    """Take a rule out."""
    from launcher.actions.rules import remove_rule

    remove_rule(folder_of(home), profile, name)
    line = f"The rule {name} was removed."
    value = {"rule": name, "removed": True}
    show(value, lambda console: console.print(line, soft_wrap=True), as_json=as_json)


def _when(**given: Any) -> dict[str, Any]:
    header = pairs("--header", given.pop("header"))
    texts = {
        name: one_or_more(value) if isinstance(value, list) else value
        for name, value in given.items()
    }
    return given_fields(None, (), **texts, header=header or None)


def _parameters(given: list[str] | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs("--set", given).items():
        if name not in _PARAMETERS:
            raise typer.BadParameter(f"--set: one of {', '.join(_PARAMETERS)}, not {name}")
        found[name] = value if name == "effort" else number(f"--set {name}", value)
    return found


def _say(what: str, view: "RuleView", *, as_json: bool) -> None:
    line = f"{view.position}. {view.name} (profile {view.profile}): {what}. {_if(view)} → {_then(view)}"
    value = {"rule": dataclasses.asdict(view)}
    show(value, lambda console: console.print(line, soft_wrap=True), as_json=as_json)


def _if(view: "RuleView") -> str:
    words = []
    for field, value in view.when.items():
        if isinstance(value, dict):
            words += [f"{name} = {pattern}" for name, pattern in value.items()]
        else:
            words.append(
                f"{field} {' or '.join(map(str, value if isinstance(value, list) else [value]))}"
            )
    return " and ".join(words) or "always"


def _then(view: "RuleView") -> str:
    words = [f"group {listed(view.groups)}"] if view.groups else []
    words += [f"model {view.model}"] if view.model else []
    words += [f"{name} = {value}" for name, value in view.parameters.items()]
    return ", ".join(words)


def _print(console: "Console", views: "tuple[RuleView, ...]") -> None:
    from rich.table import Table

    if not views:
        console.print("There is no rule; everything goes to the profile's groups.")
        return
    table = Table("", "rule", "if", "then", box=None, pad_edge=False)
    for view in views:
        state = " (off)" if view.disabled else ""
        table.add_row(
            str(view.position), f"{view.name}{state}", _if(view), told(_then(view)),
            style="dim" if view.disabled else "",
        )  # fmt: skip
    console.print(table)
