"""The configuration as a bundle shows it: what is set, never a secret; and line by line where it cannot be read as YAML."""

import re
from io import StringIO
from typing import Any

from ruamel.yaml import YAML

from korproxy_addons.config.store import FILE_NAME
from korproxy_addons.config.yaml_tree import read_yaml
from korproxy_addons.recording.redact import MASK
from launcher.actions.bundle_cleaning import Cleaner

_LINE = re.compile(
    r"(?P<indent>[ \t]*(?:- +)*)(?:(?P<key>[A-Za-z_][\w.-]*)[ \t]*:(?=\s|$))?(?P<rest>.*)"
)
_PLAIN = re.compile(r"true|false|null|~|[|>][+-]?|[-+]?\d{1,9}(?:\.\d+)?|[\[\]{},]+")
"""Values that are never a secret."""
_WORD = re.compile(r"[a-z][a-z-]{0,23}")
_NAME = re.compile(r"[A-Za-z][\w-]{0,40}")
_TELLING = frozenset(("access", "dialect", "strategy", "level", "action", "auth", "kind", "tool"))
"""Settings whose values are words of KorProxy's own."""
_NAMES = frozenset(("id", "provider", "group", "default", "profile", "active_profile"))
"""Settings whose values are names, maybe chosen by a person."""
_REF = re.compile(r"(?:env|file|vault|cli):[\w./~@-]+")


def cleaned_config(text: str, cleaner: Cleaner) -> str:
    """
    The configuration's file without secrets, names and comments, in which anything may stand.

    Args:
        text: The file's content.
        cleaner: Takes the rest out.
    """
    found = read_yaml(text.encode("utf-8", "replace"), FILE_NAME)
    if found.problems or not isinstance(found.data, dict):
        return cleaned_lines(text, cleaner)
    return _yaml(cleaner.setting(found.data))


def cleaned_lines(text: str, cleaner: Cleaner) -> str:
    """The same for a text that is no YAML: every line stays where it is, and what is not known to be harmless goes."""
    return "".join(f"{_line(it, cleaner)}\n" for it in text.splitlines())


def _line(line: str, cleaner: Cleaner) -> str:
    found = _LINE.fullmatch(line)
    if found is None:
        return MASK
    key = found["key"]
    rest = found["rest"].strip()
    if rest.startswith("#"):
        rest = "#"
    before = found["indent"] + (f"{cleaner.pseudonyms.value(key)}:" if key else "")
    if not rest:
        return before
    return (
        f"{before} {_scalar(rest, key or '', cleaner)}"
        if key
        else before + _scalar(rest, "", cleaner)
    )


def _scalar(rest: str, key: str, cleaner: Cleaner) -> str:
    value = rest.partition(" #")[0].strip()
    if value == "#" or _PLAIN.fullmatch(value) or _REF.fullmatch(value):
        return cleaner.text(value)
    if key in _NAMES and _NAME.fullmatch(value):
        # Nobody has read this file as a whole, so nobody knows its names before.
        return str(cleaner.setting(cleaner.pseudonyms.add("name", value), key))
    if key in _TELLING and _WORD.fullmatch(value):
        return str(cleaner.setting(value, key))
    return MASK


def _yaml(value: Any) -> str:
    text = StringIO()
    writer = YAML()
    writer.default_flow_style = False
    writer.width = 4096
    writer.dump(value, text)
    return text.getvalue()
