"""Who may import whom, and who may touch the world outside: style.md 3.3, row by row."""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.sources import ROOT, calls, imports, python_files, tree

IMPURE = (
    "korproxy_addons/io/",
    "korproxy_addons/gateway/",
    "korproxy_addons/addons/",
    "korproxy_addons/config/store.py",
    "korproxy_addons/config/edit.py",
    "korproxy_addons/entry.py",
    "korproxy_addons/__main__.py",
)
MITMPROXY = ("korproxy_addons/gateway/", "korproxy_addons/addons/", *IMPURE[-2:])


@dataclass(frozen=True)
class Ban:
    """
    Something that only some files may do.

    Attributes:
        what: Test id, and what is said when it is found.
        pattern: Matched against whole dotted names.
        kind: Where the name stands: "import" or "call".
        allowed: Beginnings of the paths that may.
        folders: Where the ban holds.
    """

    what: str
    pattern: str
    kind: str
    allowed: tuple[str, ...]
    folders: tuple[str, ...] = ("korproxy_addons",)


OURS = ("korproxy_addons", "launcher")
INTERNALS = r"mitmproxy\.(proxy|net|utils|platform|addonmanager|eventsequence|hooks)(\..*)?"
CLOCK = r"(time\.(time|monotonic|perf_counter|process_time)(_ns)?|datetime\.(datetime\.)?(utc)?now)"
RANDOM = r"(random|secrets|uuid)(\..*)?"

BANS = (
    Ban("mitmproxy outside the gateway", r"mitmproxy(\..*)?", "import", MITMPROXY, OURS),
    Ban("mitmproxy's internals", INTERNALS, "import", ("korproxy_addons/gateway/",), OURS),
    Ban("waiting in a pure file", r"asyncio(\..*)?", "import", IMPURE),
    Ban("a socket in a pure file", r"socket(\..*)?", "import", IMPURE),
    Ban("a database elsewhere", r"sqlite3(\..*)?", "import", ("korproxy_addons/io/",), OURS),
    Ban("the clock in a pure file", r"(time|sched)(\..*)?", "import", IMPURE),
    Ban("the clock called in a pure file", CLOCK, "call", IMPURE),
    Ban("chance in a pure file", RANDOM, "import", IMPURE),
    Ban("a file opened in a pure file", r"open|io\.open|os\.open", "call", IMPURE),
    Ban(
        "a file read or written in a pure file",
        r".*\.(read_text|read_bytes|write_text|write_bytes|mkdir|unlink|iterdir)|.*(path|file)\.open",
        "call",
        # the registry lies in the package: it is read once, at import
        (
            *IMPURE,
            "korproxy_addons/providers/registry.py",
            "korproxy_addons/usage/prices.py",
            "korproxy_addons/usage/plans.py",
        ),
    ),
    Ban(
        "the keyring elsewhere",
        r"keyring(\..*)?",
        "import",
        ("korproxy_addons/io/vault_keyring.py",),
        OURS,
    ),
    Ban("the tray elsewhere", r"pystray(\..*)?", "import", ("launcher/tray/icon.py",), OURS),
    Ban(
        "a secret's value elsewhere",
        r".*\.get_secret_value",
        "call",
        (
            "korproxy_addons/providers/base.py",
            "korproxy_addons/auth/flows.py",
            # vault.py and vault_*.py: what is written there is written sealed
            "korproxy_addons/io/vault",
            "korproxy_addons/addons/access.py",
            # the filter must know what it takes out of logs and records
            "korproxy_addons/recording/redact.py",
            "launcher/control_pipe.py",
        ),
        OURS,
    ),
    Ban(
        "the simulator knows us",
        r"korproxy_addons(\..*)?|launcher(\.(?!simulator).*)?",
        "import",
        (),
        ("launcher/simulator",),
    ),
    Ban(
        "the launcher knows the gateway's inside",
        r"korproxy_addons\.(gateway|addons|dialects|entry|__main__)(\..*)?",
        "import",
        (),
        ("launcher",),
    ),
)

EXCEPTIONS: dict[str, set[str]] = {}
"""By ban, files that break it; this may only get shorter."""


def breaches(ban: Ban) -> Iterator[tuple[str, int, str]]:
    pattern = re.compile(ban.pattern)
    names = imports if ban.kind == "import" else calls
    for file in python_files(*ban.folders):
        if not file.startswith(ban.allowed or "\0"):
            for line, name in names(tree(file)):
                if pattern.fullmatch(name):
                    yield file, line, name


@pytest.mark.parametrize("ban", BANS, ids=lambda ban: ban.what)
def test_there_is_no(ban: Ban) -> None:
    excepted = EXCEPTIONS.get(ban.what, set())
    found = list(breaches(ban))
    assert [f"{file}:{line}: {name}" for file, line, name in found if file not in excepted] == []
    assert excepted - {file for file, _line, _name in found} == set(), "no longer an exception"


def test_a_task_is_kept() -> None:
    """
    A task that nobody holds may vanish in the middle, and its exception is never seen.

    So its result is named, returned, or handed to somebody; a bare statement is a task that is lost.
    """
    lost = re.compile(r"^\s*(asyncio|loop|self\._loop)\.(create_task|ensure_future)\(")
    found = [
        f"{file}:{number}"
        for file in python_files(*OURS)
        for number, line in enumerate(ROOT.joinpath(file).read_text("utf-8").splitlines(), start=1)
        if lost.search(line)
    ]
    assert found == []


def test_the_import_contracts_hold() -> None:
    """The layers, and the chains of imports that no single file shows."""
    lint_imports = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [lint_imports, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


LOAD_ALL = """
import importlib, pkgutil, sys, launcher
for module in pkgutil.walk_packages(launcher.__path__, "launcher."):
    importlib.import_module(module.name)
print(sorted(name for name in sys.modules if name.split(".")[0] == "mitmproxy"))
print(len([name for name in sys.modules if name.startswith("launcher.")]))
"""


def test_the_launcher_loads_no_mitmproxy() -> None:
    """All of it, loaded in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-c", LOAD_ALL], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded, count = done.stdout.splitlines()
    assert loaded == "[]"
    assert int(count) >= len(python_files("launcher/cli"))
