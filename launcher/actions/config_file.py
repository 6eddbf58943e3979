"""Verbs on the configuration file as a whole: see it, change it, take it elsewhere, bring it here."""

from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from korproxy_addons.config.document import Document
from korproxy_addons.config.edit import edit_config
from korproxy_addons.config.parse import parse_config
from korproxy_addons.config.problems import ConfigProblems, KeyPath, dotted
from korproxy_addons.config.schema import Config
from korproxy_addons.config.store import FILE_NAME, ConfigStore
from korproxy_addons.config.yaml_tree import read_yaml
from korproxy_addons.errors.catalogue import CONFIG_BUSY
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.private_file import replace_private
from korproxy_addons.recording.redact import MASK, Redactor

PLAIN = "plain:"
_HEAD = "# KorProxy's configuration, exported without secrets.\n"


@dataclass(frozen=True, slots=True)
class Export:
    """
    A configuration that may be given away.

    Attributes:
        text: YAML; what refers to a secret still does, none is in it.
        left_out: Keys whose secret was left out, such as `accounts[0].secret`.
    """

    text: str
    left_out: tuple[str, ...]


def shown_config(home: Path) -> Export:
    """
    The file as it stands, with its comments; only secrets that were written into it are masked.

    Raises:
        ConfigProblems: There is no file that can be read.
    """
    ConfigStore(home).load()
    text = (home / FILE_NAME).read_text("utf-8-sig")
    document = Document(text)
    values = [(path, value) for path, value in _texts(document.data, ()) if _is_plain(value)]
    for _, value in values:
        text = text.replace(value.removeprefix(PLAIN), MASK)
    return Export(Redactor().text(text), tuple(dotted(path) for path, _ in values))


def export_config(home: Path) -> Export:
    """
    The configuration for another machine, or for somebody else: without comments, in which anything may stand.

    Raises:
        ConfigProblems: The configuration cannot be used.
    """
    ConfigStore(home).load()
    data = read_yaml((home / FILE_NAME).read_bytes(), str(home / FILE_NAME)).data or {}
    left_out: list[str] = []
    clean = _without_secrets(data, (), left_out)
    text = StringIO()
    writer = YAML()
    writer.default_flow_style = False
    writer.dump(clean, text)
    notes = "".join(f"# left out: {it}; put it into the vault there\n" for it in left_out)
    return Export(_HEAD + notes + text.getvalue(), tuple(left_out))


def import_config(home: Path, content: bytes, file: str, *, merge: bool) -> Config:
    """
    Take over a configuration from elsewhere; nothing is written unless the whole can be used.

    Args:
        home: The KorProxy folder.
        content: The file's bytes.
        file: Its name, for the problems.
        merge: Put what it says into the present one, entry by entry (by `id`), and keep everything else and the comments; else it
            takes the place of the present one, which is kept as `config.yaml.bak`.
    Raises:
        ConfigProblems: The file, or what comes of it, cannot be used.
        KorProxyError: as `edit_config`.
    """
    if merge:
        found = read_yaml(content, file)
        if found.problems or not isinstance(found.data, dict):
            parse_config(content, file)
        return edit_config(home, lambda document: _merge(document, (), found.data or {}))
    parse_config(content, file)
    ConfigStore(home).load()
    replace_private(home / f"{FILE_NAME}.bak", (home / FILE_NAME).read_bytes(), keeps_backup=False)
    return replace_text(home, content.decode("utf-8-sig"))


def replace_text(home: Path, text: str, before: str | None = None) -> Config:
    """
    Put a whole text in the file's place.

    Args:
        home: The KorProxy folder.
        text: The new content.
        before: What the file held when the change began; None: whatever it holds is replaced.
    Raises:
        ConfigProblems: The text cannot be used; the file stays as it was.
        KorProxyError: CONFIG_BUSY: somebody else changed the file meanwhile.
    """

    def change(document: Document) -> None:
        if before is not None and document.text != before:
            raise KorProxyError(CONFIG_BUSY, "somebody else changed it while it was edited")
        document.text = text

    try:
        return edit_config(home, change)
    except ConfigProblems:
        config = parse_config(text.encode(), str(home / FILE_NAME))
        # The new text is good: it is the old one that could not be read, and that is why it is replaced.
        if before is not None and (home / FILE_NAME).read_text("utf-8-sig") != before:
            raise
        replace_private((home / FILE_NAME).resolve(), text.encode(), keeps_backup=False)
        return config


def _merge(document: Document, path: KeyPath, given: Any) -> None:
    for key, value in given.items():
        here = (*path, key)
        present = document.value(here)
        if isinstance(value, dict) and isinstance(present, dict):
            _merge(document, here, value)
        elif _has_ids(value) and _has_ids(present):
            for entry in value:
                index = document.find(here, "id", entry["id"])
                if index is None:
                    document.insert(here, entry)
                else:
                    _merge(document, (*here, index), entry)
        elif value != present:
            document.set(here, value)


def _has_ids(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(it, dict) and "id" in it for it in value)


def _is_plain(value: str) -> bool:
    return value.startswith(PLAIN) and len(value) > len(PLAIN)


def _texts(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, str):
        yield path, value
    for key, part in _parts(value):
        yield from _texts(part, (*path, key))


def _parts(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []


def _without_secrets(value: Any, path: KeyPath, left_out: list[str]) -> Any:
    """A copy without what is, or looks like, a secret; where each stood is added to `left_out`."""
    if isinstance(value, str):
        if _is_plain(value):
            left_out.append(dotted(path))
            name = "-".join(str(it) for it in path if it != "secret")
            return f"vault:{name}"
        return value if MASK not in Redactor().text(value) else _left_out(path, left_out)
    if isinstance(value, dict):
        return {key: _without_secrets(it, (*path, key), left_out) for key, it in value.items()}
    if isinstance(value, list):
        return [_without_secrets(it, (*path, at), left_out) for at, it in enumerate(value)]
    return value


def _left_out(path: KeyPath, left_out: list[str]) -> str:
    left_out.append(dotted(path))
    return "left-out"
