"""A person's machine in a folder: variables and files of coding tools, and who listens at its ports."""

import json
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from korproxy_addons.presets import PRESETS
from korproxy_addons.presets.base import (
    PLACEHOLDER_KEY,
    Format,
    Preset,
    Write,
    filled,
    setting_words,
)
from launcher.gateway_look import Address, Look, Who
from launcher.tools.config_checks import ToolSettings, check_tool
from launcher.tools.machine import Machine

PORT = 4321
ADDRESS = Address(port=PORT, hosts=("127.0.0.1",), admin_port=1338)
NOBODY = Look(Who.NOBODY)


@dataclass
class ToolMachine:
    """
    One machine.

    Attributes:
        folder: Its user's folder.
        environ: Environment variables.
        looks: Who is at which port; nobody else is anywhere.
    """

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)
    looks: dict[int, Look] = field(default_factory=dict)

    @property
    def machine(self) -> Machine:
        """As the code under test is given it."""
        project = self.folder / "project"
        project.mkdir(exist_ok=True)
        return Machine(self.environ, self.folder, project, "linux", lambda _: None)

    def file(self, path: str, content: Any) -> Path:
        """A settings file: text as it is, anything else as JSON."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content))
        return file

    def check(self, tool: str) -> ToolSettings:
        """One tool's settings, checked."""
        return check_tool(
            PRESETS[tool], self.machine, ADDRESS, lambda port: self.looks.get(port, NOBODY)
        )

    def set_up(
        self, preset: Preset, model: str = "m", root: str = ADDRESS.root, key: str = PLACEHOLDER_KEY
    ) -> None:
        """Write what the preset says that sets the tool up."""
        words = setting_words(root, key, model)
        files: dict[tuple[str, Format], Any] = {}
        for write in preset.writes:
            value = filled(write.value, words)
            if write.variable:
                self.environ[write.variable] = value
                continue
            assert write.file is not None
            where = (str(self.machine.path(write.file)), write.file.format)
            files[where] = _put(files.get(where), write, value)
        for (path, written), content in files.items():
            target = Path(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_text(content, written))


def said(found: ToolSettings, result: str) -> list[str]:
    """The details of the checks with a result."""
    return [it.detail for it in found.checks if it.result == result]


def _put(content: Any, write: Write, value: Any) -> Any:
    """The content with a value at its place, as a writer would leave it."""
    if not write.path:
        return value
    step, rest = write.path[0], write.path[1:]
    inner = Write(value=value, variable="", file=write.file, path=rest)
    if step == "+":
        return [*(content or []), _put(None, inner, value)]
    made = dict(content or {})
    made[step] = _put(made.get(step), inner, value)
    return made


def _text(content: Any, written: Format) -> str:
    if written is Format.ENV:
        return "".join(f"{name}={value}\n" for name, value in content.items())
    if written is Format.YAML:
        text = StringIO()
        YAML().dump(content, text)
        return text.getvalue()
    return _toml(content) if written is Format.TOML else json.dumps(content)


def _toml(content: dict[str, Any], name: str = "") -> str:
    plain = {key: it for key, it in content.items() if not isinstance(it, dict)}
    text = f"[{name}]\n" if name and plain else ""
    text += "".join(f"{key} = {json.dumps(value)}\n" for key, value in plain.items())
    for key, value in content.items():
        if isinstance(value, dict):
            text += _toml(value, f"{name}.{key}".lstrip("."))
    return text
