"""The configuration in the person's own editor, on a copy: the file changes only once the copy can be used."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from korproxy_addons.config.parse import parse_config
from korproxy_addons.config.problems import ConfigProblems
from korproxy_addons.config.store import FILE_NAME, ConfigStore
from korproxy_addons.errors.catalogue import EDITOR_MISSING
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.actions.config_file import replace_text

_USUAL = ("notepad",) if sys.platform == "win32" else ("nano", "vim", "vi")


def edit_in_editor(home: Path, ask: Callable[[str], bool] | None) -> bool:
    """
    Let a person edit the configuration of a folder.

    Args:
        home: The KorProxy folder.
        ask: Told the problems of an edited text; whether the editor shall open again. None: it never does.
    Returns:
        Whether the file is another one now.
    Raises:
        ConfigProblems: The edited text cannot be used, and was given up; the file stays as it was.
        KorProxyError: EDITOR_MISSING, CONFIG_BUSY.
    """
    command = editor_command(os.environ)
    file = home / FILE_NAME
    if not file.exists():
        ConfigStore(home).load()
    before = file.read_text("utf-8-sig")
    with tempfile.TemporaryDirectory(prefix="korproxy-") as folder:
        copy = Path(folder, FILE_NAME)
        copy.write_text(before, "utf-8")
        copy.chmod(0o600)
        while True:
            _run([*command, str(copy)])
            text = copy.read_text("utf-8-sig")
            if text == before:
                return False
            try:
                parse_config(text.encode(), str(file))
            except ConfigProblems as refused:
                if ask is None or not ask("\n".join(map(str, refused.problems))):
                    raise
                continue
            replace_text(home, text, before)
            return True


def editor_command(environ: Mapping[str, str]) -> list[str]:
    """
    Argv of the editor that the person uses: $VISUAL, $EDITOR, else a usual one.

    Raises:
        KorProxyError: EDITOR_MISSING.
    """
    chosen = environ.get("VISUAL") or environ.get("EDITOR")
    if chosen:
        return shlex.split(chosen, posix=os.name == "posix")
    for name in _USUAL:
        found = shutil.which(name)
        if found:
            return [found]
    raise KorProxyError(EDITOR_MISSING)


def _run(argv: list[str]) -> None:
    try:
        code = subprocess.call(argv)
    except OSError as error:
        raise KorProxyError(EDITOR_MISSING, f"{argv[0]}: {error.strerror}") from error
    if code:
        raise KorProxyError(EDITOR_MISSING, f"{argv[0]} ended with exit code {code}")
