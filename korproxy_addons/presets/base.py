"""
What a coding tool is told so that it uses KorProxy, and what it needs back: facts as plain values.

One tool is one file with one `Preset`. Whoever reads a tool's settings (`korproxy doctor`) and whoever writes them go by the
same facts. Nothing here touches a file or a variable: the caller does, and hands in what it found.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

PLACEHOLDER_KEY = "korproxy"
"""The key that guides name; a gateway on loopback takes it unless its owner requires a real one."""

_FOLDER = re.compile(r"\{([A-Z_]+)\|([^}]*)\}")


class Form(StrEnum):
    """How much of a path the tool's base URL must have."""

    ROOT = "root"
    V1 = "v1"
    BETA = "v1beta"

    def url(self, root: str) -> str:
        """
        The base URL for a gateway.

        Args:
            root: Its root, such as `http://localhost:1337`.
        """
        return root if self is Form.ROOT else f"{root}/{self.value}"


class Format(StrEnum):
    """How a settings file is written; JSON may have comments."""

    JSON = "json"
    TOML = "toml"
    YAML = "yaml"
    ENV = "env"


class Scope(StrEnum):
    """Whose settings a file holds. PROJECT: its path is relative to the folder in which the tool runs."""

    USER = "user"
    PROJECT = "project"
    MANAGED = "managed"


class Role(StrEnum):
    """
    What a setting is for.

    KEY: the key itself. KEY_NAME: the name of the variable that holds it. SWITCH: something else that must have one of certain
    values. OPTION: something that a need depends on.
    """

    BASE = "base"
    KEY = "key"
    KEY_NAME = "key_name"
    MODEL = "model"
    SWITCH = "switch"
    OPTION = "option"


class Need(StrEnum):
    """Something that a tool wants of its route."""

    MODEL_LIST = "model list"
    STREAMING = "streaming"
    TOOLS = "tool use"
    TOOL_SEARCH = "tool search"
    BETAS = "beta features"
    COUNT_TOKENS = "token counts"
    LONG_CONTEXT = "1 M context"
    WEBSOCKET = "WebSocket"
    KEEP_ALIVES = "keep-alives"
    ERRORS = "error wording"
    SIDE_PATHS = "side paths"
    REQUEST = "all the rest"


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """
    A file of a tool's settings.

    Attributes:
        path: On Linux, and wherever no other is named. `~` is the user's folder; `{NAME|FOLDER}` the folder that a variable names,
            else FOLDER.
        macos, windows: There, "" for the same.
        format: How it is written.
        scope: Whose settings it holds.
        old: An earlier version of the tool read it; today's does not.
    """

    path: str
    format: Format = Format.JSON
    scope: Scope = Scope.USER
    macos: str = ""
    windows: str = ""
    old: bool = False

    def on(self, platform: str) -> str:
        """The path as `sys.platform` has it."""
        if platform == "darwin":
            return self.macos or self.path
        return (self.windows or self.path) if platform == "win32" else self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """
    One place where a tool looks for something.

    Attributes:
        role: What for.
        variable: Environment variable; "" for a key in a file.
        file: The file.
        path: Keys down to the value; `*` is every key or entry, `**` any number of them, `=NAME` the key that the file's own
            top-level NAME names.
        form: For a base URL.
        dialect: API that is spoken to it.
        values: For a switch: those that lead to KorProxy; empty for any.
    """

    role: Role
    variable: str = ""
    file: SettingsFile | None = None
    path: tuple[str, ...] = ()
    form: Form = Form.ROOT
    dialect: str = ""
    values: tuple[str, ...] = ()

    @property
    def several(self) -> bool:
        """Whether it may stand more than once, each for itself: entries that lead elsewhere are then nobody's mistake."""
        return "*" in self.path or "**" in self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """
    A value that sets the tool up.

    Attributes:
        value: With `{root}`, `{v1}`, `{beta}`, `{key}`, `{model}` in it; or a whole entry of a file.
        variable: Environment variable; "" for a key in a file.
        file: The file.
        path: Keys down to the value; a missing one is made, `+` is a new entry of a list.
    """

    value: Any
    variable: str = ""
    file: SettingsFile | None = None
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """
    A variable or a setting that takes the tool away from KorProxy, or confuses it.

    Attributes:
        setting: Where.
        why: What it does, in a sentence.
        remedy: What to do.
        beside: Names of variables of which one must be set as well for it to matter; empty for always.
        fatal: With it, the tool does not reach KorProxy at all.
    """

    setting: Setting
    why: str
    remedy: str
    beside: tuple[str, ...] = ()
    fatal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """
    A request as the tool sends it, as short as can be: what is lost of it on a route is lost of the tool's.

    Attributes:
        path: Path and query; `{model}` where the model stands in it.
        headers: Those that matter.
        body: Its JSON, without the model.
    """

    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """
    One tool.

    Attributes:
        id: As `X-KorProxy` headers, rules and the ledger name it.
        name: As its maker calls it.
        dialect: API that it speaks to KorProxy when set up as `writes` has it; "" if it cannot be.
        model: One that it asks for if nobody says otherwise; "" if its user must name one.
        programs: Names of its program.
        traces: Files or folders that it leaves; `*` as in file names.
        settings: Where it looks, for each role the strongest place first.
        writes: What sets it up.
        by_hand: Steps for people where no file can be written, with the same words in braces as `Write.value`.
        conflicts: What may be in the way.
        needs: What it wants of its route.
        vital: Those without which it does not work at all.
        sample: A request of its own.
        out_of_reach: Why it cannot use a gateway on this machine; "" if it can.
        notes: What should be known besides.
        source: Where the facts are from: "run" (read off the running tool) or "docs".
    """

    id: str
    name: str
    dialect: str = ""
    model: str = ""
    programs: tuple[str, ...] = ()
    traces: tuple[SettingsFile, ...] = ()
    settings: tuple[Setting, ...] = ()
    writes: tuple[Write, ...] = ()
    by_hand: tuple[str, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    needs: tuple[Need, ...] = ()
    vital: frozenset[Need] = frozenset({Need.STREAMING, Need.ERRORS})
    sample: Sample | None = None
    out_of_reach: str = ""
    notes: tuple[str, ...] = ()
    source: str = "docs"

    def of_role(self, role: Role) -> tuple[Setting, ...]:
        """The places for something, strongest first."""
        return tuple(it for it in self.settings if it.role is role)


def located(template: str, environ: Mapping[str, str], home: str) -> str:
    """
    A path of `SettingsFile.on`, its variables and `~` put in.

    Args:
        template: The path.
        environ: Environment variables.
        home: The user's folder.
    """
    moved = _FOLDER.sub(lambda found: environ.get(found[1]) or found[2], template)
    return home + moved[1:] if moved == "~" or moved.startswith(("~/", "~\\")) else moved


def filled(value: Any, words: Mapping[str, str]) -> Any:
    """`Write.value` with its words put in, at any depth; what looks like a word and is none stays."""
    if isinstance(value, str):
        for name, word in words.items():
            value = value.replace(f"{{{name}}}", word)
        return value
    if isinstance(value, Mapping):
        return {filled(key, words): filled(it, words) for key, it in value.items()}
    if isinstance(value, (list, tuple)):
        return [filled(it, words) for it in value]
    return value


def setting_words(root: str, key: str = PLACEHOLDER_KEY, model: str = "") -> dict[str, str]:
    """The words for `filled`."""
    return {
        "root": root,
        "v1": Form.V1.url(root),
        "beta": Form.BETA.url(root),
        "key": key,
        "model": model,
    }


def variable(
    role: Role,
    name: str,
    *,
    form: Form = Form.ROOT,
    dialect: str = "",
    values: tuple[str, ...] = (),
) -> Setting:
    """A setting in an environment variable."""
    return Setting(role=role, variable=name, form=form, dialect=dialect, values=values)


def entry(
    role: Role,
    file: SettingsFile,
    *path: str,
    form: Form = Form.ROOT,
    dialect: str = "",
    values: tuple[str, ...] = (),
) -> Setting:
    """A setting in a file."""
    return Setting(role=role, file=file, path=path, form=form, dialect=dialect, values=values)


def everywhere(
    role: Role,
    name: str,
    files: tuple[SettingsFile, ...],
    *,
    below: tuple[str, ...] = (),
    shell_first: bool = True,
    form: Form = Form.ROOT,
    dialect: str = "",
) -> tuple[Setting, ...]:
    """
    A variable in the shell and in files that are read as if they were the shell.

    Args:
        role: What for.
        name: The variable.
        files: The files, strongest first.
        below: Keys of a file under which variables stand.
        shell_first: What stands in the shell is stronger.
        form: As `Setting` has it.
        dialect: As `Setting` has it.
    """
    shell = variable(role, name, form=form, dialect=dialect)
    written = [entry(role, it, *below, name, form=form, dialect=dialect) for it in files]
    return (shell, *written) if shell_first else (*written, shell)
