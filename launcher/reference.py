"""
The reference page, made from the code: settings, commands, error codes, metrics.

`python -m launcher.reference` writes `launcher/docs/reference.md`; a test holds that the page is the current one.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer.main

from korproxy_addons.config.schema import Config
from korproxy_addons.usage.metrics import Metrics
from launcher.cli import build_app
from launcher.cli.errors import RETRIES, by_number

PAGE = Path(__file__).parent / "docs" / "reference.md"

_HEAD = """\
# KorProxy reference

Made by `python3 packaging/dev.py reference`; edit the code, not this page.
"""
_LIMITS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "above {}",
    "minItems": "{} or more",
    "pattern": "matching `{}`",
}


def page() -> str:
    """The whole page as Markdown."""
    parts = (_HEAD, *_settings(), *_commands(), *_errors(), *_metrics())
    return "\n".join(parts).rstrip() + "\n"


def settings(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """
    Every setting below a JSON Schema, depth first.

    Yields:
        Its dotted key, `[]` for an entry of a list and `<name>` for a name that the user chooses; its own
        schema; and its description.
    """
    yield from _walk(schema, schema.get("$defs", {}), "")


def _walk(
    schema: Mapping[str, Any], known: Mapping[str, Any], start: str
) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    schema = _resolved(schema, known)
    for name, own in schema.get("properties", {}).items():
        key = f"{start}.{name}".lstrip(".")
        plain = _resolved(own, known)
        yield key, plain, own.get("description") or plain.get("description", "")
        yield from _walk(plain, known, key)
    # a setting that may be absent is a choice between its schema and null
    for part in schema.get("anyOf", ()):
        yield from _walk(part, known, start)
    for inner, step in (("items", "[]"), ("additionalProperties", ".<name>")):
        if isinstance(schema.get(inner), Mapping):
            yield from _walk(schema[inner], known, start + step)


def _resolved(schema: Mapping[str, Any], known: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema with its reference followed; what stands beside the reference wins."""
    while "$ref" in schema:
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        schema = {**known[schema["$ref"].rpartition("/")[2]], **rest}
    return schema


def _settings() -> Iterator[str]:
    yield "## Settings (config.yaml)\n"
    yield "| key | value | default | meaning |"
    yield "| --- | --- | --- | --- |"
    schema = Config.model_json_schema()
    known = schema.get("$defs", {})
    for key, own, description in settings(schema):
        yield _row(f"`{key}`", value_words(own, known), _default(own), description)
    yield ""


def value_words(schema: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    """What may stand at a setting, in a few words."""
    schema = _resolved(schema, known)
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "anyOf" in schema:
        kinds = [value_words(part, known) for part in schema["anyOf"] if part.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    kind = str(schema.get("type", "any value"))
    if kind == "array":
        kind = f"list of {value_words(schema.get('items', {}), known)}"
    if kind == "object":
        kind = "mapping"
    kind = {"string": "text", "boolean": "true or false"}.get(kind, kind)
    limits = [words.format(schema[name]) for name, words in _LIMITS.items() if name in schema]
    return ", ".join([kind, *limits])


def _default(schema: Mapping[str, Any]) -> str:
    default = schema.get("default")
    if default is None or default == [] or isinstance(default, dict):
        return ""
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"


def commands() -> Iterator[tuple[str, Any]]:
    """Every command with its full name, in the order of `--help`."""
    group = typer.main.get_command(build_app())
    yield from _below(group, "korproxy")


def _below(group: Any, start: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            if command.invoke_without_command:
                yield f"{start} {name}", command
            yield from _below(command, f"{start} {name}")
        else:
            yield f"{start} {name}", command


def _commands() -> Iterator[str]:
    yield "## Commands\n"
    for name, command in commands():
        yield f"### {name}\n"
        yield f"{' '.join((command.help or '').split())}\n"
        for parameter in command.params:
            if parameter.name == "help":
                continue
            names = ", ".join(f"`{word}`" for word in parameter.opts if word.startswith("-"))
            shown = names or f"`{parameter.name.upper()}`"
            yield f"- {shown}: {getattr(parameter, 'help', None) or ''}"
        yield ""


def _errors() -> Iterator[str]:
    yield "## Error codes\n"
    for spec in by_number():
        yield f"### {spec.code}\n"
        yield f"**{spec.title}.** HTTP {spec.status}; {spec.kind}; {spec.severity}. {spec.cause}\n"
        yield from (f"{number}. {step}" for number, step in enumerate(spec.remedy, start=1))
        yield f"\n{RETRIES[spec.retry]}\n"


def _metrics() -> Iterator[str]:
    yield "## Metrics (/metrics)\n"
    yield "| name | kind | meaning |"
    yield "| --- | --- | --- |"
    for family in Metrics().registry.collect():
        suffix = "_total" if family.type == "counter" else ""
        yield _row(f"`{family.name}{suffix}`", family.type, family.documentation)
    yield ""


def _row(*cells: str) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"


def main() -> None:
    """Write the page."""
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
    sys.stdout.write(f"wrote {PAGE}\n")


if __name__ == "__main__":
    main()
