"""What a tool was told on this machine: every value of its settings, the one that counts first."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from korproxy_addons.presets.base import Preset, Role, Setting
from launcher.tools.machine import Machine
from launcher.tools.reading import UnreadableError, found_in, read_settings
from launcher.tools.shell_files import lines_that_set


@dataclass(frozen=True, slots=True)
class Told:
    """
    A value that a tool finds.

    Attributes:
        setting: The place where it looks for it.
        value: What it finds; may be a key, and is never shown.
        where: The place, for people.
    """

    setting: Setting
    value: str = field(repr=False)
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """
    What one tool was told.

    Attributes:
        preset: The tool.
        told: Every value, by role the strongest first.
        unreadable: Files that could not be read, with the reason.
    """

    preset: Preset
    told: tuple[Told, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()

    def of(self, role: Role) -> tuple[Told, ...]:
        """The values of one role, strongest first; files that today's version does not read are left out."""
        return tuple(
            it
            for it in self.told
            if it.setting.role is role and not (it.setting.file is not None and it.setting.file.old)
        )

    def old(self) -> tuple[Told, ...]:
        """Base URLs in files that today's version does not read."""
        files = ((it.setting.file, it) for it in self.told if it.setting.role is Role.BASE)
        return tuple(it for file, it in files if file is not None and file.old)


def read_tool(preset: Preset, machine: Machine) -> Reading:
    """All that a tool finds of its settings now."""
    unreadable: dict[str, str] = {}
    told: list[Told] = []
    for setting in preset.settings:
        told += values_of(setting, machine, unreadable)
    return Reading(preset=preset, told=tuple(told), unreadable=tuple(unreadable.items()))


def values_of(
    setting: Setting, machine: Machine, unreadable: dict[str, str] | None = None
) -> list[Told]:
    """
    What stands in one place.

    Args:
        setting: The place.
        machine: Where to look.
        unreadable: Gets the files that cannot be read, with the reason.
    """
    if setting.variable:
        value = machine.environ.get(setting.variable, "")
        return [Told(setting, value, setting.variable)] if value else []
    assert setting.file is not None
    path = machine.path(setting.file)
    shown = machine.shown(path)
    try:
        content = read_settings(path, setting.file.format)
    except UnreadableError as error:
        if unreadable is not None:
            unreadable[shown] = str(error)
        return []
    # A list of values is read as its first, which is how the tools take them.
    return [
        Told(setting, str(it.value), f"{'.'.join(it.path)} in {shown}")
        for it in found_in(content, setting.path)
        if isinstance(it.value, (str, int, bool, dict)) and it.value not in ("", {}, False)
    ]


def origin_of_variable(told: Told, machine: Machine) -> str:
    """Which line of the shell's files sets a variable to this value, for people; "" if none does, or it is none."""
    if not told.setting.variable:
        return ""
    for line in lines_that_set(told.setting.variable, machine):
        if line.value == told.value:
            return f"{machine.shown(line.path)} line {line.number} sets it."
    return ""


def shown_url(url: str) -> str:
    """A URL without what may be secret in it."""
    try:
        parts = urlsplit(url.strip())
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "what is no URL"
    if not parts.scheme or not parts.hostname:
        return "what is no URL"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{port}{parts.path}"
