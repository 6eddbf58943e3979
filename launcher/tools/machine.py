"""What a tool finds around it: variables, folders, programs. Handed in, so that another machine can be looked at."""

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from korproxy_addons.presets.base import Preset, Scope, SettingsFile, located

LARGEST_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Machine:
    """
    One user's machine, as a tool started here would see it.

    Args:
        environ: Environment variables.
        home: The user's folder.
        folder: Where the tool would run; its project.
        platform: As `sys.platform` has it.
        which: Path of a program; None if there is none.
    """

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    home: Path = field(default_factory=Path.home)
    folder: Path = field(default_factory=Path.cwd)
    platform: str = sys.platform
    which: Callable[[str], str | None] = shutil.which

    def path(self, file: SettingsFile) -> Path:
        """Where a file would be."""
        found = located(file.on(self.platform), self.environ, str(self.home))
        return self.folder / found if file.scope is Scope.PROJECT else Path(found)

    def there(self, file: SettingsFile) -> bool:
        """Whether a file or folder, which may have `*` in its name, is there."""
        path = self.path(file)
        return any(path.parent.glob(path.name)) if "*" in path.name else path.exists()

    def shown(self, path: Path) -> str:
        """A path for people: `~` for the user's folder, relative below the project."""
        if self.folder != self.home and path.is_relative_to(self.folder):
            return path.relative_to(self.folder).as_posix()
        if path.is_relative_to(self.home):
            return f"~/{path.relative_to(self.home).as_posix()}"
        return str(path)


def is_installed(preset: Preset, machine: Machine) -> bool:
    """Whether a tool is on this machine: its program can be started, or it has left traces."""
    return any(machine.which(it) for it in preset.programs) or any(
        machine.there(it) for it in preset.traces
    )
