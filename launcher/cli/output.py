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
    if as_json:
        print_json(
            {
                "error": {
                    "code": spec.code,
                    "title": spec.title,
                    "detail": error.detail,
                    "remedy": list(spec.remedy),
                }
            }
        )
        return
    lines = [f"{spec.code} {spec.title}"]
    lines += [f"  {part}" for part in error.detail.split("; ") if part]
    lines += [f"  > {step}" for step in spec.remedy]
    sys.stderr.write("\n".join(lines) + "\n")
