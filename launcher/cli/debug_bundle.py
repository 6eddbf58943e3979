"""`korproxy debug-bundle`: everything for somebody who is to help, cleaned, looked through by its owner, written to a file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from launcher.cli.homes import Home, folder_of
from launcher.cli.output import AsJson, show
from launcher.cli.self_test import keep_logs_away
from launcher.cli.waiting import progress

if TYPE_CHECKING:
    from launcher.actions.bundle import Draft

_MOST_LINES = 8
_NEVER_SENT = "nothing is ever uploaded: the bundle is written to your disk, and you share it where you want. Leave --upload out."


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("debug-bundle")(debug_bundle)


def debug_bundle(  # noqa: PLR0913 - the options of the command
    home: Home = None,
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="File to write; else one here whose name says when.",
            dir_okay=True,
        ),
    ] = None,
    recordings: Annotated[
        list[str] | None,
        typer.Option(
            "--recording",
            help="Add a recorded request, by its id; all adds every one. They hold what was said.",
        ),
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option("--without", help="Leave a part out, by its name.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Write it without asking.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would go in; write nothing.")
    ] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Make no connection out of this machine.")
    ] = False,
    upload: Annotated[bool, typer.Option("--upload", hidden=True)] = False,
    as_json: AsJson = False,
) -> None:
    """
    Gather what somebody needs who is to help: a zip that begins with a page on what looks wrong.

    Secrets are taken out, names are replaced, and you see every part before it is written. Works with the gateway down and the
    configuration broken. Nothing is sent anywhere.
    """
    import sys

    from launcher.actions.bundle import BundleOptions, default_path, draft_bundle, write_bundle
    from launcher.cli.passphrase import ask_passphrase

    if upload:
        raise typer.BadParameter(_NEVER_SENT, param_hint="--upload")
    # Who asks for JSON is a program, and cannot be asked anything.
    asks = not (yes or dry_run) and not as_json and sys.stdin.isatty()
    if not (asks or yes or dry_run or output is not None):
        raise typer.BadParameter(
            "nobody can look through it here: say --yes, or name the file with --output."
        )
    keep_logs_away()
    with progress("Gathering", quiet=as_json) as bar:
        options = BundleOptions(
            offline=offline,
            recordings=tuple(recordings or ()),
            ask=bar.aside(ask_passphrase),
        )
        draft = draft_bundle(folder_of(home), options, on_step=bar)
    left_out = _known(draft, without or [])
    path = default_path(Path.cwd(), draft.at) if output is None else output
    if path.is_dir():
        path = default_path(path, draft.at)
    if asks:
        from launcher.cli.bundle_review import review

        decided = review(draft, path, left_out)
        if decided is None:
            typer.echo("Nothing was written.")
            raise typer.Exit(1)
        left_out = decided
    written = None if dry_run else write_bundle(draft, path, left_out)
    value = _value(draft, written, left_out)
    show(
        value,
        lambda console: console.print(_told(draft, written, left_out), soft_wrap=True, end=""),
        as_json=as_json,
    )


def _known(draft: "Draft", names: list[str]) -> tuple[str, ...]:
    known = [it.name for it in draft.parts]
    for name in names:
        if name not in known:
            raise typer.BadParameter(
                f"there is no part {name}. There are: {', '.join(known)}", param_hint="--without"
            )
    return tuple(dict.fromkeys(names))


def _value(draft: "Draft", written: Path | None, left_out: tuple[str, ...]) -> dict[str, Any]:
    import dataclasses

    return {
        "file": None if written is None else str(written),
        "findings": [dataclasses.asdict(it) for it in draft.findings],
        "files": [
            {"name": it.name, "why": it.why, "bytes": len(it.content), "sha256": it.sha256}
            for it in draft.kept(left_out)
        ],
        "left_out": list(left_out),
        "lacking": list(draft.facts.lacking),
        "names": dict(draft.names),
    }


def _told(draft: "Draft", written: Path | None, left_out: tuple[str, ...]) -> str:
    from launcher.cli.bundle_review import contents, who_is_who

    lines = [] if written is not None else contents(draft, left_out)
    wrong = [it for it in draft.findings if it.result == "fail"] or list(draft.findings)
    if wrong:
        lines.append(f"What looks wrong: {wrong[0].name}.")
        lines += [f"  {it}" for it in (wrong[0].detail, *wrong[0].seen[-_MOST_LINES:]) if it]
        lines += [f"  > {step}" for step in wrong[0].remedy]
        more = len(draft.findings) - 1
        lines += [f"  and {more} more, in SUMMARY.md"] if more else []
    else:
        lines.append("Nothing looks wrong.")
    if written is not None:
        lines += ["", f"Written: {written}", "  Its first page, SUMMARY.md, says what looks wrong."]
        lines += ["  Nothing was sent anywhere: share it yourself, with whom you want."]
        lines += who_is_who(draft)
    return "\n".join(lines) + "\n"
