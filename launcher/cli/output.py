"""What commands print: text for people, one JSON object for scripts (`--json`)."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from korproxy_addons.errors.exceptions import KorProxyError

if TYPE_CHECKING:
    from rich.console import Console

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
"""The option that every command has."""


def show(value: dict[str, Any], as_text: Callable[["Console"], None], *, as_json: bool) -> None:
    """Print a result: `value` as JSON, or what `as_text` makes of it."""
    if as_json:
        print_json(value)
        return
    from rich.console import Console

    as_text(Console(highlight=False, markup=False))


def print_json(value: dict[str, Any]) -> None:
    """Print one JSON object, indented, on stdout."""
    import msgspec

    text = msgspec.json.format(msgspec.json.encode(value), indent=2)
    sys.stdout.write(text.decode() + "\n")


def print_failure(error: KorProxyError, *, as_json: bool) -> None:
    """Print what went wrong and what to do: on stderr for people, on stdout for scripts."""
    spec = error.spec
    title, remedy, state = spec.title, list(spec.remedy), {}
    words = getattr(error, "words", None)
    if words is not None:  # a sign-in: one of the six states that people know
        title, state = words.title, {"state": str(getattr(error, "state", ""))}
        remedy = [words.action, *(it for it in remedy if it != words.action)]
    if as_json:
        what = {"code": spec.code, "title": title, "detail": error.detail, "remedy": remedy}
        print_json({"error": what | state})
        return
    lines = [f"{spec.code} {title}"]
    lines += [f"  {part}" for part in error.detail.split("; ") if part]
    lines += [f"  > {step}" for step in remedy]
    sys.stderr.write("\n".join(lines) + "\n")
