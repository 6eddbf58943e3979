"""A running gateway's config.yaml, changed as an editor changes it."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from support.gateway import GatewayProcess
from support.waiting import until


def read(home: Path) -> dict[str, Any]:
    """The settings as they stand."""
    found: dict[str, Any] = YAML().load(text(home))
    return found


def text(home: Path) -> str:
    """The file as it stands."""
    return (home / "config.yaml").read_text(encoding="utf-8")


def write(home: Path, settings: dict[str, Any] | str) -> None:
    """Put a whole file in the place of the old one."""
    aside = home / "config.yaml.new"
    with aside.open("w", encoding="utf-8") as file:
        if isinstance(settings, str):
            file.write(settings)
        else:
            YAML().dump(settings, file)
    aside.chmod(0o600)
    aside.replace(home / "config.yaml")


def change(gateway: GatewayProcess, edit: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """
    Edit the settings, and wait until the gateway has taken note.

    Returns:
        What the log says of it.
    """
    settings = read(gateway.home)
    edit(settings)
    return put(gateway, settings)


def put(gateway: GatewayProcess, settings: dict[str, Any] | str) -> dict[str, Any]:
    """
    Put these settings in force, or try to.

    Returns:
        What the log says of it; `took_s` is how long it took.
    Raises:
        TimeoutError: nothing was said.
    """
    return noted(gateway, lambda: write(gateway.home, settings))


def noted(gateway: GatewayProcess, do: Callable[[], object]) -> dict[str, Any]:
    """
    Do something to the file, and wait until the gateway has taken note of it.

    Returns:
        What the log says of it; `took_s` is how long it took.
    Raises:
        TimeoutError: nothing was said.
    """
    # A thread of the gateway writes the log: a line about what was done before may come after this.
    began = round(time.time(), 3)
    do()
    done = time.time()
    said = until(lambda: _said(gateway, began))[0]
    return {**said, "took_s": said["ts"] - done}


def _said(gateway: GatewayProcess, since: float) -> list[dict[str, Any]]:
    return [
        it
        for it in gateway.log_lines()
        if it["event"] in ("config reloaded", "config refused") and it["ts"] >= since
    ]
