"""How much each component logs: seen, and changed while KorProxy runs."""

import difflib
from dataclasses import dataclass
from pathlib import Path

from korproxy_addons.config.document import Document
from korproxy_addons.config.edit import edit_config
from korproxy_addons.config.logs import COMPONENTS, Logging
from korproxy_addons.config.store import ConfigStore
from korproxy_addons.io.log_text import LEVELS

ALL = "all"
"""Stands for everything that has no level of its own."""
DEFAULT = "default"
"""In place of a level: as everything else."""
SETTABLE = LEVELS[:4]
_PATH = ("logging", "components")


@dataclass(frozen=True, slots=True)
class ComponentLevel:
    """
    What a component logs.

    Attributes:
        component: Its name.
        level: This one and worse.
        own: The level is its own, not that of all.
        about: What it logs.
    """

    component: str
    level: str
    own: bool
    about: str


def levels(home: Path) -> tuple[ComponentLevel, ...]:
    """
    The level of all, which stands first, and of each component.

    Raises:
        ConfigProblems: The configuration cannot be used.
    """
    return _levels(ConfigStore(home).load().logging)


def set_level(home: Path, component: str, level: str) -> tuple[ComponentLevel, ...]:
    """
    Have a component log more or less from now on; a running KorProxy takes it over within a second.

    Args:
        home: The KorProxy folder.
        component: Its name, or `all`.
        level: `debug`, `info`, `warning` or `error`; `default` takes a component's own away.
    Returns:
        What `levels` says then.
    Raises:
        ValueError: There is no such component or level; the text says which there are.
        KorProxyError: What `edit_config` raises.
    """
    if level not in (*SETTABLE, DEFAULT):
        raise ValueError(f"a level is one of {', '.join((*SETTABLE, DEFAULT))}")

    def change(document: Document) -> None:
        known = {*COMPONENTS, *(document.value(_PATH) or {}), ALL}
        if component not in known:
            raise ValueError(unknown(component, known))
        path = ("logging", "level") if component == ALL else (*_PATH, component)
        if level != DEFAULT:
            document.set(path, level)
        elif document.value(path) is not None:
            document.remove(path)

    return _levels(edit_config(home, change).logging)


def unknown(component: str, known: set[str]) -> str:
    """What to say of a name that no component has."""
    near = difflib.get_close_matches(component, sorted(known), n=3)
    said = f"there is no component {component}"
    return f"{said}; near: {', '.join(near)}" if near else said


def _levels(settings: Logging) -> tuple[ComponentLevel, ...]:
    names = sorted({*COMPONENTS, *settings.components})
    rows = (
        ComponentLevel(
            name,
            settings.components.get(name, settings.level),
            name in settings.components,
            COMPONENTS.get(name, ""),
        )
        for name in names
    )
    everything = ComponentLevel(ALL, settings.level, True, "everything without a level of its own")
    return (everything, *rows)
